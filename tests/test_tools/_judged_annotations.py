"""Cases of ``_judged.py``: annotations that mean something else than they should."""

import functools
from pathlib import Path

from tests._annotation_faults import (
    CLASSES,
    change_coco,
    change_masks,
    change_voc,
    each,
    make_coco,
    make_masks,
    make_voc,
)
from tests._images import make_image_folder
from tests.test_customize.test_inspection.test_annotation_faults import FAULTS
from tests.test_transfer.test_annotation_faults import (
    COCO_ERRORS,
    MASK_ERRORS,
    SEGMENTATION_ERRORS,
    VOC_ERRORS,
)

from ._hostile import quiet
from ._judged import Case, verb

_DETECTOR = Path("configs/transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px")
_SEGMENTOR = Path("configs/transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px")
_PIPELINE = """[
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", {}),
    dict(type="Resize", scale=(64, 48){}),
    dict(type="{}"),
]"""
_OF_BOXES = _PIPELINE.format("with_bbox=True", "", "PackDetInputs")
_OF_MASKS = _PIPELINE.format(
    "with_bbox=True, with_mask=True", "", "PackDetInputs"
).replace("mask=True", "mask=True, poly2mask=False")
_OF_MAPS = _PIPELINE.format("reduce_zero_label=False", "", "PackSegInputs")
_DATA = {
    "coco": f"""dict(_delete_=True, type="CocoDataset", ann_file="@/coco.json",
        data_prefix=dict(img="@/images"), pipeline={_OF_BOXES},""",
    "coco with masks": f"""dict(_delete_=True, type="CocoDataset",
        ann_file="@/coco.json", data_prefix=dict(img="@/images"),
        pipeline={_OF_MASKS},""",
    "voc": f"""dict(_delete_=True, type="VOCDataset", data_root="@",
        ann_file="list.txt", data_prefix=dict(sub_data_root=""), pipeline={_OF_BOXES},
        filter_cfg=None,""",
    "masks": f"""dict(_delete_=True, type="BaseSegDataset",
        data_prefix=dict(img_path="@/img", seg_map_path="@/ann"),
        pipeline={_OF_MAPS},""",
}
_MASK_HEAD = """
model = dict(type="MaskRCNN", roi_head=dict(
    mask_roi_extractor=dict(
        type="SingleRoIExtractor", out_channels=64, featmap_strides=[8, 16, 32],
        roi_layer=dict(type="RoIAlign", output_size=14, sampling_ratio=2)),
    mask_head=dict(type="FCNMaskHead", num_convs=1, in_channels=64,
        conv_out_channels=16, num_classes=2,
        loss_mask=dict(type="CrossEntropyLoss", use_mask=True, loss_weight=1.0))),
    train_cfg=dict(rcnn=dict(mask_size=28)),
    test_cfg=dict(rcnn=dict(mask_thr_binary=0.5)))
"""


def _train(form, folder, more=""):
    """Returns a training on the data set in a folder: of one step, were it good."""
    base = _SEGMENTOR if form == "masks" else _DETECTOR
    classes = CLASSES
    if form == "masks":
        more += "model = dict(decode_head=dict(num_classes=2), "
        more += "auxiliary_head=dict(num_classes=2))\n"
        # That of the debug config has three classes.
        more += "val_dataloader = val_cfg = val_evaluator = None\n"
    config = folder / "train.py"
    data = _DATA[form].replace("@", str(folder))
    meta = f"metainfo=dict(classes={classes!r}"
    meta += ", palette=[[0, 0, 0], [9, 9, 9]]))" if form == "masks" else "))"
    config.write_text(
        f"_base_ = [{str(base.resolve()) + '.py'!r}]\n{more}\n"
        f"train_dataloader = dict(dataset={data} {meta})\n"
    )
    options = [*quiet(folder, True)[1:], "log_level=WARNING", "train_cfg.max_iters=1"]
    options += ["train_cfg.val_interval=9", "default_hooks.checkpoint.interval=9"]
    argv = [config, "--work-dir", folder / "run", "--cfg-options", *options]
    return verb("train", *argv)


_MAKE = {
    "coco": make_coco,
    "coco with masks": make_coco,
    "voc": make_voc,
    "masks": make_masks,
}


def _changed(form, change, folder, more=""):
    change(_MAKE[form](folder))
    return _train(form, folder, more)


def _inspected(make, folder):
    pool = make_image_folder(folder / "pool", 30, classes=())
    (folder / "target").mkdir()
    target = make(folder / "target")
    return verb(
        "customize",
        *("--pool", pool, "--target", target, "--time", "5m", "--out", folder / "out"),
    )


def _of_coco(change):
    return lambda folder: change_coco(folder, change)


def _of_voc(*pairs, **some):
    return lambda folder: change_voc(folder, *pairs, **some)


def _strewn_ids(content):
    """Ids with gaps, from 0 on: as good as any."""
    for entry in content["categories"]:
        entry["id"] = entry["id"] * 37 - 37
    for entry in content["annotations"]:
        entry["category_id"] = entry["category_id"] * 37 - 37


# What is odd, and said: the training goes on.
_ODD = {
    "one box outside": (
        *("coco", _of_coco(each(some=slice(1), bbox=[100, 100, 5, 5]))),
        "1 of 8 boxes .* lie outside",
    ),
    "one of no image": (
        *("coco", _of_coco(each(some=slice(1), image_id=99))),
        "has the image_id 99. are of no image",
    ),
    "one of no area": (
        *("coco", _of_coco(each(some=slice(1), area=0))),
        "1 of 8 objects .* have an area of 0 or none",
    ),
    "a class of none": (
        *("coco", _of_coco(each(category_id=1))),
        "no object .* is of cup: it cannot be learned",
    ),
    "one all void": (
        *("masks", lambda folder: change_masks(folder, lambda p: 0 * p + 255, [2])),
        "1 of 8 training label maps .* have no pixel that belongs to a class",
    ),
}


def annotation_cases():
    """Yields the cases."""
    for form, faults in (
        ("coco", {k: (_of_coco(c), w) for k, (c, w) in COCO_ERRORS.items()}),
        ("voc", {k: (_of_voc(*p, some=s), w) for k, (p, s, w) in VOC_ERRORS.items()}),
        ("masks", SEGMENTATION_ERRORS),
        ("coco with masks", {k: (_of_coco(c), w) for k, (c, w) in MASK_ERRORS.items()}),
    ):
        more = _MASK_HEAD if form == "coco with masks" else ""
        for name, (change, words) in faults.items():
            make = functools.partial(_changed, form, change, more=more)
            kind = f"annotations of a training: {form}"
            yield Case(kind, name, make, words, heavy=name not in _QUICK)
    for name, (form, change, words) in _ODD.items():
        make = functools.partial(_changed, form, change)
        kind = "annotations that are odd, and said"
        yield Case(kind, name, make, words, goes_on=True, heavy=True)
    for form, name, change in (
        ("coco", "ids with gaps", _of_coco(_strewn_ids)),
        ("coco", "as they should be", _of_coco(lambda content: None)),
        ("voc", "as they should be", lambda folder: None),
        ("masks", "as they should be", lambda folder: None),
    ):
        make = functools.partial(_changed, form, change)
        kind = "annotations that are good"
        yield Case(kind, f"{form}: {name}", make, "", True, heavy=True)
    for name, (make, words) in FAULTS.items():
        make = functools.partial(_inspected, make)
        kind = "annotations of a target of `customize`"
        yield Case(kind, name, make, words, heavy=True)


# One of each form is a test.
_QUICK = ("corners", "difficult", "0 and 255", "another size")
