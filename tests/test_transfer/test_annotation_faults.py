"""What annotations mean is found out before a training, not by its result."""

import logging
import re

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmtaskssl.transfer.data_checks import check_annotations
from mmtaskssl.transfer.data_set_checks import check_data_set
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

pytestmark = pytest.mark.usefixtures("said")


def coco_config(folder, loader="train_dataloader", **more):
    data = {
        "type": "mmdet.CocoDataset",
        "ann_file": str(folder / "coco.json"),
        "metainfo": {"classes": CLASSES},
    }
    return Config({loader: {"dataset": data}, **more})


def voc_config(folder, **more):
    data = {
        "type": "mmdet.VOCDataset",
        "data_root": str(folder),
        "ann_file": "list.txt",
        "data_prefix": {"sub_data_root": ""},
        "metainfo": {"classes": CLASSES},
        **more,
    }
    return Config({"train_dataloader": {"dataset": data}})


def shares(entry):
    x, y, width, height = entry["bbox"]
    return [x / WIDTH, y / HEIGHT, width / WIDTH, height / HEIGHT]


def corners(entry):
    x, y, width, height = entry["bbox"]
    return [x, y, x + width, y + height]


def without_masks(content):
    for entry in content["annotations"]:
        del entry["segmentation"]


RUNS = {"size": [32, 32], "counts": [1014, 10]}
SHORT = {"size": [HEIGHT, WIDTH], "counts": [1014, 10]}
COCO_ERRORS = {
    "categories in another order": (
        lambda c: c["categories"].reverse(),
        "has the categories cup, cell in this order, and .* are cell, cup",
    ),
    "no area": (each(area=0), r"8 of 8 objects of .* annotation 1 of 0.jpg: 0; .* are"),
    "area null": (each(area=None), "8 of 8 objects of .* have an area of 0 or none"),
    "unit boxes": (each(bbox=shares), "8 of 8 boxes of .* lie within 0 and 1: they"),
    "ids from 0 in one section": (
        each(category_id=lambda entry: entry["category_id"] - 1),
        r"entry 1 of 'annotations' has the category_id 0, .* \(as 4 of 8 have\)",
    ),
    "an image id twice": (
        each("images", slice(1, 2), id=1),
        "entry 2 of 'images' has an id that an earlier one has, 1",
    ),
    "an object's id twice": (
        each(some=slice(1, 2), id=1),
        "entry 2 of 'annotations' has an id that an earlier one has, 1",
    ),
    "a category twice": (
        each("categories", name="cup"),
        "category 2 has a name that an earlier one has, 'cup'",
    ),
    "ids of another type": (
        each(image_id=lambda entry: str(entry["image_id"])),
        r"has the image_id '1', which is none of images \(and so have all 8\)",
    ),
    "corners": (each(bbox=corners), "6 of 8 boxes of .* none does as the corners x1"),
    "boxes of another image": (
        each(bbox=lambda entry: [entry["bbox"][0] + 100, 100, 5, 5]),
        "8 of 8 boxes of .* lie outside of their image: were they drawn in images of",
    ),
    "corners exchanged": (
        each(bbox=lambda entry: [40, 30, -20, -10]),
        "8 of 8 boxes of .* have their far corner before the near one",
    ),
    "empty boxes": (each(bbox=[4, 4, 0, 3]), "8 of 8 boxes of .* are empty"),
    "a class spelt differently": (
        each("categories", slice(1, 2), name="Cups"),
        "is of the config's class 'cup', but 4 are of 'Cups': write both alike",
    ),
    "a class of another case": (
        each("categories", slice(1, 2), name=" CUP"),
        "is of the config's class 'cup', but 4 are of ' CUP'",
    ),
    "all are crowds": (each(iscrowd=1), "all 8 boxes of .* are crowds or difficult"),
    "no box": (each(some=slice(1), bbox=None), "entry 1 .* has the bbox None, not x"),
    "a box of text": (each(bbox=["1", 2, 3, 4]), "has the bbox .'1', 2, 3, 4., not x"),
    "a box of nothing": (each(bbox=[float("nan")] * 4), "has the bbox .nan, nan"),
}


@pytest.mark.parametrize("fault", COCO_ERRORS)
def test_coco_of_another_meaning_is_refused(tmp_path, fault):
    change, words = COCO_ERRORS[fault]
    make_coco(tmp_path)
    check_annotations(coco_config(tmp_path))
    change_coco(tmp_path, change)
    with pytest.raises(UserError, match=words):
        check_annotations(coco_config(tmp_path))


@pytest.mark.parametrize(
    "change, words",
    [
        (each(some=slice(1), bbox=[100, 100, 5, 5]), "1 of 8 boxes .* lie outside"),
        (each(some=slice(1), image_id=99), "has the image_id 99. are of no image"),
        (each(some=slice(1), area=0), "1 of 8 objects .* have an area of 0 or none"),
        (each("images", slice(1), file_name="1.jpg"), "lists 1 images twice, such as"),
        (each(some=slice(1), bbox=[50, 9, 30, 9]), "1 of 8 boxes .* stand out of"),
        (each(category_id=1), "no object .* is of cup: it cannot be learned"),
        (
            lambda c: (
                c["categories"].append({"id": 3, "name": "dog"})
                or each(some=slice(1), category_id=3)(c)
            ),
            r"1 of 8 objects .* are of no class of the config \(dog\) and are left out",
        ),
    ],
)
def test_what_is_odd_in_coco_is_said(tmp_path, said, change, words):
    change_coco(make_coco(tmp_path), change)
    check_annotations(coco_config(tmp_path))
    (record,) = said.records
    assert record.levelno == logging.WARNING
    assert re.search(words, record.message)


@pytest.mark.parametrize("step, start", [(1, -1), (37, 0)])
def test_categories_may_have_any_ids(tmp_path, said, step, start):
    make_coco(tmp_path)
    ids = each("categories", id=lambda entry: entry["id"] * step + start)
    objects = each(category_id=lambda entry: entry["category_id"] * step + start)
    change_coco(tmp_path, lambda content: [ids(content), objects(content)])
    check_annotations(coco_config(tmp_path))
    assert not said.records


def test_a_class_that_only_the_validation_lacks(tmp_path):
    make_coco(tmp_path)
    change_coco(tmp_path, lambda c: [c["categories"].pop(), each(category_id=1)(c)])
    check_annotations(coco_config(tmp_path))  # of cup there is nothing to learn
    # The metric numbers the categories of its own file.
    with pytest.raises(UserError, match="has the categories cell in this order"):
        check_annotations(coco_config(tmp_path, "val_dataloader"))


MASK_ERRORS = {
    "none": (without_masks, "8 of 8 objects .* have no mask, which the config's model"),
    "one without": (each(some=slice(1), segmentation=[]), "1 of 8 .* have no mask"),
    "another size": (
        each(some=slice(1), segmentation=RUNS),
        "1 of 8 .*annotation 1 of 0.jpg: 32 x 32, not 64 x 48. have a mask of another",
    ),
    "too short": (each(segmentation=SHORT), "run lengths cannot be decoded"),
    "no text": (each(segmentation={**SHORT, "counts": "Pb02"}), "cannot be decoded"),
    "shares": (each(segmentation=[[0, 0, 1, 0.5, 1, 1]]), "polygons of shares of a"),
    "lines": (each(segmentation=[[0, 0, 9, 9]]), "polygons of fewer than three corn"),
}


@pytest.mark.parametrize("fault", MASK_ERRORS)
def test_masks_are_judged_where_they_are_learned(tmp_path, fault):
    change, words = MASK_ERRORS[fault]
    change_coco(make_coco(tmp_path), change)
    check_annotations(coco_config(tmp_path))
    model = {"roi_head": {"mask_head": {"num_classes": 2}}}
    metric = {"type": "CocoMetric", "metric": ["bbox", "segm"]}
    loading = coco_config(tmp_path)
    loading.train_dataloader.dataset.pipeline = [{"type": "L", "with_mask": True}]
    for cfg in (
        coco_config(tmp_path, model=model),
        coco_config(tmp_path, "val_dataloader", val_evaluator=metric),
        loading,
    ):
        with pytest.raises(UserError, match=words):
            check_annotations(cfg)


def test_all_faults_are_in_one_report(tmp_path, said):
    change_coco(make_coco(tmp_path), each(area=0, iscrowd=1))
    with pytest.raises(UserError, match="are crowds or difficult"):
        check_annotations(coco_config(tmp_path))
    assert ["of 0 or none" in record.message for record in said.records] == [True]
    assert said.records[0].levelno == logging.ERROR


SWAP = (("xmin", "left"), ("xmax", "xmin"), ("left", "xmax"))
VOC_ERRORS = {
    "corners exchanged": (
        SWAP,
        range(NUMBER),
        "8 of 8 boxes .*0.xml: object 1; .* far",
    ),
    "of one": (SWAP, [3], "1 of 8 boxes .*3.xml: object 1. have their far corner bef"),
    "difficult": (
        [("<difficult>0", "<difficult>1")],
        range(NUMBER),
        "all 8 boxes of .*list.txt are crowds or difficult, which count neither",
    ),
    "spelling": (
        [("<name>cup", "<name>Cup")],
        range(1, NUMBER, 2),
        "of the config's class 'cup', but 4 are of 'Cup'",
    ),
    "spaces": (
        [("<name>cup", "<name>cup ")],
        range(1, NUMBER, 2),
        "of the config's class 'cup', but 4 are of 'cup '",
    ),
    "outside": (
        [("<xmin>", "<xmin>1"), ("<xmax>", "<xmax>1")],
        range(NUMBER),
        "8 of 8 boxes .* lie outside of their image: were they",
    ),
}


@pytest.mark.parametrize("fault", VOC_ERRORS)
def test_voc_of_another_meaning_is_refused(tmp_path, fault):
    pairs, some, words = VOC_ERRORS[fault]
    make_voc(tmp_path)
    check_annotations(voc_config(tmp_path))
    change_voc(tmp_path, *pairs, some=some)
    with pytest.raises(UserError, match=words):
        check_annotations(voc_config(tmp_path))


def test_a_box_that_the_pipeline_leaves_out_does_no_harm(tmp_path, said):
    change_voc(make_voc(tmp_path), *SWAP, some=[3])
    for more in (
        {"pipeline": [{"type": "FilterAnnotations"}]},
        {"filter_cfg": {"bbox_min_size": 1}},
    ):
        check_annotations(voc_config(tmp_path, **more))
    assert all("1 of 8 boxes" in record.message for record in said.records)
    assert len(said.records) == 2


class Data:
    """What the checks ask of a data set of a host."""

    def __init__(self, infos, classes=CLASSES, **more):
        self.__dict__.update(more)
        self.infos, self.metainfo = infos, {"classes": classes}

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, index):
        return self.infos[index]


def detector(folder, size=(WIDTH, HEIGHT)):
    infos = [
        {"img_path": str(path), "width": size[0], "height": size[1]}
        for path in sorted((folder / "JPEGImages").iterdir())
    ]
    model = {"roi_head": {"bbox_head": {"num_classes": len(CLASSES)}}}
    check_data_set(Config({"model": model}), Data(infos), "training")


def test_images_of_another_size_than_their_annotations(tmp_path, said):
    make_voc(tmp_path)
    detector(tmp_path)
    with pytest.raises(
        UserError, match=r"8 of 8 images .*0.jpg: 64 x 48, and its annotation 128 x 96"
    ):
        detector(tmp_path, (2 * WIDTH, 2 * HEIGHT))
    detector(tmp_path, (0, 0))  # which tools write that do not know it
    assert not said.records
    picture(tmp_path / "JPEGImages/0.jpg", 0, (HEIGHT, WIDTH))
    detector(tmp_path)
    assert "1 of 8 images" in said.text
    # Turned by its EXIF it is upright, as the host reads it.
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "JPEGImages/0.jpg") as image:
        image.save(tmp_path / "JPEGImages/0.jpg", exif=exif)
    said.clear()
    detector(tmp_path)
    assert not said.records


def segmentor(
    folder, purpose="training", classes=CLASSES, ignored=255, apart=False, **more
):
    infos = [
        {"img_path": str(path), "seg_map_path": str(folder / f"ann/{path.stem}.png")}
        for path in sorted((folder / "img").glob("*.jpg"))
    ]
    prefix = {"img_path": str(folder / "img"), "seg_map_path": str(folder / "ann")}
    endings = {"img_suffix": ".jpg", "seg_map_suffix": ".png"}
    data = Data(infos, classes, data_prefix=prefix, **endings, **more)
    if apart:  # one data set an image, as a list for each ending makes them
        sets = [Data([info], classes, data_prefix=prefix) for info in infos]
        data = Data(infos, classes, datasets=sets)
    head = {"num_classes": len(classes), "ignore_index": ignored}
    check_data_set(Config({"model": {"decode_head": head}}), data, purpose)


def other_endings(folder):
    for number in range(0, NUMBER, 2):
        path = folder / "img" / f"{number:03}.jpg"
        with Image.open(path) as image:
            image.save(path.with_suffix(".png"))
        path.unlink()


def all_masks(change, some=range(NUMBER)):
    return lambda folder: change_masks(folder, change, some)


SEGMENTATION_ERRORS = {
    "0 and 255": (
        all_masks(lambda p: np.where(p == 1, 255, p)),
        "training label maps have one class alone, cell, .*such as .*000.png.: write",
    ),
    "all void": (
        all_masks(lambda p: 0 * p + 255),
        "no pixel of the training label map",
    ),
    "all background": (all_masks(lambda p: 0 * p), "have one class alone, cell"),
    "one beyond": (
        all_masks(lambda p: np.where(p == 1, 9, p), [5]),
        r"005.png has the label 9, but the config has 2 classes .* 1 of 8 label maps",
    ),
    "other endings": (
        other_endings,
        "4 of 8 training images .*000.png; .* end otherwise than .jpg, and would be",
    ),
    "another size": (
        all_masks(lambda p: p[:40], [5]),
        "1 of 8 images .*005.jpg: 64 x 48, and its label map 64 x 40. are of another",
    ),
    "turned": (all_masks(lambda p: p.T), "8 of 8 images .* than their label map"),
}


@pytest.mark.parametrize("fault", SEGMENTATION_ERRORS)
def test_label_maps_of_another_meaning_are_refused(tmp_path, said, fault):
    change, words = SEGMENTATION_ERRORS[fault]
    make_masks(tmp_path)
    segmentor(tmp_path)
    assert not said.records
    change(tmp_path)
    with pytest.raises(UserError, match=words):
        segmentor(tmp_path)


def test_every_label_map_is_looked_at_as_the_host_reads_it(tmp_path, said):
    make_masks(tmp_path, 40)
    change_masks(tmp_path, lambda p: np.where(p == 1, 2, p), some=[33])
    with pytest.raises(UserError, match=r"033.png has the label 2, .* 1 of 40"):
        segmentor(tmp_path)
    segmentor(tmp_path, label_map={0: 0, 1: 1, 2: 255})
    with pytest.raises(UserError, match=r"000.png has the label 255; .* 40 of 40"):
        segmentor(tmp_path, ignored=2)  # the head fails at 255 while it trains
    segmentor(tmp_path, "validation", ignored=2)
    # 0 belongs to no class then, and 1 and 2 are 0 and 1.
    segmentor(tmp_path, reduce_zero_label=True)
    assert "no pixel" not in said.text
    with pytest.raises(UserError, match="one class alone, cell"):
        change_masks(tmp_path, lambda p: np.where(p == 2, 1, p), some=[33])
        segmentor(tmp_path, reduce_zero_label=True)


def test_classes_may_lie_in_several_data_sets(tmp_path, said):
    make_masks(tmp_path)
    change_masks(tmp_path, lambda p: 0 * p, some=range(4))
    segmentor(tmp_path, apart=True)
    assert not said.records
    change_masks(tmp_path, lambda p: 0 * p)
    with pytest.raises(UserError, match="one class alone, cell"):
        segmentor(tmp_path, apart=True)


def test_what_is_odd_in_label_maps_is_said(tmp_path, said):
    make_masks(tmp_path)
    change_masks(tmp_path, lambda p: 0 * p + 255, some=[2])
    picture(tmp_path / "img/alone.png", 0)
    segmentor(tmp_path, classes=(*CLASSES, "dog"))
    for words in (
        "1 of 8 training label maps (such as",
        "have no pixel that belongs to a class",
        "1 of 3 classes are in none of the training label maps: dog",
        "1 of 9 training images (such as",
    ):
        assert words in said.text
    said.clear()
    segmentor(tmp_path, "validation")
    assert len(said.records) == 2  # all void, and alone
