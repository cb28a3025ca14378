"""Tables, summaries and plots of a search space for people to read."""

import csv
import io
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..utils.families import BadValue, PackageMissing
from .cost import Cost
from .space import SearchSpace
from .spec import Subnet
from .timing import Latency

_MAX_COUNTED = 100_000
_MAX_PLOTTED = 5_000

Price = Callable[[Subnet], Cost]
"""Says what a sub-net costs, at the image size that its maker chose."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes:
        subnet: The sub-net.
        anchor: Its name in the space, or "".
        cost: Its MACs and parameters.
        latency: None where it was not measured.
    """

    subnet: Subnet
    anchor: str
    cost: Cost
    latency: Latency | None = None


def make_rows(
    space: SearchSpace,
    subnets: Iterable[Subnet],
    price: Price,
    clock: Callable[[Subnet], Latency] | None = None,
) -> list[Row]:
    """Returns one row per sub-net.

    Args:
        space: Names the anchors.
        subnets: What to list.
        price: Says what a sub-net costs.
        clock: Measures its latency; None: no latency.
    """
    names = _names(space)
    return [
        Row(
            subnet,
            names.get(subnet, ""),
            price(subnet),
            clock(subnet) if clock else None,
        )
        for subnet in subnets
    ]


def format_table(rows: Sequence[Row]) -> str:
    """Returns the rows as text in columns, in GMACs, M parameters and ms."""
    lines = [["sub-net", "anchor", "GMACs", "M params", "ms (low-high)"]]
    for row in rows:
        lines.append(
            [
                row.subnet.name,
                row.anchor,
                f"{row.cost.macs / 1e9:.3f}",
                f"{row.cost.params / 1e6:.3f}",
                _milliseconds(row.latency),
            ]
        )
    if not any(row.latency for row in rows):
        lines = [line[:-1] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            # Names to the left, numbers to the right.
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def format_csv(rows: Sequence[Row]) -> str:
    """Returns the rows as CSV with a header, in MACs, parameters and seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["subnet", "anchor", "macs", "params", "latency_s"])
    for row in rows:
        latency = "" if row.latency is None else f"{row.latency.median:.6g}"
        cells = [row.subnet.name, row.anchor, row.cost.macs, row.cost.params, latency]
        writer.writerow(cells)
    return text.getvalue()


def summarize(space: SearchSpace, price: Price) -> str:
    """Returns the size of a space and how the costs of its members are spread.

    Spaces of up to 100,000 members are counted in full, larger ones by a fixed
    random sample of that size.
    """
    costs = [price(subnet) for subnet in _members(space, _MAX_COUNTED)]
    macs = sorted(c.macs / 1e9 for c in costs)
    params = sorted(c.params / 1e6 for c in costs)
    basis = "all" if len(costs) == len(space) else f"{len(costs):,} random"
    lines = [
        f"{len(space):,} sub-nets; costs of {basis} of them:",
        "",
        "            least     5 %  median    95 %    most",
        f"GMACs    {_quantiles(macs)}",
        f"M params {_quantiles(params)}",
        "",
    ]
    width = _band(macs[-1])
    bands = Counter(int(value / width) for value in macs)
    for band, count in sorted(bands.items()):
        low, high = band * width, (band + 1) * width
        share = 100 * count / len(macs)
        lines.append(f"[{low:g}, {high:g}) GMACs: {count:,} ({share:.1f} %)")
    return "\n".join(lines)


def plot_space(
    space: SearchSpace, rows: Sequence[Row], price: Price, path: str | os.PathLike
) -> None:
    """Draws parameters over MACs: the space as dots, anchors and rows by name.

    Args:
        space: Up to 5,000 of its members are drawn, from a fixed random sample.
        rows: Drawn large.
        price: Says what a sub-net costs.
        path: An image file; its ending is the format.

    Raises:
        UserError: matplotlib is missing or does not know the format.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise PackageMissing(
            "a plot needs matplotlib: pip install matplotlib"
        ) from None
    figure = Figure(figsize=(7, 5), layout="constrained")
    known = FigureCanvasAgg(figure).get_supported_filetypes()
    suffix = os.path.splitext(path)[1].lstrip(".").lower()
    if suffix not in known:
        raise BadValue(
            f"a plot cannot be written as {suffix!r}; take an ending such as .png"
        )
    members = [price(subnet) for subnet in _members(space, _MAX_PLOTTED)]
    title = f"{len(space):,} sub-nets"
    if len(members) < len(space):
        title += f" ({len(members):,} drawn)"
    axes = figure.add_subplot(xlabel="GMACs", ylabel="M parameters", title=title)
    axes.margins(0.1)  # room for the names
    axes.scatter(*_points(members), s=6, alpha=0.3, linewidths=0, color="tab:gray")
    axes.scatter(*_points(row.cost for row in rows), s=24, color="tab:blue")
    for subnet, name in _names(space).items():
        (x,), (y,) = _points([price(subnet)])
        axes.scatter([x], [y], s=30, color="tab:red")
        axes.annotate(name, (x, y), xytext=(5, 4), textcoords="offset points")
    axes.grid(alpha=0.3)
    figure.savefig(path, format=suffix, dpi=150)


def _names(space: SearchSpace) -> dict[Subnet, str]:
    """Returns the anchors' names, several of one sub-net joined."""
    names: dict[Subnet, str] = {}
    for name, subnet in space.anchors.items():
        names[subnet] = f"{names[subnet]} {name}" if subnet in names else name
    return names


def _members(space: SearchSpace, limit: int) -> Iterable[Subnet]:
    if len(space) <= limit:
        return space
    return space.sample_distinct(limit, random.Random(0))


def _points(costs: Iterable[Cost]) -> tuple[list[float], list[float]]:
    costs = list(costs)
    return [c.macs / 1e9 for c in costs], [c.params / 1e6 for c in costs]


def _quantiles(values: Sequence[float]) -> str:
    last = len(values) - 1
    return "".join(f"{values[round(q * last)]:8.3f}" for q in (0, 0.05, 0.5, 0.95, 1))


def _band(most: float) -> float:
    """Returns a round width that makes about ten bands of [0, most]."""
    width = 1.0
    while width * 20 < most:
        width *= 2
    while width * 4 > most:
        width /= 2
    return width


def _milliseconds(latency: Latency | None) -> str:
    if latency is None:
        return ""
    return (
        f"{1e3 * latency.median:.2f} ({1e3 * latency.low:.2f}-{1e3 * latency.high:.2f})"
    )
