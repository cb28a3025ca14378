"""The diagnosis on a page."""

import math
from collections.abc import Sequence

import numpy as np

from ...report.axes import Axes
from ...report.parts import Html, notes, table, text, wide
from ...selection.report.charts import histogram
from .choice import LEVERS
from .diagnosis import Diagnosis
from .likeness import Likeness
from .measured import Measured


def sections(found: Diagnosis) -> list[str]:
    """Returns the parts of a page, in its own style: starts, pool, what to do.

    Args:
        found: What is shown.
    """
    like, best = found.likeness, found.best
    return [
        "<h2>The starts, as they are</h2>",
        '<p class="soft">Linear accuracy on five folds of the target\'s training '
        "images; each dot is a fold, the bar their mean.</p>",
        _starts(found.measured),
        "<h2>The pool, seen through the target</h2>",
        f'<p class="soft">{like.seen:,} of {like.pool:,} images, by the features of '
        f"{text(best.start.name)} at {best.at[-1].side} px.</p>",
        '<div class="charts">',
        f"<div><h3>How many images are alike</h3>{wide(_curve(like), 'chart')}"
        f"{_CURVE_KEY}</div>",
        "<div><h3>How alike the nearest images are</h3>"
        f"{wide(_nearest(like), 'chart')}{_HISTOGRAM_KEY}"
        "</div></div>",
        "<h2>What the diagnosis recommends</h2>",
        _answer(found),
    ]


_CURVE_KEY = (
    '<p class="soft legend"><span><i class="key c"></i>the K-th selected image</span>'
    '<span><i class="key l"></i>above: as the target\'s own images, below: as a random '
    "image of the pool</span></p>"
)
_HISTOGRAM_KEY = (
    '<p class="soft legend"><span><i class="key c"></i>each target image, to its '
    'nearest of the pool</span><span><i class="key a"></i>random images of the pool, '
    "to their nearest of the target</span></p>"
)


def _starts(measured: Sequence[Measured]) -> str:
    """Draws a row for each start and side: folds as dots, their mean as a bar."""
    heads = ["start", "side", "M MACs", "kNN", "linear", "(drawn)", "effective rank"]
    lines = []
    for one in measured:
        for at in one.at:
            knn, linear = (at.judged.mean(name) for name in ("knn", "linear"))
            name = text(one.start.name)
            if one.start.public:
                name = Html(f'<span title="{text(one.start.public)}">{name}</span>')
            lines.append(
                [
                    name,
                    f"{at.side} px",
                    f"{at.macs / 1e6:.1f}",
                    f"{knn:.1f}",
                    Html(f"<b>{linear:.1f}</b>"),
                    _bar(linear, at.judged.by_fold("linear")),
                    f"{at.rank:.1f}",
                ]
            )
    return table(heads, lines, "the starts")


def _bar(mean: float, folds: Sequence[float]) -> Html:
    dots = "".join(
        f'<circle cx="{2.2 * fold:.1f}" cy="8" r="3" fill="var(--ink)">'
        f"<title>{fold:.1f} %</title></circle>"
        for fold in folds
    )
    return Html(
        '<svg viewBox="-4 0 228 16" style="width:228px;min-width:120px" role="img" '
        f'aria-label="{mean:.1f} per cent"><rect x="0" y="4" width="220" height="8" '
        f'fill="var(--empty)"/><rect class="chosen" x="0" y="4" '
        f'width="{2.2 * mean:.1f}" height="8"/>{dots}</svg>'
    )


def _nearest(like: Likeness) -> str:
    return histogram(np.array(like.best), np.array(like.anywhere))


def _curve(like: Likeness) -> str:
    values = [value for _, value in like.curve]
    lines = [one for one in (like.random, like.own) if one == one]
    low, high = min(values + lines), max(values + lines)
    room = max(0.02, 0.05 * (high - low))
    ks = [math.log2(k) for k, _ in like.curve]
    left, right = min(ks), max(ks)
    left, right = left - 0.25, right + 0.25  # names of the ends need room
    axes = Axes((left, right), (low - room, high + room))
    shapes = []
    for value in lines:
        a, b = (axes.point(x, value).split(",") for x in (left, right))
        shapes.append(
            f'<line class="even" x1="{a[0]}" y1="{a[1]}" x2="{b[0]}" y2="{b[1]}"/>'
        )
    points = [axes.point(k, v) for k, v in zip(ks, values, strict=True)]
    shapes.append(
        f'<polyline points="{" ".join(points)}" fill="none" stroke="var(--chosen)" '
        'stroke-width="2"/>'
    )
    for (count, value), point in zip(like.curve, points, strict=True):
        x, y = point.split(",")
        size = 6 if count == like.images else 3
        shapes.append(
            f'<circle cx="{x}" cy="{y}" r="{size}" fill="var(--chosen)"><title>'
            f"{count:,} images: {value:.3f}</title></circle>"
        )
    names = {x: f"{k:,}" for x, (k, _) in zip(ks, like.curve, strict=True)}
    return axes.draw(shapes, "selected images, K", "cosine similarity", x_names=names)


def _answer(found: Diagnosis) -> str:
    said = found.recommendation
    images = "" if said.images is None else f" ({said.images:,} images)"
    head = text(LEVERS[said.lever])
    others = notes(("", one) for one in said.would_change)
    what = '<p class="soft">What would change the answer:</p>'
    change = f"{what}{others}" if others else ""
    return (
        f"<p><b>{head[0].upper()}{head[1:]}{images}.</b></p>"
        f"{notes(('', reason) for reason in said.reasons)}{change}"
    )
