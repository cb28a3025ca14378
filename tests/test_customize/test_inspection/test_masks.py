import numpy as np
import pytest
from PIL import Image

from mmtaskssl.customize.inspection.facts import look
from mmtaskssl.customize.inspection.fitting import Seen, fit
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.inspection.inspected import Inspected
from mmtaskssl.customize.inspection.kept import Kept
from mmtaskssl.customize.inspection.labelled import ALL
from mmtaskssl.customize.inspection.reading import read_target
from mmtaskssl.utils.errors import UserError

from ._targets import SIDE, draw


def mask(path, values, mode="L", side=SIDE):
    """Writes a mask whose rows are the values in turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.array(values, np.uint8)[np.arange(side) % len(values)]
    image = Image.fromarray(np.repeat(rows[:, None], side, 1))
    if mode == "P":
        image.putpalette([7, 8, 9] * 256)
    image.convert(mode).save(path)


def target(folder, masks, images="img", of="ann"):
    """Writes a picture for each mask; masks: names to values."""
    for seed, (name, values) in enumerate(masks.items()):
        draw(folder / images / f"{name}.jpg", seed)
        mask(folder / of / f"{name}.png", values)
    return folder


def fitted(folder, void=None):
    found = read_target(folder, None, "auto")
    assert found.kind == "segmentation"
    parts = {
        name: Seen(part, look(part.root, [item.image for item in part.items])[0], {})
        for name, part in found.parts.items()
    }
    return fit(found, parts, Kept(None), void)


@pytest.mark.parametrize("pair", [("img", "ann"), ("images", "masks")])
def test_folders_of_images_and_masks(tmp_path, pair):
    target(tmp_path, {"train/a": [0, 2], "train/b": [1, 255], "val/c": [0]}, *pair)
    mask(tmp_path / pair[1] / "train/b.png", [1, 255], "P")
    draw(tmp_path / pair[0] / "train/alone.jpg", 9)
    found = fitted(tmp_path)
    train = found.parts["train"].part
    assert train.root == tmp_path / pair[0] / "train"
    assert train.masks == tmp_path / pair[1] / "train"
    assert [(i.image, i.mask, i.labels) for i in train.items] == [
        ("a.jpg", "a.png", ("0", "2")),
        ("b.jpg", "b.png", ("1",)),
    ]
    assert found.class_names == ["0", "1", "2"]
    assert found.facts == {"void": 255, "first_index": 0}
    assert "index 255 in the masks belongs to no class" in found.findings[-1].text
    said = [f.text for f in read_target(tmp_path, None, "auto").findings]
    assert any(
        "1 images of" in text and "no mask, such as alone" in text for text in said
    )


def test_the_folders_of_voc(tmp_path):
    masks = {"a": [0, 1], "b": [0, 1], "c": [1]}
    target(tmp_path, masks, "JPEGImages", "SegmentationClass")
    assert {*fitted(tmp_path).parts} == {ALL}
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("b\n")
    (lists / "val.txt").write_text("a\n")
    parts = fitted(tmp_path).parts
    assert [i.image for i in parts["train"].part.items] == ["b.jpg"]
    assert [i.image for i in parts["test"].part.items] == ["a.jpg"]
    draw(tmp_path / "JPEGImages/alone.jpg", 9)
    assert len(read_target(tmp_path, None, "auto").findings) == 2  # form, val
    (lists / "val.txt").write_text("d\n")
    with pytest.raises(UserError, match="names d, which has no image or no mask"):
        fitted(tmp_path)
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text("<annotation/>")
    with pytest.raises(UserError, match=r"holds both boxes and masks .* `task`"):
        read_target(tmp_path, None, "auto")
    (lists / "val.txt").unlink()
    assert read_target(tmp_path, None, "segmentation").kind == "segmentation"
    assert read_target(tmp_path, None, "detection").kind == "detection"


def test_parts_that_hold_both(tmp_path):
    for part in ("train", "test"):
        target(tmp_path / part, {f"{part}0": [0, 1]}, "images", "masks")
    (tmp_path / "train/masks/train0.png").rename(
        tmp_path / "train/masks/train0_mask.png"
    )
    found = fitted(tmp_path)
    assert found.parts["train"].part.items[0].mask == "train0_mask.png"
    assert found.parts["test"].part.root == tmp_path / "test/images"


def test_what_belongs_to_no_class(tmp_path):
    target(tmp_path, {"a": [0, 1, 4], "b": [2, 4]})
    found = fitted(tmp_path)
    assert len(found.class_names) == 5
    assert "name it with `void`" in found.findings[-1].text
    found = fitted(tmp_path, void=4)
    assert found.class_names == ["0", "1", "2"] and found.facts["void"] == 4
    assert found.parts[ALL].part.items[0].labels == ("0", "1")
    found = fitted(tmp_path, void=0)
    assert found.class_names == ["1", "2", "3", "4"]
    assert found.facts == {"void": 0, "first_index": 1}
    assert found.parts[ALL].part.items[1].labels == ("2", "4")
    with pytest.raises(UserError, match="2 of what belongs to no class lies among"):
        fitted(tmp_path, void=2)
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    found = fitted(tmp_path)
    assert found.class_names == ["sky", "road", "car", "tree"]
    assert found.facts["void"] == 4
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(UserError, match=r"hold the class 4, but classes.txt names 2"):
        fitted(tmp_path)


@pytest.mark.parametrize(
    "change, words",
    [
        (
            lambda f: mask(f / "ann/a.png", [0, 1], "RGB"),
            "are colour images: a mask is a PNG of one channel, .*write the number",
        ),
        (
            lambda f: [mask(f / f"ann/{n}.png", [0, 255]) for n in "ab"],
            "numbers 0, 255 alone, of which 255 belongs to no class: write an obje",
        ),
        (
            lambda f: (f / "ann/a.png").rename(f / "ann/a.jpg"),
            r"a.jpg in .* is a JPEG, whose numbers are not exact: write masks as PNG",
        ),
        (
            lambda f: [(f / f"ann/{n}.png").rename(f / f"ann/{n}2.png") for n in "ab"],
            "no image of .* has a mask in .*: the mask of a.jpg must be called a.png",
        ),
    ],
)
def test_masks_that_are_none(tmp_path, change, words):
    change(target(tmp_path, {"a": [0, 1], "b": [0, 1]}))
    with pytest.raises(UserError, match=words):
        fitted(tmp_path)


def test_masks_that_do_not_fit_are_left_out(tmp_path):
    target(tmp_path, {"a": [0, 1], "b": [0, 1], "c": [0]})
    mask(tmp_path / "ann/a.png", [0, 1], side=30)
    (tmp_path / "ann/b.png").write_bytes(b"no image")
    left_out = fitted(tmp_path).parts[ALL].left_out
    assert left_out["a.jpg"] == "its mask has 30 x 30 pixels, and it has 40 x 40"
    assert left_out["b.jpg"].startswith("its mask cannot be read")


def test_a_segmentation_is_inspected(pool, tmp_path):
    folder = target(tmp_path / "t", {f"{n:02}": [0, 1 + n % 2] for n in range(18)})
    found = inspect(pool, folder, out=tmp_path / "out", task="segmentation", void=9)
    assert len(found.train) == 10 and len(found.test) == 8
    assert found.train.annotations == str(folder / "ann")
    assert [m[:2] for m in found.train.masks] == [i[:2] for i in found.train.image_ids]
    assert {*found.train.labels} == {("0", "1"), ("0", "2")}
    assert Inspected.open(tmp_path / "out").to_dict() == found.to_dict()
    lines = (tmp_path / "out/train.csv").read_text().splitlines()
    assert lines[0] == "image,labels,mask" and lines[1].count(";") == 1
    with pytest.raises(UserError, match="`void` is of use only to masks"):
        inspect(pool, pool, void=0)
