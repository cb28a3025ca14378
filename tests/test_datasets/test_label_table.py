import pytest

from mmtaskssl.datasets.label_table import read_label_table
from mmtaskssl.utils.errors import UserError

IMAGES = ["0.jpg", "1.jpg"]


def write(folder, text, name="t.csv"):
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    "text, words",
    [
        ("image,label\n0.jpg,a\n1.jpg,\n", "row 2 of .*t.csv has no label: write one"),
        ("image,label\n0.jpg,a\n1.jpg,  \n", "row 2 of .* has no label"),
        ("image,label\n0.jpg,a\n1.jpg\n", "row 2 of .* has no label"),
        ("image,label\n0.jpg,a\n0.jpg,b\n1.jpg,b\n", "names 0.jpg twice, with differe"),
        ("image,labels\n0.jpg,a\n0.jpg,a;b\n", "names 0.jpg twice, with different lab"),
    ],
)
def test_rows_that_say_nothing_or_two_things(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_label_table(write(tmp_path, text), IMAGES)


@pytest.mark.parametrize("value", ["null", "NaN", '" "'])
def test_values_of_json_that_are_no_label(tmp_path, value):
    text = f'{{"image": "0.jpg", "label": "a"}}\n{{"image": "1.jpg", "label": {value}}}'
    with pytest.raises(UserError, match=r"row 2 of .*t\.jsonl has no label"):
        read_label_table(write(tmp_path, text, "t.jsonl"), IMAGES)


def test_spaces_make_no_class_and_an_equal_row_no_fault(tmp_path):
    path = write(tmp_path, "image,label\n0.jpg,a\n1.jpg, a \n0.jpg,a\n")
    y, names = read_label_table(path, [*IMAGES, "2.jpg"])
    assert names == ["a"] and y.tolist() == [0, 0, -1]
    path = write(tmp_path, "image,labels\n0.jpg,b; a\n1.jpg,\n0.jpg,a;b\n")
    y, names = read_label_table(path, IMAGES)
    assert names == ["a", "b"] and y.tolist() == [[1, 1], [0, 0]]
