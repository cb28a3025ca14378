"""Some of many, at even distances."""

import pytest

from mmtaskssl.utils.spaced import spaced


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, ""), (1, "d"), (2, "bf"), (3, "bdf"), (7, "abcdefg"), (99, "abcdefg")],
)
def test_they_are_the_middles_of_equal_parts(count, expected):
    assert spaced("abcdefg", count) == [*expected]
    assert spaced([], count) == []
