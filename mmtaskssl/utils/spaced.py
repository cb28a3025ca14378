"""Some of many, at even distances."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spaced(items: Sequence[T], count: int) -> list[T]:
    """Returns the middles of ``count`` equal parts; all items, if there are no more.

    Args:
        items: In their order.
        count: How many.
    """
    count = min(count, len(items))
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]
