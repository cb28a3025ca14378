"""Regions of label maps, of polygons and of run lengths."""

import numpy as np
import pytest

from mmtaskssl.datasets.annotations.masks import (
    drawn_shape,
    regions_of_map,
    regions_of_objects,
)

MAP = np.array(
    [
        [0, 0, 1, 1, 9],
        [0, 2, 1, 1, 9],
        [2, 0, 0, 0, 9],
        [0, 0, 0, 2, 9],
    ],
    np.uint8,
)


def found(drawn):
    return [(r.number, r.label, r.corners, r.area) for r, _, _ in drawn]


def test_what_touches_is_one_region_at_a_corner_too():
    drawn = [*regions_of_map(MAP, (9,), "component")]
    assert found(drawn) == [
        (0, 0, (0, 0, 4, 4), 9),
        (1, 1, (2, 0, 4, 2), 4),
        (2, 2, (0, 1, 2, 3), 2),
        (3, 2, (3, 3, 4, 4), 1),
    ]
    for region, parts, part in drawn:
        assert (MAP[parts == part] == region.label).all()
        assert (parts == part).sum() == region.area


def test_all_of_a_class_is_one_region():
    assert found(regions_of_map(MAP, (9, 0), "class")) == [
        (0, 1, (2, 0, 4, 2), 4),
        (1, 2, (0, 1, 4, 4), 3),
    ]


def test_a_pixel_is_in_a_polygon_where_its_centre_is():
    drawn = drawn_shape([[1, 1, 4, 1, 4, 3, 1, 3]], (6, 5))
    want = np.zeros((5, 6), np.uint8)
    want[1:3, 1:4] = 1
    np.testing.assert_array_equal(drawn, want)
    # A triangle, half of a square of 8; and one that stands out on every side.
    assert 24 <= drawn_shape([[0, 0, 8, 0, 0, 8]], (8, 8)).sum() <= 36
    assert drawn_shape([[-9, -9, 30, -9, 30, 30, -9, 30]], (4, 3)).all()


def test_run_lengths_go_down_the_columns():
    plain = {"size": [3, 2], "counts": [1, 3, 2]}
    want = np.array([[0, 1], [1, 0], [1, 0]], np.uint8)
    np.testing.assert_array_equal(drawn_shape(plain, (2, 3)), want)
    # As pycocotools packs them.
    packed = {"size": [3, 2], "counts": "132"}
    np.testing.assert_array_equal(drawn_shape(packed, (2, 3)), want)


@pytest.mark.parametrize("unit", ["component", "class"])
def test_objects_keep_their_numbers_where_one_has_no_pixel(unit):
    square = [[0, 0, 2, 0, 2, 2, 0, 2]]
    objects = [
        ("a", square),
        ("b", [[50, 50, 60, 50, 60, 60]]),
        ("a", [[3, 3, 5, 3, 5, 5, 3, 5]]),
    ]
    drawn = found(regions_of_objects(objects, (6, 6), unit))
    if unit == "component":
        assert drawn == [(0, "a", (0, 0, 2, 2), 4), (2, "a", (3, 3, 5, 5), 4)]
    else:
        assert drawn == [(0, "a", (0, 0, 5, 5), 8)]
