"""One HTML page: every ranking, and its metric over cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..report import html_page
from ..report.axes import Axes, padded
from ..report.parts import table, text, wide
from .names import words_of
from .report import pareto_front, ranking, shape_text, size_note
from .results import Row

if TYPE_CHECKING:
    from .result import SearchResult

_ROWS = 20
# The best ones, and those of the front and with a name, are drawn with their intervals.
_DRAWN = 500
_STYLE = """
.scores { max-width: 900px; }
.score { fill: var(--anywhere); } .band { stroke: var(--anywhere); stroke-opacity: .5; }
.front { fill: none; stroke: var(--chosen); stroke-width: 2; }
circle.on { fill: var(--chosen); }
svg .named { fill: var(--ink); }
"""


def render(result: "SearchResult") -> str:
    """Makes the page.

    Args:
        result: What was found.

    Returns:
        HTML, complete in itself.
    """
    best = ", ".join(result.best)
    said = " and ".join(text(words_of(metric).said) for metric in result.metrics)
    images, checkpoint = result.origin["images"], result.origin["checkpoint"]
    body = [
        f"<h1>Take {text(best)}</h1>",
        f'<p class="soft">Sub-nets of <b>{text(checkpoint)}</b> by their '
        f"{said} on <b>{text(images)}</b>. Costs "
        f"are of an image of {shape_text(result.identity['shape'])}.</p>",
        "<h2>Value over cost</h2>",
        '<p class="soft">A dot is a sub-net, with its 95 % interval; green are those '
        "than which no cheaper one has a higher value.</p>",
    ]
    for metric in result.metrics:
        rows = result.ranked(None, metric)
        body.append(wide(_picture(result, rows, metric), words_of(metric).title))
    for budget, metric, rows in result.rankings():
        heading = f"{budget or 'all sub-nets'}, {metric}"
        heads, *lines = ranking(rows, _ROWS, result.anchors, result.latencies)
        # A row is headed by its sub-net.
        at = heads.index("sub-net")
        lines = [[one[at], *one[:at], *one[at + 1 :]] for one in (heads, *lines)]
        body += [
            f"<h2>{text(heading)}</h2>",
            table(lines[0], lines[1:], heading, "ranking"),
            f'<p class="soft">{text(size_note(rows))}</p>',
        ]
        if note := result.noise(budget, metric):
            body.insert(-1, f"<p>{text(note)}</p>")
    return html_page(f"Search: {best}", body, _STYLE)


def _picture(result: "SearchResult", rows: Sequence[Row], metric: str) -> str:
    """Draws a metric over MACs, with intervals and the Pareto front."""
    if not rows:
        return ""
    front = pareto_front(rows)
    efficient = {row["subnet"] for row in front}
    named = {row["subnet"] for row in rows} & {*result.anchors}
    shown = [
        row
        for rank, row in enumerate(rows)
        if rank < _DRAWN or row["subnet"] in efficient | named
    ]
    axes = Axes(
        padded([row["macs"] / 1e6 for row in rows]),
        padded([value for row in shown for value in (*row["ci"], row["similarity"])]),
    )
    shapes = []
    for row in shown:
        x = row["macs"] / 1e6
        cx, cy = axes.point(x, row["similarity"]).split(",")
        low, high = (axes.point(x, end).split(",")[1] for end in row["ci"])
        kind = "score on" if row["subnet"] in efficient else "score"
        said = f"{row['subnet']}: {row['similarity']:.5f}, {x:.4g} M MACs"
        shapes.append(
            f'<line class="band" x1="{cx}" x2="{cx}" y1="{low}" y2="{high}"/>'
            f'<circle class="{kind}" cx="{cx}" cy="{cy}" r="3.5">'
            f"<title>{text(said)}</title></circle>"
        )
        if row["subnet"] in named:
            # Towards the middle, where there is room for it.
            side = "end" if float(cx) > 320 else "start"
            dx = -7 if side == "end" else 7
            shapes.append(
                f'<text class="named" x="{cx}" y="{cy}" dx="{dx}" dy="-6" '
                f'text-anchor="{side}">{text(result.anchors[row["subnet"]])}</text>'
            )
    line = " ".join(axes.point(row["macs"] / 1e6, row["similarity"]) for row in front)
    shapes.insert(0, f'<polyline class="front" points="{line}"/>')
    drawn = axes.draw(shapes, "million MACs an image", text(words_of(metric).title))
    return f'<div class="scores">{drawn}</div>'
