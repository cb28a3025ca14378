"""The axes of inline SVG charts, in the page's own colours."""

from collections.abc import Mapping, Sequence

import numpy as np

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 12, 44


class Axes:
    """Maps values to pixels and draws the ticks.

    Args:
        x: Smallest and largest value.
        y: The same of the other axis.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float]):
        self.x, self.y = x, y

    def point(self, x: float, y: float) -> str:
        """Returns a place as SVG writes it."""
        width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        px = _LEFT + width * (x - self.x[0]) / (self.x[1] - self.x[0])
        py = _TOP + height * (1 - (y - self.y[0]) / (self.y[1] - self.y[0]))
        return f"{px:.1f},{py:.1f}"

    def draw(
        self,
        shapes: list[str],
        x_label: str,
        y_label: str,
        percent: bool = False,
        x_names: Mapping[float, str] | None = None,
    ) -> str:
        """Returns the whole chart.

        Args:
            shapes: SVG elements inside the axes.
            x_label: Plain text.
            y_label: Plain text.
            percent: Whether y is a share.
            x_names: Values of x that are named, and how; None: round ones.
        """
        parts = []
        base = HEIGHT - _BOTTOM
        for value in ticks(*self.y):
            y = self.point(self.x[0], value).split(",")[1]
            text = f"{value:.0%}" if percent else f"{value:g}"
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" '
                f'y2="{y}"/><text x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">'
                f"{text}</text>"
            )
        parts += shapes
        names = x_names or {value: f"{value:g}" for value in ticks(*self.x)}
        for value, name in names.items():
            x = self.point(value, self.y[0]).split(",")[0]
            parts.append(
                f'<line class="axis" x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}"/>'
                f'<text x="{x}" y="{base + 18}" text-anchor="middle">{name}</text>'
            )
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        height = (_TOP + base) / 2
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{base}" '
            f'y2="{base}"/><text class="label" x="{middle}" y="{HEIGHT - 6}" '
            f'text-anchor="middle">{x_label}</text><text class="label" '
            f'transform="translate(11 {height}) rotate(-90)" text-anchor="middle">'
            f"{y_label}</text>"
        )
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{y_label} by {x_label}">{"".join(parts)}</svg>'
        )


def padded(values: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of an axis that leave room beside all values.

    Args:
        values: At least one.
    """
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - pad, high + pad


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Returns round numbers between ``low`` and ``high``.

    Args:
        low: The smallest value.
        high: A larger one.
        count: About how many.
    """
    rough = (high - low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(s for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    # Adding zero turns -0 into 0.
    return [round(float(i * step), 10) + 0.0 for i in np.arange(first, last + 1)]
