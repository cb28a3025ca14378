"""Accuracy over MACs, where several budgets were asked for."""

import statistics
from collections.abc import Mapping
from typing import Any

from ...report.axes import Axes, padded
from ...report.parts import text, wide
from .figures import arm_of, tested, verdicts_of

STYLE = """
.curve svg { max-width: 760px; }
.line { fill: none; stroke-width: 2; } .line.use { stroke: var(--chosen); }
.line.beside { stroke: var(--anywhere); stroke-dasharray: 5 4; }
circle.use { fill: var(--chosen); } circle.beside { fill: var(--anywhere); }
"""


def budget_curve(record: Mapping[str, Any]) -> str:
    """Draws the recommended backbones, and the controls that were named beforehand.

    Args:
        record: With verdicts of several budgets.

    Returns:
        HTML; "" of fewer than two.
    """
    lines: dict[str, list[tuple[float, float]]] = {"beside": [], "use": []}
    for verdict in verdicts_of(record):
        for kind, name in (("use", "recommended"), ("beside", "primary")):
            arm = arm_of(record, verdict.get(name), verdict.get("budget"))
            if tested(arm) and arm.get("macs"):
                point = (arm["macs"] / 1e6, statistics.fmean(tested(arm)))
                lines[kind].append(point)
    if len({x for x, _ in lines["use"]}) < 2:
        return ""
    points = [point for line in lines.values() for point in line]
    axes = Axes(padded([x for x, _ in points]), padded([y for _, y in points]))
    shapes = []
    for kind, line in lines.items():
        line.sort()
        path = " ".join(axes.point(x, y) for x, y in line)
        shapes.append(f'<polyline class="line {kind}" points="{path}"/>')
        for x, y in line:
            cx, cy = axes.point(x, y).split(",")
            title = f"<title>{x:.1f} M MACs: {y:.1f}</title>"
            shapes.append(
                f'<circle class="{kind}" cx="{cx}" cy="{cy}" r="4">{title}</circle>'
            )
    metric = text(verdicts_of(record)[0].get("metric") or "linear")
    chart = axes.draw(shapes, "million MACs an image", f"{metric}, test (%)")
    return (
        '<p class="legend soft"><span><i class="key c"></i>recommended</span> '
        '<span><i class="key a"></i>the control named beforehand</span></p>'
        f"{wide(chart, 'accuracy over cost', 'curve')}"
    )
