"""The folder that a selection leaves behind."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.atomic import write_json, write_text
from ..utils.inputs import open_text, read_json
from .leaks import Leak
from .task import Selection

SELECTION = "selection.txt"
TABLE = "selection.csv"
DROPPED = "dropped.csv"
SUMMARY = "summary.json"
REPORT = "report.html"
_UNUSABLE = "unusable feature"
_COPY = "copy in the pool"
FILES = (SELECTION, TABLE, DROPPED, SUMMARY, REPORT)


def read_summary(out: str | os.PathLike) -> dict[str, Any]:
    """Reads summary.json of a complete selection."""
    found = read_json(Path(out) / SUMMARY)
    if not isinstance(found, dict):
        raise ValueError("it is no object with keys")
    return found


def write(
    folder: Path,
    selection: Selection,
    pool_ids: Sequence[str],
    query_ids: Sequence[str],
    leaks: Sequence[Leak],
    unusable: Sequence[tuple[str, str]],
    summary: dict[str, Any],
    copies: Sequence[tuple[str, str]] = (),
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
        copies: Pool images left out, and of which others they are copies.
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
    write_csv(folder / TABLE, table)
    head = ("image", "store", "reason", "match", "match_store", "score")
    dropped = [(*head, "pixel_agreement", "transform")]
    for leak in leaks:
        seen = "" if leak.agreement is None else f"{leak.agreement:.6f}"
        pair = leak.image, "pool", leak.reason, leak.match, leak.store
        dropped.append((*pair, f"{leak.score:.6f}", seen, leak.transform))
    dropped += [(image, "pool", _COPY, of, "pool", *[""] * 3) for image, of in copies]
    dropped += [(image, store, _UNUSABLE, *[""] * 5) for store, image in unusable]
    write_csv(folder / DROPPED, dropped)
    write_json(folder / SUMMARY, summary)


def read_selection(
    folder: str | os.PathLike,
    pool_ids: Sequence[str],
    query_ids: Sequence[str],
    named: Sequence[str] | None = None,
) -> Selection:
    """Reads what was chosen; scores have the six decimals that stand there.

    Args:
        folder: See `write`.
        pool_ids: See `write`.
        query_ids: See `write`.
        named: Those of the chosen images to take, in this order; None: all.

    Raises:
        KeyError: An image or a query is not among the ids.
        ValueError: An image is named that was not chosen.
    """
    row_of = {image: row for row, image in enumerate(pool_ids)}
    query_of = {image: index for index, image in enumerate(query_ids)}
    lines = read_csv(Path(folder, TABLE))
    if named is not None:
        chosen = {line["image"]: line for line in lines}
        other = next((image for image in named if image not in chosen), None)
        if other is not None:
            raise ValueError(f"{SELECTION} names {other}, which {TABLE} does not")
        lines = [chosen[image] for image in dict.fromkeys(named)]
    return Selection(
        np.array([row_of[line["image"]] for line in lines], np.int64),
        np.array([float(line["score"]) for line in lines]),
        np.array([query_of[line["query"]] for line in lines], np.int64),
        np.array([int(line["query_rank"] or 0) - 1 for line in lines], np.int64),
    )


def read_list(folder: str | os.PathLike) -> list[str]:
    """Returns the images that the list names, in its order."""
    with open_text(Path(folder, SELECTION), errors="surrogateescape") as file:
        return [line for line in file.read().split("\n") if line]


def is_consistent(folder: str | os.PathLike, count: int) -> bool:
    """Whether list and table name the same images, as many as the summary says."""
    chosen = read_list(folder)
    images = [line["image"] for line in read_csv(Path(folder, TABLE))]
    return len(chosen) == count and chosen == images


def read_leaks(folder: str | os.PathLike, pool_ids: Sequence[str]) -> list[Leak]:
    """Reads the pool images kept out as copies, see `read_selection`."""
    row_of = {image: row for row, image in enumerate(pool_ids)}
    return [
        Leak(
            row_of[line["image"]],
            *(line["image"], line["reason"], line["match"], line["match_store"]),
            float(line["score"]),
            float(line["pixel_agreement"]) if line["pixel_agreement"] else None,
            line["transform"],
        )
        for line in read_csv(Path(folder, DROPPED))
        if line["reason"] not in (_UNUSABLE, _COPY)
    ]


def read_copies(folder: str | os.PathLike) -> list[tuple[str, str]]:
    """Reads the pool images left out as copies of others of the pool, see `write`."""
    lines = read_csv(Path(folder, DROPPED))
    return [(one["image"], one["match"]) for one in lines if one["reason"] == _COPY]


def read_csv(path: Path) -> list[dict[str, str]]:
    """Reads a table that `write_csv` wrote, a dict a line."""
    with open_text(path, newline="", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, lines: Iterable[Sequence[Any]]) -> None:
    """Writes a table, its head first; file names in it may be any bytes."""
    with open(
        path, "w", newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
