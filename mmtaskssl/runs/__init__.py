"""One record of a piece of work: what it depends on, whether it is whole, whose it is.

Whatever writes a folder or a file for the user goes through here::

    work = Work("selection", 1, inputs, files=("selection.txt", "summary.json"))
    if work.state(out, overwrite) is State.COMPLETE:
        ...  # open what is there
    with work.written(out) as folder:
        ...  # fill the folder; it appears whole, with its record, or not at all
"""

from .differences import differences
from .growing import Growing
from .locks import Busy, is_lock, locked
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
    "RECORD",
    "Busy",
    "Growing",
    "OutputFile",
    "Record",
    "ResultFile",
    "State",
    "Work",
    "as_read",
    "check_listed",
    "check_version",
    "describe_files",
    "differences",
    "differs",
    "filled",
    "has_types",
    "is_lock",
    "locked",
    "remove_litter",
    "resolved",
    "verify",
    "writing",
]
