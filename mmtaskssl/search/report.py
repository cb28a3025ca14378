"""What a search tells: tables, a plot, and the commands that come next."""

import os
import shlex
from collections.abc import Mapping, Sequence

from ..evaluation.rank_statistics import spearman
from ..subnets import Subnet
from ..utils.atomic import atomic_path
from .results import Row


def format_ranking(
    rows: Sequence[Row],
    top: int,
    anchors: Mapping[Subnet, str],
    latencies: Mapping[str, float],
) -> str:
    """Returns the best rows as text in columns.

    Args:
        rows: Of one band and metric, best first.
        top: How many to show; anchors among the others are shown below.
        anchors: Names of sub-nets.
        latencies: Seconds by sub-net's name, of those that were measured.
    """
    lines = [["rank", "sub-net", "anchor", "GMACs", "M params", "ms"]]
    lines[0] += ["similarity", "95 % interval"]
    for rank, row in enumerate(rows, 1):
        anchor = anchors.get(Subnet.parse(row["subnet"]), "")
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
    widths = [max(map(len, column)) for column in columns]
    left = {"sub-net", "anchor"}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column[0] in left else cell.rjust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in zip(*columns, strict=True)
    )


def size_note(rows: Sequence[Row]) -> str:
    """Returns a sentence on how much of a ranking is only size; "" for few rows."""
    if len(rows) < 5:
        return ""
    rho = spearman([r["similarity"] for r in rows], [r["macs"] for r in rows])
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
    anchors: Mapping[Subnet, str],
    path: str | os.PathLike,
) -> bool:
    """Draws similarity over MACs, with intervals and the Pareto front.

    Args:
        rows: Of one metric.
        metric: Its name.
        anchors: Names of sub-nets.
        path: An image file; its ending is the format.

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
        ylabel=f"similarity to the largest sub-net ({metric})",
        title=f"{len(rows):,} sub-nets scored",
    )
    x, y = _points(rows)
    errors = [
        [v - row["ci"][0] for v, row in zip(y, rows, strict=True)],
        [row["ci"][1] - v for v, row in zip(y, rows, strict=True)],
    ]
    axes.errorbar(x, y, errors, fmt="o", ms=4, lw=0.6, alpha=0.6, color="tab:blue")
    front = pareto_front(rows)
    axes.plot(*_points(front), "-", color="tab:red", lw=1.2, label="Pareto front")
    for row in rows:
        name = anchors.get(Subnet.parse(row["subnet"]))
        if name:
            at = row["macs"] / 1e9, row["similarity"]
            axes.annotate(name, at, xytext=(5, 4), textcoords="offset points")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=os.path.splitext(path)[1][1:], dpi=150)
    return True


def next_commands(
    subnets: Sequence[str],
    config: str,
    checkpoint: str,
    images: str,
    out: str,
    calibration: Mapping[str, object],
    cfg_options: Sequence[str] = (),
) -> list[str]:
    """Returns the commands that calibrate and export sub-nets.

    Args:
        subnets: Names.
        config: The training config.
        checkpoint: Its checkpoint.
        images: The target's images.
        out: Folder of the search.
        calibration: Further options of the calibration.
        cfg_options: Changes to the config, as given.
    """
    calibrated = os.path.join(out, "calibrated.pth")
    same = ["--cfg-options", *cfg_options] if cfg_options else []
    options = [
        part
        for key, value in calibration.items()
        if value is not None
        for part in (f"--{key}", str(value))
    ]
    names = ["--subnet", *subnets]
    first = ["python", "tools/calibrate_bn.py", config, checkpoint, *names]
    first += ["--images", images, *options, "--out", calibrated, *same]
    second = ["python", "tools/export_subnet.py", config, calibrated, *names]
    second += ["--out", os.path.join(out, "export"), *same]
    return [shlex.join(first), shlex.join(second)]


def _points(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [r["macs"] / 1e9 for r in rows], [r["similarity"] for r in rows]
