"""The folder that routing leaves behind."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..runs import Work, has_types
from ..utils.atomic import write_json, write_text
from ..utils.errors import UserError
from ..utils.inputs import open_text, read_json, reading
from .candidate import Candidate

ANSWER, TABLE, REPORT = "routing.json", "ranking.csv", "report.html"
# What version 0.1 wrote into its answer.
_OF_0_1 = {
    **dict.fromkeys(("router", "answer", "winner"), str),
    **dict.fromkeys(("task", "network", "regret", "seconds"), dict),
    **dict.fromkeys(("notes", "soft", "ranking"), list),
    **dict.fromkeys(("seed", "paths", "scored", "stages_run"), int),
}


def work_of(depends_on: Mapping[str, Any]) -> Work:
    """Returns the record of the routing that depends on something.

    A folder of version 0.1, without a record, says too little of what it was made
    from: it is replaced on demand only.
    """
    files = (ANSWER, TABLE, REPORT)
    return Work("routing", 1, depends_on, files, "a routing", _inputs_of_0_1)


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns no inputs if a folder holds a routing from before it had a record."""
    try:
        answer = read_answer(folder)
        with open_text(folder / TABLE, newline="") as file:
            table = [line["subnet"] for line in csv.DictReader(file)]
        whole = has_types(answer, _OF_0_1)
        same = whole and table == [row["subnet"] for row in answer["ranking"]]
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None
    return {} if same else None


def read_answer(folder: str | Path) -> dict[str, Any]:
    """Returns what routing.json holds."""
    with reading(Path(folder, ANSWER)):
        return dict(read_json(Path(folder, ANSWER)))


def write(
    folder: Path, answer: Mapping[str, Any], ranking: Sequence[Candidate], page: str
) -> None:
    """Writes answer, table and page into a folder that appears whole.

    Args:
        folder: Of `Work.written`.
        answer: What routing.json holds.
        ranking: The sub-nets, the winner first.
        page: HTML.
    """
    write_json(folder / ANSWER, answer)
    _write_table(folder / TABLE, ranking)
    write_text(folder / REPORT, page)


def _write_table(path: Path, ranking: Sequence[Candidate]) -> None:
    heads = ("score", "low", "high", "behind", "behind_low", "behind_high")
    lines = [("rank", "subnet", *heads, "tied", "overlap")]
    for rank, c in enumerate(ranking, 1):
        numbers = [f"{getattr(c, head):.6f}" for head in heads]
        overlap = "" if c.overlap is None else f"{c.overlap:.6f}"
        lines.append((rank, c.subnet.name, *numbers, int(c.tied), overlap))
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
