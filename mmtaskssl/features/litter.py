"""What processes that died, or awoke too late, leave in a feature store."""

import contextlib
import re
from pathlib import Path

from ..runs import is_lock, lock_of
from ..utils.atomic import remove_temporaries

# A shard, and what is made of one on the way.
_SHARD = re.compile(r"shard-\d{5,}\.(npy|bad\.json)(\.claim)?")


def remove_litter(store: Path, name: str) -> None:
    """Removes what a killed process left of writing a file; its lock is held."""
    remove_temporaries(store, re.compile(re.escape(name)))


def remove_shard_litter(store: Path) -> None:
    """Removes what killed processes left of shards; all of these are written."""
    remove_temporaries(store, _SHARD)
    for claim in store.glob(".*"):
        if is_lock(claim.name) and _SHARD.fullmatch(lock_of(claim.name)):
            with contextlib.suppress(IsADirectoryError):  # no process makes one
                claim.unlink(missing_ok=True)


def remove_stray_parts(store: Path) -> None:
    """Removes parts of shards from a complete store, which has none.

    A process that was thought dead, and awoke, may have written one too late.
    """
    for part in store.glob("shard-*.bad.json"):
        if _SHARD.fullmatch(part.name):
            part.unlink(missing_ok=True)
