"""What a search tells: tables and a plot."""

import math
from collections.abc import Mapping, Sequence
from typing import IO

from ..evaluation.rank_statistics import spearman
from .names import PUBLISHED, words_of
from .results import Row


def ranking(
    rows: Sequence[Row],
    top: int,
    anchors: Mapping[str, str],
    latencies: Mapping[str, float],
) -> list[list[str]]:
    """Returns the best rows as cells, their heads first; no column is empty.

    Args:
        rows: Of one band and metric, best first.
        top: How many to show; anchors among the others are shown below.
        anchors: By sub-net's name.
        latencies: Seconds by sub-net's name, of those that were measured.
    """
    lines = [["rank", "sub-net", "anchor", "GMACs", "M params", "ms"]]
    column = words_of(rows[0]["metric"]).column if rows else "similarity"
    lines[0] += [column, "95 % interval"]
    for rank, row in enumerate(rows, 1):
        anchor = anchors.get(row["subnet"], "")
        if rank > top and not anchor:
            continue
        seconds = latencies.get(row["subnet"])
        lines.append(
            [
                str(rank),
                row["subnet"],
                anchor,
                f"{row['macs'] / 1e9:.4g}",
                f"{row['params'] / 1e6:.4g}",
                "" if seconds is None else f"{1e3 * seconds:.2f}",
                f"{row['similarity']:.5f}",
                f"{row['ci'][0]:.5f}-{row['ci'][1]:.5f}",
            ]
        )
    columns = [c for c in zip(*lines, strict=True) if any(c[1:])]
    return [list(line) for line in zip(*columns, strict=True)]


def format_ranking(
    rows: Sequence[Row],
    top: int,
    anchors: Mapping[str, str],
    latencies: Mapping[str, float],
) -> str:
    """Returns the best rows as text in columns, see `ranking`."""
    lines = ranking(rows, top, anchors, latencies)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = {"sub-net", "anchor"}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if head in left else cell.rjust(width)
            for cell, width, head in zip(line, widths, lines[0], strict=True)
        ).rstrip()
        for line in lines
    )


def shape_text(shape: Sequence[int]) -> str:
    """Returns height and width of the image that costs are counted for."""
    return "{}x{} pixels".format(*shape)


def size_note(rows: Sequence[Row]) -> str:
    """Returns a sentence on how much of a ranking is only size; "" for few rows."""
    if len(rows) < 5:
        return ""
    rho = spearman([r["similarity"] for r in rows], [r["macs"] for r in rows])
    if math.isnan(rho):  # they are all alike
        return ""
    metric = rows[0]["metric"]
    if metric not in PUBLISHED:
        title = words_of(metric).title
        return (
            f"{title[0].upper()}{title[1:]} with MACs over these {len(rows)}: Spearman "
            f"{rho:+.2f}."
        )
    return (
        f"Similarity with MACs over these {len(rows)}: Spearman {rho:+.2f}. Likeness "
        f"to the largest net favours large ones; the narrower the band, the less."
    )


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows than which no cheaper one is better, cheapest first."""
    front: list[Row] = []
    for row in sorted(rows, key=lambda r: (r["macs"], -r["similarity"], r["subnet"])):
        if not front or row["similarity"] > front[-1]["similarity"]:
            front.append(row)
    return front


def plot_scores(
    rows: Sequence[Row],
    metric: str,
    anchors: Mapping[str, str],
    file: IO[bytes],
) -> bool:
    """Draws a metric over MACs, with intervals and the Pareto front.

    Args:
        rows: Of one metric.
        metric: Its name.
        anchors: By sub-net's name.
        file: Receives a PNG.

    Returns:
        Whether matplotlib is there to draw with.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(7, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(
        xlabel="GMACs",
        ylabel=words_of(metric).title,
        title=f"{len(rows):,} sub-nets scored",
    )
    x, y = _points(rows)
    errors = [
        [max(0.0, v - row["ci"][0]) for v, row in zip(y, rows, strict=True)],
        [max(0.0, row["ci"][1] - v) for v, row in zip(y, rows, strict=True)],
    ]
    axes.errorbar(x, y, errors, fmt="o", ms=4, lw=0.6, alpha=0.6, color="tab:blue")
    front = pareto_front(rows)
    axes.plot(*_points(front), "-", color="tab:red", lw=1.2, label="Pareto front")
    for row in rows:
        name = anchors.get(row["subnet"])
        if name:
            at = row["macs"] / 1e9, row["similarity"]
            axes.annotate(name, at, xytext=(5, 4), textcoords="offset points")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(file, format="png", dpi=150)
    return True


def _points(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [r["macs"] / 1e9 for r in rows], [r["similarity"] for r in rows]
