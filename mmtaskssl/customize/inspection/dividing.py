"""A test part for a target that has none."""

import math
import random
from collections import Counter
from collections.abc import Sequence

from .labelled import Item
from .limits import TEST_A_CLASS, TEST_IMAGES


def divide(
    items: Sequence[Item], hashes: Sequence[str], seed: int
) -> tuple[list[int], list[int]]:
    """Draws a test part, class by class.

    Half of the images of each class are for the test, but no more than 100, or than
    1,000 shared by all classes where that is more: small targets are halved, and large
    ones keep what they do not need for a verdict to learn from. The class of an image
    with several is the rarest of them. Images of the same bytes stay together.

    Args:
        items: Images.
        hashes: Of the bytes of each.
        seed: Of the draw; neither order nor folder of the images matters.

    Returns:
        Rows to train on and to test on, each in order.
    """
    count = Counter(label for item in items for label in item.labels)
    copies: dict[str, list[int]] = {}
    for row, sha256 in enumerate(hashes):
        copies.setdefault(sha256, []).append(row)
    classes: dict[str, list[list[int]]] = {}
    for rows in copies.values():
        labels = {label for row in rows for label in items[row].labels}
        name = min(labels, key=lambda label: (count[label], label), default="")
        classes.setdefault(name, []).append(rows)
    most = max(TEST_A_CLASS, math.ceil(TEST_IMAGES / len(classes)))
    test: list[int] = []
    for name, groups in classes.items():
        groups.sort(key=lambda rows: hashes[rows[0]])
        # A string seeds by its bytes, equal in all versions and processes.
        random.Random(f"{seed} {name}").shuffle(groups)
        wanted = min(sum(map(len, groups)) // 2, most)
        for rows in groups:
            if len(rows) <= wanted:
                test += rows
                wanted -= len(rows)
    chosen = set(test)
    return [row for row in range(len(items)) if row not in chosen], sorted(test)
