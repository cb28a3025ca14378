"""Objects of annotated images as images of their own."""

import json

import numpy as np
import pytest
from PIL import Image

from mmtaskssl import apis
from mmtaskssl.datasets import SelectedImages, UnlabeledImages
from mmtaskssl.datasets.images import BrokenImage
from mmtaskssl.datasets.regions import read_region, read_regions
from mmtaskssl.report.thumbs import Thumbnails
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import ImagesMismatch

_XML = (
    "<annotation><size><width>{w}</width><height>{h}</height></size>{objects}"
    "</annotation>"
)
_OBJECT = (
    "<object><name>{name}</name><difficult>{hard}</difficult><bndbox><xmin>{0}</xmin>"
    "<ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"
)
# Of each image: class, left, top, right, bottom from 0, and whether it is hard.
OBJECTS = {
    "a.png": [("cat", 10, 20, 40, 60, 0), ("dog", 50, 0, 80, 30, 0)],
    "b.png": [
        ("dog", 0, 0, 100, 80, 0),
        ("cat", 1, 1, 5, 5, 0),
        ("cat", 20, 20, 60, 60, 1),
    ],
}
NAMES = {
    "a.png@10,20,40,60": "cat",
    "a.png@50,0,80,30": "dog",
    "b.png@0,0,100,80": "dog",
}


@pytest.fixture
def world(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "xml").mkdir()
    rng = np.random.default_rng(0)
    pixels = {}
    for image, objects in OBJECTS.items():
        pixels[image] = rng.integers(0, 255, (80, 100, 3)).astype(np.uint8)
        Image.fromarray(pixels[image]).save(tmp_path / "images" / image)
        inside = "".join(
            _OBJECT.format(x0 + 1, y0 + 1, x1, y1, name=name, hard=hard)
            for name, x0, y0, x1, y1, hard in objects
        )
        text = _XML.format(w=100, h=80, objects=inside)
        (tmp_path / "xml" / f"{image[0]}.xml").write_text(text)
    everything = [(i, *one) for i, some in OBJECTS.items() for one in some]
    content = {
        "images": [
            {"id": n, "file_name": image, "width": 100, "height": 80}
            for n, image in enumerate(OBJECTS)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {
                "id": n,
                "image_id": [*OBJECTS].index(image),
                "category_id": 1 if name == "cat" else 2,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0),
                "iscrowd": hard,
            }
            for n, (image, name, x0, y0, x1, y1, hard) in enumerate(everything, 1)
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path, pixels


@pytest.mark.parametrize("annotations", ["xml", "coco.json"])
def test_objects_are_named_by_image_and_corners(world, annotations):
    folder, _ = world
    assert read_regions(folder / annotations, [*OBJECTS]) == NAMES
    below = [f"train/{image}" for image in OBJECTS]
    assert read_regions(folder / annotations, below) == {
        f"train/{name}": label for name, label in NAMES.items()
    }


def test_a_region_has_context_as_far_as_the_image_goes(world):
    folder, pixels = world
    found = read_region(folder / "images" / "a.png@10,20,40,60")
    # 15 % of 30 by 40 pixels on each side.
    np.testing.assert_array_equal(found, pixels["a.png"][14:66, 6:44])
    found = read_region(folder / "images" / "a.png@50,0,80,30")
    np.testing.assert_array_equal(found, pixels["a.png"][0:34, 46:84])
    assert min(read_region(folder / "images" / "b.png@0,0,100,80", 40).shape[:2]) == 40
    with pytest.raises(BrokenImage):
        read_region(folder / "images" / "c.png@0,0,10,10")


def test_a_file_of_such_a_name_is_itself(world):
    folder, _ = world
    odd = folder / "images" / "a.png@1,2,3,4"
    Image.new("RGB", (7, 5)).save(odd, "PNG")
    assert read_region(odd).shape == (5, 7, 3)


def test_a_target_of_boxes_selects_what_is_like_the_objects(world):
    folder, _ = world
    network = ("torchvision:resnet18", "random")
    how = {"image_size": 32, "workers": 0}
    target = apis.extract(network, folder / "images", boxes=folder / "coco.json", **how)
    assert target.image_ids == [*NAMES] and target.class_names == ["cat", "dog"]
    assert [target.class_names[i] for i in target.labels] == [*NAMES.values()]
    assert not target.quarantine
    pool = apis.extract(network, folder / "images", **how)
    on_disk = apis.extract(
        *(network, folder / "images"),
        **{"boxes": folder / "xml", "out": folder / "store", **how},
    )
    np.testing.assert_array_equal(on_disk.read(), target.read())
    found = apis.select(pool, target, 2, policy="class_balanced")
    assert len(found) == 2
    # The page shows the objects.
    assert "missing" not in found.page()
    place = folder / "images" / "a.png@10,20,40,60"
    assert "<img" in Thumbnails().tag(place, "a")


def test_annotations_of_other_images_are_refused(world):
    folder, _ = world
    for annotations, words in (
        ("xml", "has no NAME.xml"),
        ("coco.json", "names other"),
    ):
        with pytest.raises(UserError, match=words):
            read_regions(folder / annotations, ["x.png"])
    with pytest.raises(UserError, match="cannot be read"):
        read_regions(folder / "none.json", ["a.png"])
    (folder / "coco.json").write_text("{")
    with pytest.raises(UserError, match="no valid JSON"):
        read_regions(folder / "coco.json", ["a.png"])
    network = ("torchvision:resnet18", "random")
    with pytest.raises(UserError, match="objects have the classes of `boxes`"):
        apis.extract(network, folder / "images", boxes=folder / "xml", labels="folder")


def test_objects_are_judged_and_clustered_and_are_no_files(world):
    folder, _ = world
    network = ("torchvision:resnet18", "random")
    how = {"image_size": 32, "workers": 0}
    store = apis.extract(network, folder / "images", boxes=folder / "xml", **how)
    found = apis.evaluate((store, store), probe="knn")
    assert "3 training images" in found.table()
    assert sorted(apis.cluster(store, "2").sizes.tolist()) == [1, 2]
    assert "3 images" in apis.deduplicate(store, by="features").table()
    words = "objects or regions of images"
    with pytest.raises(ImagesMismatch, match=words):
        apis.deduplicate(store)
    selection = apis.select(store, store, 2).save(folder / "selection", report=False)
    with pytest.raises(ImagesMismatch, match=words):
        apis.take(selection, folder / "taken")
    whole = UnlabeledImages(folder / "images")
    with pytest.raises(ImagesMismatch, match=words):
        SelectedImages(whole, str(selection / "selection.txt"))
