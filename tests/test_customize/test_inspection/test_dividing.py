from collections import Counter

import pytest

from mmtaskssl.customize.inspection.dividing import divide
from mmtaskssl.customize.inspection.labelled import Item


def items_of(counts):
    return [
        Item(f"{name}/{n}", (name,))
        for name, count in counts.items()
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "counts, tested",
    [
        ({"a": 10, "b": 7}, {"a": 5, "b": 3}),
        ({"a": 1, "b": 2}, {"b": 1}),
        ({"a": 3000, "b": 100}, {"a": 500, "b": 50}),
        ({str(n): 300 for n in range(12)}, {str(n): 100 for n in range(12)}),
    ],
)
def test_half_of_each_class_up_to_a_limit(counts, tested):
    items = items_of(counts)
    hashes = [item.image for item in items]
    train, test = divide(items, hashes, 0)
    assert sorted(train + test) == [*range(len(items))]
    assert Counter(items[row].labels[0] for row in test) == tested


def test_the_seed_alone_decides():
    items = items_of({"a": 20, "b": 20})
    hashes = [item.image for item in items]
    _, test = divide(items, hashes, 0)
    order = [*reversed(range(40))]
    _, turned = divide([items[r] for r in order], [hashes[r] for r in order], 0)
    assert {order[row] for row in turned} == {*test}
    assert divide(items, hashes, 1)[1] != test


def test_equal_files_stay_together_and_rare_classes_are_in_both():
    items = [Item(str(n), ("common",)) for n in range(30)]
    items += [Item(f"r{n}", ("common", "rare")) for n in range(4)] + [Item("x")] * 2
    hashes = [str(n // 2) for n in range(36)]
    _, test = divide(items, hashes, 0)
    assert {row ^ 1 for row in test} == {*test}  # pairs
    assert sum("rare" in items[row].labels for row in test) == 2
