"""What a target's annotations mean is found out before anything is trained."""

import numpy as np
import pytest

from mmtaskssl.customize.inspection.facts import look
from mmtaskssl.customize.inspection.fitting import Seen, fit
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.inspection.kept import Kept
from mmtaskssl.customize.inspection.labelled import ALL
from mmtaskssl.customize.inspection.reading import read_target
from mmtaskssl.utils.errors import UserError
from tests._annotation_faults import (
    CLASSES,
    HEIGHT,
    NUMBER,
    WIDTH,
    change_coco,
    change_masks,
    change_voc,
    each,
    make_coco,
    make_masks,
    make_voc,
    picture,
)

from .test_reading import table


def shares(entry):
    x, y, width, height = entry["bbox"]
    return [x / WIDTH, y / HEIGHT, width / WIDTH, height / HEIGHT]


def corners(entry):
    x, y, width, height = entry["bbox"]
    return [x, y, x + width, y + height]


def coco(change):
    return lambda f: change_coco(make_coco(f), change) or f / "coco.json"


def voc(*pairs, some=range(NUMBER)):
    return lambda f: change_voc(make_voc(f), *pairs, some=some) or f


def masks(change, some=range(NUMBER)):
    return lambda f: change_masks(make_masks(f), change, some) or f


def spelt_by_part(folder):
    """VOC's lists of two parts, and cups that only one of them writes so."""
    change_voc(make_voc(folder), ("<name>cup", "<name>Cup"), some=[5, 7])
    for name, numbers in (("train", range(4)), ("test", range(4, NUMBER))):
        path = folder / "ImageSets/Main" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{n}\n" for n in numbers))
    return folder


def fitted(target):
    """Returns a target held against its images, and all that was said."""
    found = read_target(target, None, "auto")
    parts = {
        name: Seen(part, look(part.root, [item.image for item in part.items])[0], {})
        for name, part in found.parts.items()
    }
    whole = fit(found, parts, Kept(None), None)
    return whole, [*found.findings, *whole.findings]


FAULTS = {
    "unit boxes": (coco(each(bbox=shares)), "8 of 8 boxes .*0.jpg, box 1; .* within 0"),
    "corners": (
        coco(each(bbox=corners)),
        "6 of 8 boxes of the target .* as the corner",
    ),
    "another image's": (
        coco(each(bbox=lambda entry: [entry["bbox"][0] + 100, 100, 5, 5])),
        "8 of 8 boxes of the target .* lie outside of their image: were they",
    ),
    "another scale": (
        coco(each("images", width=2 * WIDTH, height=2 * HEIGHT)),
        r"8 of 8 images \(such as 0.jpg; 1.jpg\) are of another size than their annot",
    ),
    "ids from 0 in one section": (
        coco(each(category_id=lambda entry: entry["category_id"] - 1)),
        "entry 1 of 'annotations' has the category_id 0, which is none of categories",
    ),
    "ids of another type": (
        coco(each(image_id=lambda entry: str(entry["image_id"]))),
        "has the image_id '1', which is none of images",
    ),
    "an image id twice": (
        coco(each("images", slice(1, 2), id=1)),
        "entry 2 of 'images' has an id that an earlier one has, 1",
    ),
    "an image twice": (
        coco(each("images", slice(1, 2), file_name="./0.jpg")),
        "lists the image 0.jpg twice",
    ),
    "no box": (coco(each(bbox=None)), "entry 1 .* has the bbox None, not x, y"),
    "all are crowds": (coco(each(iscrowd=1)), "all 8 boxes of the target are crowds"),
    "corners exchanged": (
        voc(("xmin", "left"), ("xmax", "xmin"), ("left", "xmax")),
        "8 of 8 boxes of the target .* have their far corner before the near one",
    ),
    "difficult": (
        voc(("<difficult>0", "<difficult>1")),
        "all 8 boxes of the target are crowds or difficult",
    ),
    "another size in the XML": (
        voc(("<width>64", "<width>128"), ("<height>48", "<height>96")),
        "8 of 8 images .* are of another size than their annotation",
    ),
    "spelling": (
        spelt_by_part,
        "1 classes are written in two ways, such as 'Cup' and 'cup', to train and to",
    ),
    "0 and 255": (
        masks(lambda p: np.where(p == 1, 255, p)),
        "the masks hold the numbers 0, 255 alone, of which 255 belongs to no class",
    ),
    "1 and 255": (
        masks(lambda p: np.where(p == 0, 255, p)),
        "the masks hold the numbers 1, 255 alone",
    ),
    "all void": (masks(lambda p: 0 * p + 255), "the masks hold the numbers 255 alone"),
    "turned": (
        masks(lambda p: p.T),
        r"8 of 8 images \(such as 000.jpg; 001.jpg\) are of another size than their ma",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_target_of_another_meaning_is_refused(pool, tmp_path, fault):
    make, words = FAULTS[fault]
    (tmp_path / "target").mkdir()
    target = make(tmp_path / "target")
    with pytest.raises(UserError, match=words):
        inspect(pool, target, out=tmp_path / "out")


def test_the_other_faults_are_said_before_the_error(pool, tmp_path):
    change_coco(make_coco(tmp_path), each(iscrowd=1))
    change_coco(tmp_path, each(some=slice(1), bbox=[99, 99, 5, 5]))
    lines = []
    with pytest.raises(UserError, match="are crowds or difficult"):
        inspect(pool, tmp_path / "coco.json", out=tmp_path / "out", log=lines.append)
    assert any(
        line.startswith("warning: 1 of 8 boxes of the target (such as 0.jpg, box 1)")
        for line in lines
    )


def test_what_is_odd_in_masks_is_said(tmp_path):
    target = make_masks(tmp_path / "target", 20)
    change_masks(target, lambda p: np.where(p == 1, 9, p), some=[5])
    change_masks(target, lambda p: 0 * p + 255, some=[6])
    (target / "ann/000.png").rename(target / "ann/alone.png")
    said = "\n".join(f"{one.level}: {one.text}" for one in fitted(target)[1])
    for words in (
        "warning: 7 of 10 classes are in none of the masks: 2, 3, 4, 5, 6, ...; the "
        "last one that is, 9, is in 1 of 19, such as 005.png",
        "warning: 1 of 19 masks (such as 006.png) have no pixel that belongs to a clas",
        "warning: 1 masks of ",
        "are of no image, such as alone.png",
    ):
        assert words in said


def test_what_is_odd_in_boxes_is_said(tmp_path):
    make_coco(tmp_path)

    def change(content):
        # From 0 on and with gaps, in another order, without an area: all is well.
        content["categories"] = [
            {"id": 50, "name": CLASSES[1]},
            {"id": 0, "name": CLASSES[0]},
        ]
        for entry in content["annotations"]:
            entry["category_id"] = 0 if entry["category_id"] == 1 else 50
            entry["area"] = 0
        content["annotations"][0]["image_id"] = 99

    change_coco(tmp_path, change)
    found, said = fitted(tmp_path / "coco.json")
    assert [*found.class_names] == ["cell", "cup"]
    labels = [item.labels for item in found.parts[ALL].part.items]
    assert labels == [(), ("cup",), *[("cell",), ("cup",)] * 3]
    assert [one.level for one in said] == ["note", "warning", "note"]
    assert "has the image_id 99) are of no image that is listed" in said[1].text


def test_classes_of_a_table_that_are_one(pool, tmp_path):
    for number in range(24):
        picture(tmp_path / f"{number}.png", number)
    rows = [f"{n}.png,{('cat', 'Cat', 'dog', 'nan')[n % 4]}" for n in range(24)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["image,label", *rows]))
    said = inspect(pool, path, out=tmp_path / "out").table()
    assert "warning: 1 classes are written in two ways, such as 'Cat' and 'cat'" in said
    assert "warning: nan counts as a class like any other: remove" in said


def test_a_class_that_only_the_test_part_has(pool, tmp_path):
    rows = [f"{n}.png,{'ab'[n % 2]},train" for n in range(10)]
    rows += [f"{n}.png,{'ac'[n % 2]},test" for n in range(10, 20)]
    for number in range(20):
        picture(tmp_path / f"{number}.png", number)
    path = table(tmp_path, "\n".join(["image,label,split", *rows]))
    with pytest.raises(UserError, match="class c of the target has 5 test images and"):
        inspect(pool, path, out=tmp_path / "out")
