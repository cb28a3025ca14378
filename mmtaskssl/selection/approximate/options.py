"""How an index is made and searched. Imports nothing that a parser would wait for."""

import dataclasses
import math
import os

from ...utils import checks
from ...utils.errors import option

#: Policies that choose among the nearest images of each image of the target.
POLICIES = ("round_robin", "class_balanced", "simcore")
# Lists: so many times the root of the rows, so that a search meets about as many lists
# as rows of each. Of fewer rows a list a centroid tells little.
_LISTS, _ROWS_A_LIST, _MOST_LISTS = 4, 16, 2**16
# Features that a byte of a code stands for, and the bytes of a code.
_FEATURES_A_BYTE, _LEAST_BYTES, _MOST_BYTES = 8, 4, 96
# Rows in the lists that are looked through, for each candidate wanted.
_ROWS_A_CANDIDATE = 4
# Candidates that are scored exactly, for each image that is wanted, and at least.
_RERANK, _CANDIDATES = 10, 500
# Of so many lists one is looked through, and at least so many.
_LISTS_A_PROBE, _PROBES = 16, 16


@dataclasses.dataclass(frozen=True)
class Approximate:
    """An index, and how it is made and searched; None: by what there is.

    Attributes:
        folder: Where it lies, or is made.
        lists: Lists that rows are divided among, when it is made.
        code_bytes: Bytes of a row's code, when it is made.
        probes: Lists that are looked through for a query.
        rerank: Candidates that are scored exactly, for each image that is wanted.

    Raises:
        UserError: A value that cannot be one.
    """

    folder: str | os.PathLike
    lists: int | None = None
    code_bytes: int | None = None
    probes: int | None = None
    rerank: int | None = None

    def __post_init__(self) -> None:
        checks.path_like("approximate", self.folder)
        checks.whole("lists", self.lists, none=True)
        checks.whole("code_bytes", self.code_bytes, 1, 4096, none=True)
        checks.whole("probes", self.probes, none=True)
        checks.whole("rerank", self.rerank, none=True)


def approximately(
    folder: str | os.PathLike | None,
    lists: int | None = None,
    code_bytes: int | None = None,
    probes: int | None = None,
    rerank: int | None = None,
) -> Approximate | None:
    """Returns how to search, None for exactly; see `Approximate`.

    Raises:
        UserError: Something is said of an index, and there is to be none.
    """
    if folder is not None:
        return Approximate(folder, lists, code_bytes, probes, rerank)
    checks.unused(
        f"with {option('approximate')}",
        lists=lists,
        code_bytes=code_bytes,
        probes=probes,
        rerank=rerank,
    )
    return None


def usual_lists(rows: int) -> int:
    """Returns how many lists an index of some rows has."""
    most = max(1, min(rows // _ROWS_A_LIST, _MOST_LISTS))
    return min(most, max(1, round(_LISTS * math.sqrt(rows))))


def usual_code_bytes(dim: int) -> int:
    """Returns the bytes of a code of some features."""
    wanted = max(_LEAST_BYTES, -(-dim // _FEATURES_A_BYTE))
    return min(dim, wanted, _MOST_BYTES)


def usual_probes(lists: int, rows: int, candidates: int) -> int:
    """Returns how many lists are looked through: they hold what is wanted, too.

    Args:
        lists: Of the index.
        rows: Of the index.
        candidates: Wanted for a query.
    """
    hold = math.ceil(_ROWS_A_CANDIDATE * candidates * lists / max(1, rows))
    return min(lists, max(_PROBES, lists // _LISTS_A_PROBE, hold))


def candidates_of(k: int, rerank: int | None) -> int:
    """Returns how many candidates of a query are scored exactly.

    Args:
        k: Images wanted.
        rerank: Candidates for each; None: ten, and 500 in all at least.
    """
    return max(_RERANK * k, _CANDIDATES) if rerank is None else k * rerank
