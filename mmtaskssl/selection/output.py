"""The folder that a selection leaves behind."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import write_json, write_text
from ..utils.inputs import read_json
from .leaks import Leak
from .task import Selection

SELECTION = "selection.txt"
TABLE = "selection.csv"
DROPPED = "dropped.csv"
SUMMARY = "summary.json"
REPORT = "report.html"
FILES = (SELECTION, TABLE, DROPPED, SUMMARY, REPORT)


def read_summary(out: str | os.PathLike) -> dict[str, Any]:
    """Reads summary.json of a complete selection."""
    return read_json(Path(out) / SUMMARY)


def write(
    folder: Path,
    selection: Selection,
    pool_ids: Sequence[str],
    query_ids: Sequence[str],
    leaks: Sequence[Leak],
    unusable: Sequence[tuple[str, str]],
    summary: dict[str, Any],
) -> None:
    """Writes everything but the report.

    Args:
        folder: Where to; the caller makes it appear at once.
        selection: What was chosen.
        pool_ids: Image ids of the pool by row.
        query_ids: Reported ids of the queries.
        leaks: Pool images kept out.
        unusable: Store and id of images without a usable feature.
        summary: JSON-ready.
    """
    chosen = [pool_ids[row] for row in selection.rows.tolist()]
    write_text(folder / SELECTION, "".join(f"{image}\n" for image in chosen))
    table = [("rank", "image", "score", "query", "query_rank")]
    for i, image in enumerate(chosen):
        rank = int(selection.query_ranks[i])
        table.append(
            (
                i + 1,
                image,
                f"{selection.scores[i]:.6f}",
                query_ids[selection.queries[i]],
                rank + 1 if rank >= 0 else "",
            )
        )
    _write_csv(folder / TABLE, table)
    head = ("image", "store", "reason", "match", "match_store", "score")
    dropped = [(*head, "pixel_agreement", "transform")]
    for leak in leaks:
        seen = "" if leak.agreement is None else f"{leak.agreement:.6f}"
        pair = leak.image, "pool", leak.reason, leak.match, leak.store
        dropped.append((*pair, f"{leak.score:.6f}", seen, leak.transform))
    dropped += [
        (image, store, "unusable feature", *[""] * 5) for store, image in unusable
    ]
    _write_csv(folder / DROPPED, dropped)
    write_json(folder / SUMMARY, summary)


def _write_csv(path: Path, lines: Sequence[Sequence[Any]]) -> None:
    with open(
        path, "w", newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
