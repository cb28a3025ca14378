import json

import pytest
from pycocotools.coco import COCO

from mmtaskssl.customize.inspection.facts import look
from mmtaskssl.customize.inspection.fitting import Seen, fit
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.inspection.inspected import Inspected
from mmtaskssl.customize.inspection.kept import Kept
from mmtaskssl.customize.inspection.labelled import ALL
from mmtaskssl.customize.inspection.reading import read_target
from mmtaskssl.utils.errors import UserError

from ._targets import SIDE, draw

CATEGORIES = [
    {"id": 7, "name": "cup"},
    {"id": 3, "name": "ball "},
    {"id": 0, "name": "x"},
]


def coco(path, names, boxes=(), **more):
    """Writes a JSON of images of SIDE pixels, and boxes (image, category, bbox)."""
    value = {
        "images": [
            {"id": 10 + n, "file_name": name, "width": SIDE, "height": SIDE}
            for n, name in enumerate(names)
        ],
        "annotations": [
            {
                "id": n,
                "image_id": i,
                "category_id": c,
                "bbox": b,
                "area": 1,
                "iscrowd": 0,
            }
            for n, (i, c, b) in enumerate(boxes)
        ],
        "categories": CATEGORIES,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def fitted(target):
    """Returns the parts of a target, held against its images, and what was said."""
    found = read_target(target, None, "detection")
    parts = {
        name: Seen(part, look(part.root, [item.image for item in part.items])[0], {})
        for name, part in found.parts.items()
    }
    return fit(found, parts, Kept(None), None)


def test_boxes_are_cut_to_their_images(tmp_path):
    for name in "abcd":
        draw(tmp_path / f"{name}.png", ord(name))
    boxes = [
        (10, 7, [1, 2, 3, 4]),
        (10, 3, [30, 30, 10.5, 20]),
        (11, 7, [50, 2, 3, 4]),
        (11, 7, [5, 2, 0, 4]),
        (11, 3, [-0.5, 0, 5, 5]),
    ]
    path = coco(tmp_path / "t.json", ["a.png", "b.png", "c.png"], boxes)
    found = fitted(path)
    items = found.parts[ALL].part.items
    assert [item.labels for item in items] == [("ball", "cup"), ("ball",), ()]
    cut = items[0].boxes[1]
    assert (cut.x, cut.y, cut.width, cut.height) == (30, 30, 10, 10)
    assert items[1].boxes[0].width == 4.5
    assert found.class_names == ["ball", "cup"]  # x has no box
    said = "\n".join(one.text for one in found.findings)
    boxes = "1 of 5 boxes of the target (such as {})"
    for line in (
        boxes.format("b.png, box 1") + " lie outside of their image: they are left out",
        boxes.format("b.png, box 2") + " are empty (their width or height is 0): they",
        boxes.format("a.png, box 2") + " stand out of their image",
        "1 of 3 images of the target have no box",
    ):
        assert line in said


def test_an_annotation_of_another_size_is_of_no_use(tmp_path):
    draw(tmp_path / "a.png", 0)
    draw(tmp_path / "b.png", 1, side=20)
    found = fitted(coco(tmp_path / "t.json", ["a.png", "b.png"]))
    assert found.parts[ALL].left_out == {
        "b.png": "its annotation is of 40 x 40 pixels, and it has 20 x 20"
    }


@pytest.mark.parametrize(
    "files, images",
    [
        (
            (
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/captions_train2017.json",
            ),
            ("train2017", "val2017"),
        ),
        (("train.json", "test.json"), ("images", "images")),
        (
            ("train/_annotations.coco.json", "test/_annotations.coco.json"),
            ("train", "test"),
        ),
    ],
)
def test_folders_with_coco_files(tmp_path, files, images):
    for n, folder in enumerate(images):
        draw(tmp_path / folder / f"{n}.png", n)
        coco(tmp_path / files[n], [f"{n}.png"])
    for other in files[2:]:
        (tmp_path / other).write_text('{"images": [], "annotations": []}')
    found = read_target(tmp_path, None, "auto")
    assert found.kind == "detection" and {*found.parts} == {"train", "test"}
    for n, part in enumerate(("train", "test")):
        assert found.parts[part].root == tmp_path / images[n]
        assert [item.image for item in found.parts[part].items] == [f"{n}.png"]


def test_files_whose_parts_are_not_told(tmp_path):
    draw(tmp_path / "0.png", 0)
    for name in ("one", "two"):
        coco(tmp_path / f"{name}.json", ["0.png"])
    with pytest.raises(UserError, match=r"one.json, two.json: which is to train"):
        read_target(tmp_path, None, "auto")
    found = read_target(tmp_path / "one.json", tmp_path / "two.json", "auto")
    assert {*found.parts} == {"train", "test"}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"images": 3}, "no list 'images'"),
        ({"images": []}, "lists no image"),
        ({"annotations": [3]}, "entry 1 of 'annotations' is no object"),
        ({"categories": [{"id": 1}]}, "entry 1 of 'categories' has no 'name'"),
        ({"categories": CATEGORIES + CATEGORIES[:1]}, "that an earlier one has"),
        (
            {"images": [{"id": 10, "file_name": n} for n in ("0.png", "1.png")]},
            "entry 2 of 'images' has an id that an earlier one has, 10: give each",
        ),
        (
            {"annotations": [{"image_id": 1, "category_id": 7, "bbox": [0] * 4}]},
            "image_id 1, which is none of images",
        ),
        (
            {"annotations": [{"image_id": 10, "category_id": 1, "bbox": [0] * 4}]},
            "category_id 1, which is none of categories",
        ),
        (
            {"annotations": [{"image_id": 10, "category_id": 7, "bbox": [0] * 3}]},
            r"has the bbox \[0, 0, 0\], not x, y",
        ),
        (
            {"images": [{"id": 10, "file_name": "nowhere.png"}], "annotations": []},
            "such as nowhere.png, are neither beside it",
        ),
    ],
)
def test_files_that_are_not_coco_s(tmp_path, change, words):
    draw(tmp_path / "0.png", 0)
    path = coco(tmp_path / "t.json", ["0.png"], **change)
    with pytest.raises(UserError, match=words):
        read_target(path, None, "auto")
    path.write_text("[1")
    with pytest.raises(UserError, match="cannot be read as COCO's JSON"):
        read_target(path, None, "auto")


XML = "<annotation><size><width>40</width><height>40</height></size>{}</annotation>"
OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def voc(folder, lists, objects=None):
    """Writes a VOC folder; objects: of an image, else a cup."""
    seed = 0
    for name, ids in lists.items():
        path = folder / "ImageSets/Main" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{image}\n" for image in ids))
        for image in ids:
            draw(folder / "JPEGImages" / f"{image}.png", seed := seed + 1)
            inside = (objects or {}).get(image, OBJECT.format("cup", 0, 1, 1, 8, 9))
            path = folder / "Annotations" / f"{image}.xml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(XML.format(inside))
    return folder


def test_voc_folders(tmp_path):
    lists = {"train": ["a"], "val": ["b"], "test": ["c"], "cup_train": ["a"]}
    both = OBJECT.format("cup", 1, 1, 1, 40, 40) + OBJECT.format("ball", 0, 0, 2, 9, 9)
    voc(tmp_path, lists, {"a": both, "c": ""})
    found = read_target(tmp_path, None, "auto")
    assert found.kind == "detection" and {*found.parts} == {"train", "test"}
    (item,) = fitted(tmp_path).parts["train"].part.items
    assert item.image == "a.png" and item.labels == ("ball",)
    first, second = item.boxes
    assert (first.x, first.y, first.width, first.height) == (0, 0, 40, 40)
    assert (second.x, second.y, second.width, second.height) == (0, 1, 9, 8)
    assert first.crowd and not second.crowd
    with pytest.raises(UserError, match=r"holds the Pascal VOC folder .*: name that"):
        read_target(tmp_path.parent, None, "auto")


def test_voc_without_lists_or_with_trainval(tmp_path):
    voc(tmp_path, {"trainval": ["a"], "val": ["b"], "test": ["c"]})
    found = read_target(tmp_path, None, "auto")
    assert [i.image for i in found.parts["train"].items] == ["a.png"]
    (tmp_path / "Annotations/c.xml").unlink()
    with pytest.raises(UserError, match=r"c.xml does not exist, but a list names c"):
        read_target(tmp_path, None, "auto")
    for path in (tmp_path / "ImageSets/Main").iterdir():
        path.unlink()
    assert len(read_target(tmp_path, None, "auto").parts[ALL].items) == 2
    (tmp_path / "Annotations/a.xml").write_text(XML.format("<object/>"))
    with pytest.raises(UserError, match=r"a.xml: object 1 lacks its name or a number"):
        read_target(tmp_path, None, "auto")
    (tmp_path / "Annotations/a.xml").write_text("<annotation>")
    with pytest.raises(
        UserError, match=r"a.xml, line 1, is no valid XML and cannot be"
    ):
        read_target(tmp_path, None, "auto")


def test_boxes_as_text_files(tmp_path):
    draw(tmp_path / "images/0.png", 0)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/0.txt").write_text("0 .5 .5 .1 .1")
    with pytest.raises(UserError, match="as YOLO reads them: write them as a COCO"):
        read_target(tmp_path, None, "auto")


def test_a_detection_is_inspected(pool, tmp_path):
    target = voc(
        tmp_path / "target",
        {n: [f"{n}{i}" for i in range(9)] for n in ("train", "test")},
        {"train3": OBJECT.format("ball", 0, 5, 5, 9, 9), "train4": "", "test0": ""},
    )
    (target / "JPEGImages/train8.png").unlink()
    with pytest.raises(
        UserError, match=r"boxes of a detection .* name a folder .*`out`"
    ):
        inspect(pool, target)
    found = inspect(pool, target, out=tmp_path / "out")
    assert found.kind == "detection" and [*found.class_names] == ["ball", "cup"]
    assert len(found.train) == 8 and len(found.test) == 9
    assert found.train.labels[3:5] == [("ball",), ()]
    assert "class ball has one training image" in found.table()
    assert "1 images of the target (train) cannot be used" in found.table()
    for part in (found.train, found.test):
        read = COCO(part.annotations)
        assert [i["file_name"] for i in read.loadImgs(read.getImgIds())] == [
            *part.image_ids
        ]
        names = {c["id"]: c["name"] for c in read.loadCats(read.getCatIds())}
        for image, labels in zip(read.getImgIds(), part.labels, strict=True):
            boxes = read.loadAnns(read.getAnnIds([image]))
            assert tuple(sorted({names[b["category_id"]] for b in boxes})) == labels
    again = Inspected.open(tmp_path / "out")
    assert again.to_dict() == found.to_dict()
    again.save(tmp_path / "saved")
    saved = Inspected.open(tmp_path / "saved")
    assert saved.train.annotations == str(tmp_path / "saved/train.json")
    assert len(COCO(saved.train.annotations).anns) == 7
