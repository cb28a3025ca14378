"""Inline SVG charts in the page's own colours."""

import numpy as np

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 44


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
    axes = _Axes((low, high), (0, top))
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
    axes = _Axes((0, len(counts)), (0, max(float(counts.max()), 1.0)))
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


class _Axes:
    """Maps values to pixels and draws the ticks."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]):
        self.x, self.y = x, y

    def point(self, x: float, y: float) -> str:
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        px = _LEFT + width * (x - self.x[0]) / (self.x[1] - self.x[0])
        py = _TOP + height * (1 - (y - self.y[0]) / (self.y[1] - self.y[0]))
        return f"{px:.1f},{py:.1f}"

    def draw(
        self, shapes: list[str], x_label: str, y_label: str, percent: bool = False
    ) -> str:
        parts = []
        base = _HEIGHT - _BOTTOM
        for value in _ticks(*self.y):
            y = self.point(self.x[0], value).split(",")[1]
            text = f"{value:.0%}" if percent else f"{value:g}"
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" '
                f'y2="{y}"/><text x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">'
                f"{text}</text>"
            )
        parts += shapes
        for value in _ticks(*self.x):
            x = self.point(value, self.y[0]).split(",")[0]
            parts.append(
                f'<line class="axis" x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}"/>'
                f'<text x="{x}" y="{base + 18}" text-anchor="middle">{value:g}</text>'
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        height = (_TOP + base) / 2
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" '
            f'y2="{base}"/><text class="label" x="{middle}" y="{_HEIGHT - 6}" '
            f'text-anchor="middle">{x_label}</text><text class="label" '
            f'transform="translate(11 {height}) rotate(-90)" text-anchor="middle">'
            f"{y_label}</text>"
        )
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{y_label} by {x_label}">{"".join(parts)}</svg>'
        )


def _ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Returns round numbers between ``low`` and ``high``."""
    rough = (high - low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(s for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    # Adding zero turns -0 into 0.
    return [round(float(i * step), 10) + 0.0 for i in np.arange(first, last + 1)]
