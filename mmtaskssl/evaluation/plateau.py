"""Whether a curve has levelled off: by a rule that needs no unit."""

from collections.abc import Sequence
from typing import Literal


def plateau(
    curve: Sequence[tuple[int, float]],
    patience: int = 3,
    share: float = 0.05,
    rule: Literal["greater", "less"] = "greater",
) -> int | None:
    """Returns the step of a curve that was enough.

    The rule: a curve has levelled off as soon as the best of its last ``patience``
    values beats the best of those before by no more than ``share`` of what had been
    gained until then, from the first value to that best. What counts is a share of
    the curve's own gain, so that per cent and ranks are judged alike. A curve that
    never rises above its first value has levelled off after ``patience`` more. The
    rule looks back alone: what it says of a curve's beginning does not change with
    its end. It does not know what a schedule still has in store: a learning rate that
    falls lifts curves again.

    Args:
        curve: Pairs of step and value, in order.
        patience: Measurements without a gain.
        share: Of the gain so far, above which a gain counts.
        rule: Which way is better.

    Returns:
        The step of the best value before the first such measurements; None: it has not
        levelled off.
    """
    sign = 1 if rule == "greater" else -1
    values = [sign * value for _, value in curve]
    for end in range(patience + 1, len(values) + 1):
        before, last = values[: end - patience], values[end - patience : end]
        best = max(before)
        if max(last) - best <= share * (best - values[0]):
            return curve[before.index(best)][0]
    return None
