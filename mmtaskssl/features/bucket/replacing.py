"""A store under an address is removed, for another one in its place."""

import dataclasses
from collections.abc import Mapping

from ...runs import RECORD, Record, Work
from ...utils.errors import option
from ...utils.families import OutForeign, OutTaken
from ...utils.remote import writing
from ...utils.remote.files import Stat
from .. import layout
from .claims import BucketClaims
from .growing import check_kind
from .place import REPLACING, as_bytes, is_passing, record_at, remove_all


@dataclasses.dataclass(frozen=True)
class _Unwritten:
    """A place of claims where nothing is ever written."""

    address: str

    def is_written(self, index: int, age: float = 0.0) -> bool:
        """See `Written`."""
        return False


def clear_at(address: str, work: Work) -> None:
    """Removes a store, if nobody is filling it.

    Its record says first that it is no whole one, and goes last: who is killed here
    leaves what can be removed again.

    Args:
        address: A folder of it.
        work: What is to stand there.

    Raises:
        UserError: There is anything else, or somebody is filling it.
    """
    writing.check_exclusive(address)
    with BucketClaims(_Unwritten(f"{address}/{REPLACING}")) as mine:
        while not [*mine.take([0])]:  # another process removes it
            mine.wait([0])
        record = record_at(address)
        if record is None:
            return
        check_kind(address, record, work)
        names = _checked(address, record, work)
        for place in (address, f"{address}/{layout.COPIES}"):
            if BucketClaims(_Unwritten(place)).alive():
                raise OutTaken(
                    f"{address} is being filled by others: let them end before it is "
                    f"replaced, or leave out {option('overwrite')} to share their work"
                )
        known = sorted({*record.files, *record.begun})
        begun = dataclasses.replace(record, complete=False, files={}, begun=known)
        writing.put(f"{address}/{RECORD}", as_bytes(begun))
        mine_too = f"{REPLACING}/"
        passing = [n for n in names if is_passing(n) and not n.startswith(mine_too)]
        rest = [n for n in names if not is_passing(n) and n != RECORD]
        remove_all(address, passing)  # which say what is written
        remove_all(address, rest)
        writing.remove(f"{address}/{RECORD}")


def _checked(address: str, record: Record, work: Work) -> Mapping[str, Stat]:
    """Returns all that is there, and refuses what is somebody else's."""
    found = writing.listed(address)
    inner = record_at(f"{address}/{layout.COPIES}")
    copies = f"{layout.COPIES}/"
    ours = {RECORD, *record.files, *record.begun, *work.files}
    if inner is not None:
        names = {RECORD, *inner.files, *inner.begun}
        ours |= {f"{copies}{name}" for name in names}
    for name in sorted(found):
        within = name.removeprefix(copies) if inner is not None else name
        if name not in ours and not is_passing(name) and not is_passing(within):
            raise OutForeign(
                f"{address} holds {name!r}, which is no part of {work.what}, and is "
                "not replaced: name another address"
            )
    return found
