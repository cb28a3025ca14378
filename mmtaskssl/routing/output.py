"""The folder that routing leaves behind."""

import csv
from pathlib import Path
from typing import Any

from ..utils.atomic import atomic_folder, write_json, write_text
from ..utils.errors import UserError
from ..utils.outputs import check_replaceable, writing
from .result import Routing

ANSWER, TABLE, REPORT = "routing.json", "ranking.csv", "report.html"
_FILES = {ANSWER, TABLE, REPORT}


def check_out(out: str | Path, overwrite: bool) -> None:
    """Checks that writing ``out`` loses nothing.

    Raises:
        UserError: It is a file, has other content, or may not be replaced.
    """
    out = Path(out)
    check_replaceable(out, _FILES, "a routing")
    if out.exists() and any(out.iterdir()) and not overwrite:
        raise UserError(
            f"{out} exists: name another folder with --out, or replace it with "
            "--overwrite"
        )


def write_routing(
    out: str | Path, routing: Routing, facts: dict[str, Any], page: str
) -> None:
    """Writes answer, table and page, which appear together or not at all.

    Args:
        out: The folder.
        routing: What was found.
        facts: How it was found; JSON-ready.
        page: HTML.

    Raises:
        UserError: The disk is full or forbidden.
    """
    with writing(out), atomic_folder(out) as folder:
        write_json(folder / ANSWER, {**facts, **routing.to_dict()})
        _write_table(folder / TABLE, routing)
        write_text(folder / REPORT, page)


def _write_table(path: Path, routing: Routing) -> None:
    heads = ("score", "low", "high", "behind", "behind_low", "behind_high")
    lines = [("rank", "subnet", *heads, "tied", "overlap")]
    for rank, c in enumerate(routing.ranking, 1):
        numbers = [f"{getattr(c, head):.6f}" for head in heads]
        overlap = "" if c.overlap is None else f"{c.overlap:.6f}"
        lines.append((rank, c.subnet.name, *numbers, int(c.tied), overlap))
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
