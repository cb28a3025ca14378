from collections import Counter

import pytest

from mmtaskssl.datasets.annotations.names import (
    judge_names,
    judge_order,
    judge_spelling,
)


@pytest.mark.parametrize(
    "found, training, levels",
    [
        ({"cat": 2, "traffic light": 1}, True, []),
        ({}, True, ["error"]),
        ({}, False, []),
        ({"cow": 2}, False, ["error"]),
        ({"cat": 2, "Traffic_Light": 1}, False, ["error", "warning"]),
        ({"cat": 2, "traffic lights": 1}, True, ["error", "warning"]),
        # In few images of a test part a class may well be absent.
        ({"cat": 2, "traffic lights": 1}, False, ["warning"]),
        ({"cat": 2}, False, []),
        ({"cat": 2}, True, ["warning"]),
        ({"cat": 2, "traffic light": 1, "cow": 1}, True, ["warning"]),
    ],
)
def test_names_of_objects_and_of_the_config(found, training, levels):
    classes = ("cat", "traffic light")
    result = judge_names(Counter(found), classes, "there", training)
    assert [one.level for one in result] == levels


def test_order_of_categories():
    def errors(categories, classes, training=True):
        return len(judge_order(categories, classes, "file", training))

    assert errors("xyz", "xyz") == errors("axbyz", "xyz") == 0
    assert errors("yx", "xy") == 1
    assert errors("xz", "xyz") == 1  # z would be y
    assert errors("xy", "xyz") == 0 and errors("xy", "xyz", False) == 1
    assert errors("ab", "xyz") == 0  # which the names tell


def test_classes_that_are_written_in_two_ways():
    def levels(train, test):
        return [one.level for one in judge_spelling(train, test)]

    assert levels(["a", "b c"], ["a"]) == []
    assert levels(["a", "b c"], ["a", "B_c"]) == ["error"]
    assert levels(["A", "a"], ["A", "a"]) == ["warning"]
    assert levels(["1.1", "11", "1-1"], []) == []
    assert levels(["a", "unknown"], []) == ["warning"]
