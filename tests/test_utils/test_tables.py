import pytest

from mmtaskssl.utils.tables import aligned, difference, head, quartiles, row, spread


def test_rows_and_heads():
    assert row(["a", "1.0"]) == "| a | 1.0 |"
    assert head(["a", "b"]) == ["| a | b |", "| --- | --- |"]


@pytest.mark.parametrize(
    "values, options, text",
    [
        ([], {}, "-"),
        ([2.04], {}, "2.0"),
        ([1, 3], {}, "2.0 ± 1.4"),
        ([1, 3], {"digits": 2}, "2.00 ± 1.41"),
        ([1, 3], {"sign": True}, "+2.0 ± 1.4"),
        ([-1, -3], {"sign": True}, "-2.0 ± 1.4"),
        ([10.4], {"digits": 0}, "10"),
    ],
)
def test_spread(values, options, text):
    assert spread(iter(values), **options) == text


def test_difference_has_the_error_of_its_mean():
    assert difference([]) == "-"
    assert difference([1]) == "+1.0"
    # Sample deviation 2, four pairs.
    assert difference([1, 5, 3 - 3**0.5, 3 + 3**0.5]) == "+3.0 ± 1.1"


def test_quartiles():
    assert quartiles([1, 2, 3, 4, 5], 1) == "3.0 [2.0, 4.0]"
    assert quartiles([2.0, 2.0], 3, 8) == "   2.000 [2.000, 2.000]"


def test_aligned_sets_names_left_and_numbers_right():
    lines = aligned([["name", "top-1"], ["a", "9.0"]], names=1)
    assert lines == ["name  top-1", "a       9.0"]
