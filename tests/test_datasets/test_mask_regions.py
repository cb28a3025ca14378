"""Regions of masks as images of their own."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from mmtaskssl import apis
from mmtaskssl.cli import extract_features
from mmtaskssl.datasets.images import BrokenImage
from mmtaskssl.datasets.mask_regions import read_mask_regions
from mmtaskssl.datasets.regions import read_region
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import (
    BadLabels,
    ImagesMismatch,
    OptionConflict,
    OutTaken,
)

NETWORK = ("torchvision:resnet18", "random")
HOW = {"image_size": 32, "workers": 0}


@pytest.fixture
def world(tmp_path):
    """Two images of 100 x 80, label maps and the like in COCO's form."""
    for name in ("images/train", "masks/train"):
        (tmp_path / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    pixels, maps = {}, {}
    for name in "ab":
        pixels[name] = rng.integers(0, 255, (80, 100, 3)).astype(np.uint8)
        Image.fromarray(pixels[name]).save(tmp_path / f"images/train/{name}.jpg")
        pixels[name] = np.asarray(Image.open(tmp_path / f"images/train/{name}.jpg"))
        maps[name] = np.zeros((80, 100), np.uint8)
    maps["a"][20:60, 10:40] = 1
    maps["a"][0:30, 50:80] = 2
    maps["a"][5:8, 5:8] = 2  # 9 pixels
    maps["b"][:, 90:] = 255
    maps["b"][10:20, 10:20] = maps["b"][50:60, 50:60] = 1
    for name, pixel in maps.items():
        Image.fromarray(pixel).save(tmp_path / f"masks/train/{name}.png")
    (tmp_path / "masks" / "classes.txt").write_text("sky\ncat\ndog\n")

    def square(left, top, right, bottom):
        return [[left, top, right, top, right, bottom, left, bottom]]

    shapes = [
        (0, "cat", square(10, 20, 40, 60)),
        (0, "dog", square(50, 0, 80, 30)),
        (1, "cat", square(10, 10, 20, 20)),
        (1, "cat", square(50, 50, 60, 60)),
    ]
    content = {
        "images": [
            {"id": n, "file_name": f"train/{name}.jpg", "width": 100, "height": 80}
            for n, name in enumerate("ab")
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {
                "id": n,
                "image_id": image,
                "category_id": 1 if name == "cat" else 2,
                "bbox": [0, 0, 9, 9],
                "area": 81,
                "iscrowd": 0,
                "segmentation": shape,
            }
            for n, (image, name, shape) in enumerate(shapes, 1)
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path, pixels, maps


IDS = ["train/a.jpg", "train/b.jpg"]
OF_MAPS = {
    "train/a.jpg@10,20,40,60=0": "cat",
    "train/a.jpg@50,0,80,30=1": "dog",
    "train/b.jpg@10,10,20,20=0": "cat",
    "train/b.jpg@50,50,60,60=1": "cat",
}


def regions(folder, masks, ids=IDS, **options):
    return read_mask_regions(folder / masks, folder / "images", ids, **options)


def test_each_region_of_a_label_map_is_named_by_its_box_and_number(world):
    folder, _, _ = world
    found = regions(folder, "masks", void=0).labels
    assert found == OF_MAPS
    # What is left out for its size is counted, too.
    small = regions(folder, "masks", void=0, least_area=9).labels
    assert len(small) == len(found) + 1 and {*found} < {*small}
    assert small["train/a.jpg@5,5,8,8=2"] == "dog"
    # The sky is a class like any other where it is not said to be none.
    assert "sky" in regions(folder, "masks").labels.values()


def test_a_class_of_an_image_may_be_one_region(world):
    folder, _, _ = world
    found = regions(folder, "masks", void=0, unit="class").labels
    assert found == {
        "train/a.jpg@10,20,40,60=0": "cat",
        "train/a.jpg@5,0,80,30=1": "dog",
        "train/b.jpg@10,10,60,60=0": "cat",
    }


def test_objects_of_coco(world):
    folder, _, _ = world
    assert regions(folder, "coco.json").labels == {
        "train/a.jpg@10,20,40,60=0": "cat",
        "train/a.jpg@50,0,80,30=1": "dog",
        "train/b.jpg@10,10,20,20=0": "cat",
        "train/b.jpg@50,50,60,60=1": "cat",
    }
    assert [*regions(folder, "coco.json", unit="class").labels][-1] == (
        "train/b.jpg@10,10,60,60=0"
    )


@pytest.mark.parametrize("masks", ["masks", "coco.json"])
def test_what_is_around_a_region_is_kept_or_grey(world, masks):
    folder, pixels, _ = world
    void = {"void": 0} if masks == "masks" else {}
    kept = regions(folder, masks, **void)
    name = next(name for name in kept.labels if "@10,20,40,60" in name)
    # 15 % of 30 by 40 pixels on each side.
    want = pixels["a"][14:66, 6:44].copy()
    np.testing.assert_array_equal(kept.read(folder / "images" / name), want)
    np.testing.assert_array_equal(read_region(folder / "images" / name), want)

    grey = regions(folder, masks, around="grey", grey=(1.2, 2, 300), **void)
    assert [n.replace("~", "=") for n in grey.labels] == [*kept.labels]
    read = pickle.loads(pickle.dumps(grey.read))  # as a process is given it
    found = read(folder / "images" / name.replace("=", "~"))
    outside = np.ones(want.shape[:2], bool)
    outside[6:46, 4:34] = False
    want[outside] = 1, 2, 255
    np.testing.assert_array_equal(found, want)
    assert min(read(folder / "images" / name.replace("=", "~"), 20).shape[:2]) == 20


def test_a_mask_that_changed_meanwhile_is_not_laid_over_an_image(world):
    folder, _, maps = world
    grey = regions(folder, "masks", around="grey", void=0)
    Image.fromarray(maps["a"][:40]).save(folder / "masks/train/a.png")
    with pytest.raises(BrokenImage, match="changed, or has another size"):
        grey.read(folder / "images" / next(iter(grey.labels)))


def test_a_store_of_regions_selects_and_is_its_own(world):
    folder, _, _ = world
    kind = {"regions": folder / "masks", "void": 0}
    images = folder / "images"
    target = apis.extract(NETWORK, images, out=folder / "store", **kind, **HOW)
    assert target.class_names == ["cat", "dog"] and not target.quarantine
    assert [target.class_names[i] for i in target.labels] == [*OF_MAPS.values()]
    pool = apis.extract(NETWORK, images, **HOW)
    found = apis.select(pool, target, 2, policy="class_balanced", per_query=1)
    assert len(found) == 2 and "missing" not in found.page()
    grey = apis.extract(NETWORK, images, around="grey", **kind, **HOW)
    assert not np.array_equal(grey.read(), target.read())
    # Crops that are grey around are no others of the same name.
    with pytest.raises(OutTaken, match="another list of images"):
        apis.extract(
            NETWORK, images, around="grey", out=folder / "store", **kind, **HOW
        )


def refused(world, change, message, family=BadLabels, masks="masks", **options):
    folder, _, maps = world
    change(folder, maps)
    with pytest.raises(family, match=message):
        regions(folder, masks, **options)


def save(folder, name, pixels):
    Image.fromarray(pixels).save(folder / "masks" / "train" / name)


def test_colours_are_no_classes(world):
    colour = np.zeros((80, 100, 3), np.uint8)
    refused(world, lambda f, m: save(f, "a.png", colour), "are colour images")


def test_numbers_of_objects_are_no_classes(world):
    def change(folder, maps):
        (folder / "masks" / "classes.txt").unlink()
        save(folder, "a.png", maps["a"].astype(np.uint16) * 300)

    refused(world, change, "write the index of its class in place")


def test_classes_beyond_those_that_are_named(world):
    def change(folder, maps):
        (folder / "masks" / "classes.txt").write_text("sky\ncat\n")

    refused(world, change, r"has the class 2, but classes.txt names 2")


def test_masks_of_other_images(world):
    message = "must be called x.png"
    refused(world, lambda f, m: None, message, ImagesMismatch, ids=["x.jpg"])


def test_masks_of_another_size(world):
    def change(folder, maps):
        for name in "ab":
            save(folder, f"{name}.png", maps[name][::2, ::2])

    refused(world, change, "of another size than their mask")


def test_masks_of_jpeg(world):
    def change(folder, maps):
        for name in "ab":
            (folder / f"masks/train/{name}.png").unlink()
            save(folder, f"{name}.jpg", maps[name])

    refused(world, change, "whose numbers are not exact")


def test_masks_that_are_all_broken_and_one_that_is(world, said):
    folder, _, _ = world
    (folder / "masks/train/a.png").write_bytes(b"no image")
    assert {name[6] for name in regions(folder, "masks", void=0).labels} == {"b"}
    assert "cannot be read: they are left out" in said.text
    refused(
        world,
        lambda f, m: (f / "masks/train/b.png").write_bytes(b"no image"),
        "cannot be read",
    )


def test_no_region_is_large_enough(world):
    message = "has no region of 9,000 pixels"
    refused(world, lambda f, m: None, message, least_area=9000, void=0)


def edited(folder, **changes):
    content = json.loads((folder / "coco.json").read_text())
    for entry in content["annotations"]:
        entry.update(changes)
    (folder / "coco.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segmentation": []}, "name it with `boxes`"),
        ({"segmentation": [[1, 2, 3, 4]]}, "fewer than three corners"),
        ({"segmentation": {"size": [80, 100], "counts": [3]}}, "cannot be decoded"),
        ({"segmentation": {"size": [8, 9], "counts": [72]}}, "of another size"),
        ({"iscrowd": 1}, "has no region"),
    ],
)
def test_objects_that_cannot_be_drawn(world, changes, message):
    refused(world, lambda f, m: edited(f, **changes), message, masks="coco.json")


def test_options_that_contradict(world):
    folder, _, _ = world
    for more, message in (
        ({"regions": "m", "boxes": "b"}, "not both"),
        ({"least_area": 9}, "`regions`"),
        ({"void": 0}, "`regions`"),
        ({"regions": "m", "labels": "folder"}, "classes of `regions`"),
        ({"regions": "m", "leak_copies": True}, "no copies"),
    ):
        with pytest.raises(UserError, match=message):
            apis.extract(NETWORK, folder / "images", **more)
    argv = ["--model", "torchvision:resnet18", "--images", "i", "--out", "o"]
    with pytest.raises(OptionConflict, match="name --boxes or --regions, not both"):
        extract_features.main([*argv, "--regions", "m", "--boxes", "b", "--dry-run"])
    argv = ["--from-npy", "x.npy", "--out", "o", "--regions", "m"]
    with pytest.raises(OptionConflict, match="--regions needs the network"):
        extract_features.main(argv)


def test_the_tool_extracts_regions(world, capsys):
    folder, _, _ = world
    argv = ["--model", "torchvision:resnet18", "--weights", "random"]
    argv += ["--images", folder / "images", "--out", folder / "store"]
    argv += ["--image-size", 32, "--workers", 0, "--device", "cpu"]
    argv += ["--regions", folder / "coco.json", "--regions-of", "class"]
    argv += ["--least-area", 300, "--around", "grey"]
    extract_features.main([*map(str, argv)])
    assert "2 images" in capsys.readouterr().out
    assert apis.FeatureStore.open(folder / "store").image_ids == [
        "train/a.jpg@10,20,40,60~0",
        "train/a.jpg@50,0,80,30~1",
    ]
