"""Curves over the steps of a training, a panel for each thing that was measured."""

import html
from collections.abc import Mapping, Sequence

from .axes import HEIGHT, WIDTH, Axes

#: Of one line: pairs of step and value.
Curve = Sequence[tuple[float, float]]
# Okabe and Ito's colours, which the colour-blind tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666")
# Lines differ by more than their colour.
_DASHES = ("", "7 4", "2 3", "9 3 2 3")
_LEGEND = 18
# What a page brings along, for a file that stands alone.
_STYLE = (
    "svg{font:12px system-ui,sans-serif}text{fill:#5d666f}.grid{stroke:#e1e4e8}"
    ".axis{stroke:#8a94a0}"
)


def panels(curves: Mapping[str, Curve]) -> list[str]:
    """Draws a chart for each kind of metric.

    Args:
        curves: By name. ``max/knn_top1`` and ``min/knn_top1`` are lines of one chart;
            what is no number is left out.

    Returns:
        SVG elements, in the order of their names' first appearance.
    """
    kinds: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        line, _, kind = name.rpartition("/")
        points = [(x, y) for x, y in curve if abs(y) < float("inf")]
        if points:
            kinds.setdefault(kind, {})[line] = points
    return [_panel(kind, lines) for kind, lines in kinds.items()]


def picture(curves: Mapping[str, Curve]) -> str:
    """Draws all charts one below the other, as a file that stands alone.

    Args:
        curves: See `panels`.
    """
    drawn = panels(curves)
    height = HEIGHT + _LEGEND
    parts = [
        f'<g transform="translate(0 {height * number})">{part}</g>'
        for number, part in enumerate(drawn)
    ]
    size = f'width="{WIDTH}" height="{height * len(drawn)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {WIDTH} {height * len(drawn)}"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _panel(kind: str, lines: Mapping[str, Curve]) -> str:
    points = [point for curve in lines.values() for point in curve]
    axes = Axes(_range([x for x, _ in points]), _range([y for _, y in points]))
    shapes, keys, at = [], [], 62.0
    for number, (name, curve) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        dash = _DASHES[number % len(_DASHES)]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        path = " ".join(axes.point(x, y) for x, y in curve)
        shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="2"{dashes}/>'
        )
        if len(curve) == 1:  # of no extent
            x, y = axes.point(*curve[0]).split(",")
            shapes.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        if len(lines) > 1:
            text = name or "all"
            keys.append(
                f'<line x1="{at:.0f}" x2="{at + 18:.0f}" y1="{HEIGHT + 6}" '
                f'y2="{HEIGHT + 6}" stroke="{colour}" stroke-width="2"{dashes}/>'
                f'<text x="{at + 23:.0f}" y="{HEIGHT + 10}">{html.escape(text)}</text>'
            )
            at += 7.5 * len(text) + 40
    chart = axes.draw(shapes, "step", html.escape(kind))
    inner = chart.replace("<svg ", f'<svg height="{HEIGHT}" width="{WIDTH}" ', 1)
    return (
        f'<svg role="img" aria-label="{html.escape(kind)} by step" '
        f'viewBox="0 0 {WIDTH} {HEIGHT + _LEGEND}" width="{WIDTH}" '
        f'height="{HEIGHT + _LEGEND}">{inner}{"".join(keys)}</svg>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    return low, high
