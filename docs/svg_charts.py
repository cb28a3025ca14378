"""Charts of the documentation as plain SVG: the same bytes wherever they are drawn.

Each lies on a card of its own, light or dark as the reader's system is, so that it can
be read on any page; series differ by shape, not by colour alone.
"""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH = 560
_LEFT, _RIGHT, _ROW = 132, 26, 30
_STYLE = """
.card{fill:#fff;stroke:#d5d9dd}text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,
sans-serif;fill:#1d2125}.soft{fill:#565f68;font-size:13px}.head{font-size:15px;
font-weight:600}.line{stroke:#e1e4e8}.zero{stroke:#1d2125;stroke-dasharray:4 3}
.a{--c:#6f7984}.b{--c:#0a7d4f}.c{--c:#b14a00}.d{--c:#1f5fa8}
.mark{fill:var(--c);stroke:var(--c)}.open{fill:none;stroke:var(--c)}
.mark,.open{stroke-width:2}.bar{stroke:var(--c);stroke-width:2;fill:none}
@media (prefers-color-scheme:dark){.card{fill:#1d2125;stroke:#3a4148}text{fill:#e6e9ec}
.soft{fill:#a6b0b9}.line{stroke:#353b41}.zero{stroke:#e6e9ec}.a{--c:#98a3ae}
.b{--c:#3fc489}.c{--c:#ff9d5c}.d{--c:#74b0f4}}
"""


class Series(NamedTuple):
    """What is drawn in one way.

    Attributes:
        name: For the legend.
        colour: "a" (grey), "b" (green), "c" (orange) or "d" (blue).
        shape: "dot", "ring", "diamond" or "square".
    """

    name: str
    colour: str
    shape: str


class Mark(NamedTuple):
    """One figure.

    Attributes:
        series: Key of its series.
        value: The figure.
        low: Lower end of what is said of its spread; None: nothing is.
        high: The upper one.
    """

    series: str
    value: float
    low: float | None = None
    high: float | None = None


class Panel(NamedTuple):
    """Rows of figures on one scale.

    Attributes:
        title: Above it.
        rows: Names and figures, from above.
        unit: What the scale shows.
        zero: Whether zero is on the scale, as a line.
    """

    title: str
    rows: Sequence[tuple[str, Sequence[Mark]]]
    unit: str
    zero: bool = False


def dots(
    panels: Sequence[Panel], series: Mapping[str, Series], about: str, source: str
) -> str:
    """Draws panels of rows, one below the other.

    Args:
        panels: From above.
        series: By key, in the order of the legend.
        about: What the picture shows, for those who do not see it.
        source: Where its figures are from.
    """
    parts, top = _legend(series, 18)
    for panel in panels:
        drawn, top = _panel(panel, series, top + 16)
        parts += drawn
    return _whole(parts, top + 10, about, source)


def lines(
    curves: Mapping[str, Sequence[tuple[float, float, float]]],
    series: Mapping[str, Series],
    names: tuple[str, str],
    about: str,
    source: str,
) -> str:
    """Draws curves with their spread.

    Args:
        curves: x, y and half the length of its bar, by key of the series.
        series: By key, in the order of the legend.
        names: Of the x and the y axis.
        about: See `dots`.
        source: See `dots`.
    """
    parts, top = _legend(series, 18)
    points = [point for curve in curves.values() for point in curve]
    xs, ys = (
        [x for x, _, _ in points],
        [y + s * e for _, y, e in points for s in (1, -1)],
    )
    left, right, top, base = 58, WIDTH - _RIGHT, top + 14, top + 270
    x_low, x_high, x_ticks = _scale(min(0.0, *xs), max(xs))
    y_low, y_high, y_ticks = _scale(min(ys), max(ys))

    def px(x: float) -> float:
        return left + (right - left) * (x - x_low) / (x_high - x_low)

    def py(y: float) -> float:
        return base - (base - top) * (y - y_low) / (y_high - y_low)

    for value in y_ticks:
        parts.append(_line("line", left, py(value), right, py(value)))
        parts.append(_text(left - 8, py(value) + 4, f"{value:g}", "soft", "end"))
    for value in x_ticks:
        parts.append(_text(px(value), base + 19, f"{value:g}", "soft", "middle"))
    for key, curve in curves.items():
        one = series[key]
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y, _ in curve)
        parts.append(f'<polyline class="bar {one.colour}" points="{path}"/>')
        for x, y, error in curve:
            parts.append(
                _line(f"bar {one.colour}", px(x), py(y - error), px(x), py(y + error))
            )
            parts.append(_shape(one, px(x), py(y), f"{one.name}: {y:.1f}"))
    parts.append(_text((left + right) / 2, base + 40, names[0], "soft", "middle"))
    middle = f'<g transform="translate(16 {(top + base) / 2:.1f}) rotate(-90)">'
    parts.append(f"{middle}{_text(0, 0, names[1], 'soft', 'middle')}</g>")
    return _whole(parts, base + 56, about, source)


def _panel(
    panel: Panel, series: Mapping[str, Series], top: float
) -> tuple[list[str], float]:
    marks = [mark for _, row in panel.rows for mark in row]
    ends = [m.value for m in marks] + [0.0] * panel.zero
    ends += [end for m in marks for end in (m.low, m.high) if end is not None]
    low, high, ticks = _scale(min(ends), max(ends))
    right = WIDTH - _RIGHT

    def px(value: float) -> float:
        return _LEFT + (right - _LEFT) * (value - low) / (high - low)

    parts = [_text(16, top + 14, panel.title, "head")]
    begin = top + 28
    base = begin + _ROW * len(panel.rows)
    for value in ticks:
        kind = "zero" if panel.zero and value == 0 else "line"
        parts.append(_line(kind, px(value), begin, px(value), base))
        parts.append(_text(px(value), base + 18, f"{value:g}", "soft", "middle"))
    for number, (name, row) in enumerate(panel.rows):
        y = begin + _ROW * (number + 0.5)
        parts.append(_text(_LEFT - 12, y + 5, name, "", "end"))
        for place, mark in enumerate(row):
            one = series[mark.series]
            # Those of one row that lie on each other stay apart.
            at = y + 5.0 * (place - (len(row) - 1) / 2)
            if mark.low is not None and mark.high is not None:
                bar = f"bar {one.colour}"
                parts.append(_line(bar, px(mark.low), at, px(mark.high), at))
            said = f"{name}, {one.name}: {mark.value:.1f}"
            parts.append(_shape(one, px(mark.value), at, said))
    parts.append(_text(WIDTH / 2, base + 38, panel.unit, "soft", "middle"))
    return parts, base + 46


def _legend(series: Mapping[str, Series], top: float) -> tuple[list[str], float]:
    parts, x, y = [], 16.0, top + 8
    for one in series.values():
        width = 8.0 * len(one.name) + 38
        if x > 16 and x + width > WIDTH:
            x, y = 16.0, y + 22
        parts.append(_shape(one, x + 8, y - 1, ""))
        parts.append(_text(x + 22, y + 4, one.name))
        x += width
    return parts, y + 8


def _scale(low: float, high: float) -> tuple[float, float, list[float]]:
    """Returns the ends of an axis and round values on it."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 0.1
    step = next(s * power for s in (1, 2, 5, 10, 20) if s * power >= rough * 0.99)
    first, last = int(low // step), int(-(-high // step))
    # Half a step is enough room where the whole one would be mostly empty.
    begin = first * step if low - first * step < step / 2 else (first + 0.5) * step
    end = last * step if last * step - high < step / 2 else (last - 0.5) * step
    ticks = [round(i * step, 6) for i in range(first, last + 1)]
    return begin, end, [t for t in ticks if begin <= t <= end]


def _shape(one: Series, x: float, y: float, said: str) -> str:
    title = f"<title>{html.escape(said)}</title>" if said else ""
    kind = f"{'open' if one.shape == 'ring' else 'mark'} {one.colour}"
    if one.shape in ("dot", "ring"):
        return (
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5">{title}</circle>'
        )
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if one.shape == "diamond" else ""
    return (
        f'<rect class="{kind}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
        f"{turn}>{title}</rect>"
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{anchor}>{html.escape(said)}</text>'


def _whole(parts: Sequence[str], height: float, about: str, source: str) -> str:
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img">'
        f"<title>{html.escape(about)}</title><desc>Drawn by docs/draw_pictures.py from "
        f"{html.escape(source)}.</desc><style>{_STYLE}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" '
        f'height="{height - 1:.0f}" rx="8"/>\n{inner}\n</svg>\n'
    )
