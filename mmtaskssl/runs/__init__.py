"""One record of a piece of work: what it depends on, whether it is whole, whose it is.

Whatever writes a folder or a file for the user goes through here::

    work = Work("selection", 1, inputs, files=("selection.txt", "summary.json"))
    if work.state(out, overwrite) is State.COMPLETE:
        ...  # open what is there
    with work.written(out) as folder:
        ...  # fill the folder; it appears whole, with its record, or not at all
"""

from .alone import alone
from .claims import LEASE, Claims, claimed
from .differences import differences
from .growing import Growing
from .locks import Busy, is_lock, lock_of, locked
from .output_file import OutputFile, writing
from .place import filled, remove_litter, resolved
from .record import (
    RECORD,
    Record,
    check_listed,
    check_version,
    describe_files,
    differs,
    has_types,
    verify,
)
from .result_file import ResultFile, as_read
from .work import State, Work

__all__ = [
    "LEASE",
    "RECORD",
    "Busy",
    "Claims",
    "Growing",
    "OutputFile",
    "Record",
    "ResultFile",
    "State",
    "Work",
    "alone",
    "as_read",
    "check_listed",
    "check_version",
    "claimed",
    "describe_files",
    "differences",
    "differs",
    "filled",
    "has_types",
    "is_lock",
    "lock_of",
    "locked",
    "remove_litter",
    "resolved",
    "verify",
    "writing",
]
