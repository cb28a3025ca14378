"""Inline SVG charts in the page's own colours."""

import math
from collections.abc import Sequence

import numpy as np

from ...report.axes import Axes, padded


def histogram(selected: np.ndarray, anywhere: np.ndarray, bins: int = 40) -> str:
    """Draws two distributions of similarity over each other.

    Args:
        selected: (n,) similarities of selected images.
        anywhere: (m,) similarities of random pool images.
        bins: Bars of each.
    """
    values = np.concatenate([selected, anywhere])
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-6:
        low, high = low - 0.01, high + 0.01
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(v, edges)[0] / len(v) for v in (anywhere, selected)]
    top = max(share.max() for share in shares)
    axes = Axes((low, high), (0, top))
    shapes = []
    for share, name in zip(shares, ("anywhere", "chosen"), strict=True):
        points = [axes.point(low, 0)]
        for i in range(bins):
            points += [axes.point(edges[i], share[i])]
            points += [axes.point(edges[i + 1], share[i])]
        points.append(axes.point(high, 0))
        shapes.append(f'<polygon class="{name}" points="{" ".join(points)}"/>')
    label = "cosine similarity to the nearest target image"
    return axes.draw(shapes, label, "share of images", percent=True)


def shares(counts: np.ndarray) -> str:
    """Draws how many images each query brought in, most first.

    Args:
        counts: (Q,) images of each query.
    """
    counts = np.sort(counts)[::-1]
    even = counts.mean()
    axes = Axes((0, len(counts)), (0, max(float(counts.max()), 1.0)))
    # Beyond a thousand bars a pixel holds several: draw every n-th.
    step = max(1, len(counts) // 1000)
    points = [axes.point(0, 0)]
    for i in range(0, len(counts), step):
        points.append(axes.point(i, counts[i]))
        points.append(axes.point(min(i + step, len(counts)), counts[i]))
    points.append(axes.point(len(counts), 0))
    left, right = axes.point(0, even).split(","), axes.point(len(counts), even)
    x2, y2 = right.split(",")
    shapes = [
        f'<polygon class="chosen" points="{" ".join(points)}"/>',
        f'<line class="even" x1="{left[0]}" y1="{left[1]}" x2="{x2}" y2="{y2}"/>',
    ]
    return axes.draw(shapes, "target images, most served first", "images selected")


def similarity_curve(
    curve: Sequence[tuple[int, float]],
    random: float,
    suggested: int | None,
) -> str:
    """Draws what the K-th image is like, beside random ones.

    Args:
        curve: Numbers of images K, and the similarity of the K-th.
        random: Of random images of the pool.
        suggested: A K to mark; None: there is none.
    """
    counts = [math.log2(k) for k, _ in curve]
    low, high = counts[0], max(counts[-1], counts[0] + 1)
    axes = Axes((low, high), padded([random, *(value for _, value in curve)]))
    points = [axes.point(low, axes.y[0])]
    points += [axes.point(k, v) for k, (_, v) in zip(counts, curve, strict=True)]
    points.append(axes.point(counts[-1], axes.y[0]))
    left, right = (axes.point(x, random).split(",") for x in (low, high))
    shapes = [
        f'<polygon class="chosen" points="{" ".join(points)}"/>',
        f'<line class="even" x1="{left[0]}" y1="{left[1]}" x2="{right[0]}" '
        f'y2="{right[1]}"/>',
    ]
    if suggested is not None:
        x, bottom = axes.point(math.log2(suggested), axes.y[0]).split(",")
        top = axes.point(low, axes.y[1]).split(",")[1]
        shapes.append(
            f'<line class="even" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>'
        )
    first = math.ceil(low)
    names = {float(n): f"{2**n:,}" for n in range(first, math.floor(high) + 1)}
    names = {n: name for n, name in names.items() if n > low + 0.4}
    names |= {low: f"{curve[0][0]:,}"}
    label = "images selected (each step: twice as many)"
    return axes.draw(shapes, label, "similarity of the last", x_names=names)
