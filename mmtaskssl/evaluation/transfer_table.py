"""How results of the transfer protocol are shown."""

from collections.abc import Sequence
from typing import Any

from ..utils.tables import aligned

_NAMES = {"mean_per_class": "mean per class", "mAP_11point": "mAP, 11 points"}


def format_transfer(result: dict[str, Any], probes: Sequence[str]) -> str:
    """Returns one line per set, the mean, and what was left out.

    Args:
        result: As `TransferEvaluation.run` makes it.
        probes: The columns.
    """
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for row in result["rows"]:
        rows.setdefault(row["set"], {})[row["probe"]] = row
    table = [["set", "metric", "classes", "train", "val", "test", *probes]]
    for name, found in rows.items():
        first = next(iter(found.values()))
        sizes = [f"{first[key]:,}" for key in ("classes", "train", "val", "test")]
        scores = [f"{found[p]['score']:.2f}" if p in found else "-" for p in probes]
        metric = _NAMES.get(first["metric"], first["metric"])
        table.append([name, metric, *sizes, *scores])
    means = [f"{result['mean'][p]:.2f}" if p in result["mean"] else "-" for p in probes]
    table.append([f"mean of {len(rows)}", "", "", "", "", "", *means])
    lines = aligned(table, names=2)
    notes = {
        f"note: {row['set']}: {note}": None
        for row in result["rows"]
        for note in row["notes"]
    }
    lines += notes
    if result["skipped"]:
        lines.append(f"not on this disk: {', '.join(result['skipped'])}")
    return "\n".join(lines)
