"""Images that are held out of a training."""

import pytest

from mmtaskssl.datasets import HoldOutImages, SyntheticImages
from mmtaskssl.datasets.hold_out import held_out_ids
from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import UserError


def part(count=5, **options):
    inner = {"type": "SyntheticImages", "num_images": 20}
    return DATASETS.build(
        {"type": "HoldOutImages", "dataset": inner, "count": count, **options}
    )


def test_both_parts_make_the_whole():
    held, rest = part(held=True), part()
    assert (len(held), len(rest)) == (5, 15)
    assert not {*held.image_ids} & {*rest.image_ids}
    assert sorted(held.image_ids + rest.image_ids) == SyntheticImages(20).image_ids
    # In the inner data set's order, with its pixels and labels.
    assert rest.image_ids == sorted(rest.image_ids)
    whole, number = SyntheticImages(20), int(held.image_ids[2][-6:])
    assert (held[2]["inputs"] == whole[number]["inputs"]).all()
    assert held.labels[2] == whole.labels[number]


def test_the_choice_is_the_seeds_and_not_the_orders():
    ids = [f"{n}.png" for n in range(50)]
    chosen = held_out_ids(ids, 10)
    assert chosen == held_out_ids(ids[::-1], 10) == held_out_ids(ids + ids[:7], 10)
    assert chosen != held_out_ids(ids, 10, seed=1)
    assert held_out_ids(ids, 4) < chosen  # more of one seed hold the fewer
    # What else is in the pool decides about no more than the places.
    assert len(held_out_ids([*ids, "new.png"], 10) & chosen) >= 9


def test_every_row_of_a_held_out_image_is_held_out():
    data = SyntheticImages(4)
    data.get_subset_([0, 1, 2, 3, 1, 0])
    rest = HoldOutImages(data, 2)
    twice = SyntheticImages(4)
    twice.get_subset_([0, 1, 2, 3, 1, 0])
    held = HoldOutImages(twice, 2, held=True)
    assert not {*held.image_ids} & {*rest.image_ids}
    assert len(held) + len(rest) == 6


@pytest.mark.parametrize("count", [1, 20, 21])
def test_what_would_leave_nothing_is_refused(count):
    with pytest.raises(UserError, match="less than the 20 images"):
        part(count)


def test_images_without_ids_are_refused():
    with pytest.raises(UserError, match="list has no ids"):
        HoldOutImages([1, 2, 3], 2)
