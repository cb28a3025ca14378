import pytest

from mmtaskssl.customize.inspection.labelled import ALL
from mmtaskssl.customize.inspection.reading import read_target
from mmtaskssl.utils.errors import UserError

from ._targets import class_folders, draw


def texts(found):
    return "\n".join(one.text for one in found.findings)


def test_class_folders_of_parts(target, tmp_path):
    found = read_target(target, None, "auto")
    assert found.kind == "classification" and {*found.parts} == {"train", "test"}
    train = found.parts["train"]
    assert train.root == target / "train" and len(train.items) == 10
    assert train.items[0].image == "a/0.png" and train.items[0].labels == ("a",)
    assert "read as classification: folders train/CLASS/IMAGE, test/CLASS/IMAGE" in (
        texts(found)
    )


def test_val_is_the_test_part_only_where_there_is_none(tmp_path):
    class_folders(tmp_path / "training", {"a": 2, "b": 2}, 0)
    class_folders(tmp_path / "valid", {"a": 1, "b": 1}, 10)
    found = read_target(tmp_path, None, "classification")
    assert len(found.parts["test"].items) == 2
    assert "no test part: val (2 images) takes its place" in texts(found)
    class_folders(tmp_path / "test", {"a": 1, "b": 2}, 20)
    found = read_target(tmp_path, None, "auto")
    assert len(found.parts["test"].items) == 3 and "val" not in found.parts
    assert "part val (2 images) of the target is not used" in texts(found)
    # Another test part takes the place of the target's own.
    found = read_target(tmp_path, tmp_path / "valid", "auto")
    assert len(found.parts["test"].items) == 2
    assert "part test (3 images) of the target is not used" in texts(found)


def test_folders_without_parts(tmp_path):
    class_folders(tmp_path, {"train": 2, "ship": 2}, 0)  # a class of that name
    (tmp_path / "empty").mkdir()
    found = read_target(tmp_path, None, "auto")
    assert {*found.parts} == {ALL}
    assert [i.labels[0] for i in found.parts[ALL].items] == ["ship"] * 2 + ["train"] * 2
    assert "empty holds no image: the class is left out" in texts(found)


def test_only_a_train_part_is_divided(tmp_path):
    class_folders(tmp_path / "train", {"a": 2}, 0)
    assert {*read_target(tmp_path, None, "auto").parts} == {ALL}


@pytest.mark.parametrize(
    "make, words",
    [
        (
            lambda f: class_folders(f / "test", {"a": 1}, 0),
            "has no train part, only te",
        ),
        (lambda f: draw(f / "x.png", 0), "x.png outside any class folder: sort"),
        (lambda f: None, "holds no images"),
        (
            lambda f: [class_folders(f / n, {"a": 1}, 0) for n in ("val", "valid")],
            "val and valid, which both mean the val part",
        ),
    ],
)
def test_folders_that_are_no_target(tmp_path, make, words):
    make(tmp_path)
    with pytest.raises(UserError, match=words):
        read_target(tmp_path, None, "auto")


def table(folder, text, name="t.csv"):
    for number in range(4):
        draw(folder / f"{number}.png", number)
    (folder / name).write_text(text)
    return folder / name


def test_a_table_of_one_class(tmp_path):
    path = table(
        tmp_path,
        "image,label,split\n0.png,a,train\n1.png,b,Training\n2.png,a,test\n"
        "3.png,b,val\n0.png,a,train\n",
    )
    found = read_target(path, None, "auto")
    assert found.kind == "classification"
    assert [i.image for i in found.parts["train"].items] == ["0.png", "1.png"]
    assert found.parts["test"].items[0].labels == ("a",)
    assert "a table of image,label,split" in texts(found)
    assert "repeats 1 rows" in texts(found) and "val (1 images)" in texts(found)


def test_a_table_of_several_classes(tmp_path):
    lines = '{"image": "0.png", "labels": ["b", "a"]}\n{"image": "1.png", "labels": []}'
    found = read_target(table(tmp_path, lines, "t.jsonl"), None, "auto")
    assert found.kind == "multilabel" and {*found.parts} == {ALL}
    assert [item.labels for item in found.parts[ALL].items] == [("a", "b"), ()]
    path = table(tmp_path, "path,labels\n0.png,x; y\n1.png,\n")
    found = read_target(path, None, "multilabel")
    assert [item.labels for item in found.parts[ALL].items] == [("x", "y"), ()]
    # The test part lies apart.
    other = table(tmp_path, "image,labels\n2.png,x\n", "test.csv")
    found = read_target(path, other, "auto")
    assert {n: len(p.items) for n, p in found.parts.items()} == {"train": 2, "test": 1}


@pytest.mark.parametrize(
    "text, words",
    [
        ("image,label\n0.png,a\n1.png,\n", "row 2 of .*t.csv has no label"),
        ("image,label\n0.png,a\n,b\n", "a row without an image"),
        ("image,class\n0.png,a\n", "needs the columns image and label .* image, class"),
        ("image,label\n0.png,a\n0.png,b\n", "names 0.png twice, with different"),
        ("image,label,split\n0.png,a,tran\n", "'tran', not train.* mean 'train'"),
        ("image,label\n", "names no images"),
        ("image,label\nno.png,a\n", "no image of .* is found below"),
    ],
)
def test_tables_that_are_no_target(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_target(table(tmp_path, text), None, "auto")


def test_a_task_that_the_target_is_not_of(target, tmp_path):
    with pytest.raises(
        UserError, match=r"read as classification .* not as detection: "
    ):
        read_target(target, None, "detection")
    other = table(tmp_path, "image,labels\n0.png,a\n")
    with pytest.raises(UserError, match="both must be of one task"):
        read_target(target, other, "auto")
    with pytest.raises(
        UserError, match=r"has the parts .*: name the folder or the file"
    ):
        read_target(target, target, "auto")
    with pytest.raises(UserError, match="no form of a target that is known: for cla"):
        read_target(target / "train" / "a" / "0.png", None, "auto")
    with pytest.raises(UserError, match="nowhere does not exist"):
        read_target(tmp_path / "nowhere", None, "auto")
