import pytest

from mmtaskssl.datasets.annotations.boxes import BoxJudge

SIZE = (40, 30)


def levels(boxes, size=SIZE, **options):
    judge = BoxJudge(**options)
    for number, box in enumerate(boxes):
        judge.add(str(number), box, size)
    return [one.level for one in judge.findings("it")]


def test_what_of_a_box_lies_within():
    judge = BoxJudge()
    assert judge.add("", (-2, 3, 10, 40), SIZE) == (0, 3, 8, 27)
    assert judge.add("", (50, 3, 10, 4), SIZE) is None
    assert judge.add("", (1, 3, 0, 4), SIZE) is None
    assert judge.add("", (50, 3, 10, 4), None) == (50, 3, 10, 4)


GOOD = (12.0, 9.0, 5.0, 5.0)


@pytest.mark.parametrize(
    "boxes, found",
    [
        ([], []),
        ([GOOD] * 4, []),
        ([GOOD, (35, 9, 5.9, 5)], []),  # a tool's rounding
        ([GOOD, GOOD, (35, 9, 9, 5)], ["warning"]),
        ([GOOD, GOOD, (9, 9, -1, 5), (9, 9, 0, 5)], ["warning", "warning"]),
        ([GOOD, (9, 9, -1, 5), (9, 9, -1, 5)], ["error"]),
        ([GOOD] * 3 + [(45, 9, 5, 5)], ["warning"]),
        ([GOOD] * 2 + [(45, 9, 5, 5)], ["error"]),
        # Large boxes that are wholly within look like corners, and are none.
        ([(1, 1, 39, 29)] * 4, []),
        ([(20, 15, 39, 29)] * 2 + [GOOD], ["warning"]),
        ([(20, 15, 39, 29)] * 3, ["error"]),
        ([(0, 0, 1, 1)] * 2, ["error"]),
    ],
)
def test_boxes_of_a_file(boxes, found):
    assert levels(boxes) == found


def test_a_single_box_that_spoils_a_training():
    boxes = [GOOD, GOOD, GOOD, (9, 9, 0, 5)]
    assert levels(boxes) == ["warning"] and levels(boxes, harmful=True) == ["error"]


def test_images_of_a_pixel_and_of_unknown_size():
    assert levels([(0, 0, 1, 1)], (1, 1)) == []
    assert levels([(45, 9, 5, 5)], None) == []
