"""What a config says of pixels is what a network gets, whoever wrote it."""

import dataclasses

import pytest
from mmengine.config import Config

from mmtaskssl.datasets.eval_transform import IMAGENET_MEAN, IMAGENET_STD
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.features.store import check_same_extractor
from mmtaskssl.networks import preprocessing as module
from mmtaskssl.networks.preprocessing import preprocessing_of, said_preprocessing
from mmtaskssl.utils.errors import UserError

MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
OWN = {"type": "MyNormalization", "mean": list(MEAN), "std": list(STD)}
PIXELS = {"mean": list(MEAN), "std": list(STD)}
NORMALIZE = {"type": "Normalize", **PIXELS}


def of(preprocessor=None, scope=None, **parts):
    model = {"backbone": {}}
    if preprocessor is not None:
        model["data_preprocessor"] = preprocessor
    return Config({"model": model, "default_scope": scope, **parts})


def pipeline(**step):
    steps = [{"type": "LoadImageFromFile"}, {**NORMALIZE, **step}]
    return {"dataset": {"type": "RepeatDataset", "dataset": {"pipeline": steps}}}


@pytest.mark.parametrize(
    ("cfg", "order"),
    [
        (of({**OWN, "bgr_to_rgb": False}), "bgr"),
        (of({**OWN, "bgr_to_rgb": True}), "rgb"),
        (of({**OWN, "rgb_to_bgr": True}), "rgb"),  # swaps BGR, too
        (of(OWN, "mmdet"), "bgr"),
        (of(OWN), "rgb"),  # of somebody who trains on our images
        (of({**PIXELS, "to_rgb": False}), "bgr"),  # mmcls, whose type is the default
        (of(PIXELS, "mmcls"), "bgr"),
        (of(None, "mmcls", data_preprocessor={**PIXELS, "to_rgb": True}), "rgb"),
        (of({"type": "mmselfsup.TwoNormDataPreprocessor", **PIXELS}), "bgr"),
        (of({"type": "mmtaskssl.TwoViewPreprocessor", **PIXELS}, "mmselfsup"), "rgb"),
        (of({"type": "Other", "pixel_mean": MEAN, "pixel_std": STD}), "rgb"),
        (of(None, "mmcls", test_dataloader=pipeline()), "rgb"),
        (of(None, val_dataloader=pipeline(to_rgb=False)), "bgr"),
        (of({"type": "DetDataPreprocessor"}, test_dataloader=pipeline()), "rgb"),
    ],
)
def test_channel_order_and_statistics(cfg, order):
    found = preprocessing_of(cfg)
    assert (found.mean, found.std, found.channel_order) == (MEAN, STD, order)


def test_a_step_before_a_swap_has_the_order_of_its_images():
    pixels = {"type": "DetDataPreprocessor", "bgr_to_rgb": True}
    found = preprocessing_of(of(pixels, test_dataloader=pipeline(to_rgb=False)))
    assert (found.mean, found.channel_order) == (MEAN[::-1], "rgb")


def test_what_lies_deeper():
    detector = {"backbone": {}, "data_preprocessor": {**OWN, "bgr_to_rgb": False}}
    cfg = Config({"model": {"type": "SoftTeacher", "detector": detector}})
    assert preprocessing_of(cfg).channel_order == "bgr"


@pytest.mark.parametrize(
    ("cfg", "mean", "std"),
    [
        (of(), IMAGENET_MEAN, IMAGENET_STD),
        (of({"type": "DetDataPreprocessor"}), (0.0,) * 3, (1.0,) * 3),
        (
            of({"type": "SegDataPreProcessor", "mean": [0.0] * 3, "std": [1.0] * 3}),
            (0.0,) * 3,  # not a scale from 0 to 1
            (1.0,) * 3,
        ),
        (of({**OWN, "mean": [127.5], "std": [127.5]}), (127.5,) * 3, (127.5,) * 3),
        (of({**OWN, "mean": [0.5] * 3, "std": [0.5] * 3}), (127.5,) * 3, (127.5,) * 3),
    ],
)
def test_statistics_that_are_absent_or_of_another_scale(cfg, mean, std):
    found = preprocessing_of(cfg)
    assert (found.mean, found.std) == (mean, std)


def test_it_is_said_in_one_line_of_a_foreign_config(monkeypatch):
    said = []
    monkeypatch.setattr(module, "print_log", lambda text, logger: said.append(text))
    said_preprocessing(of({**OWN, "bgr_to_rgb": False}), "my.py")
    (line,) = said
    assert line == (
        "pixels, as my.py says: BGR less 103.53 116.28 123.675 by 57.375 57.12 58.395, "
        "the middle 224 of 256 px"
    )
    said_preprocessing(of({"type": "TwoViewPreprocessor"}), "ours.py")
    assert len(said) == 1


def test_stores_of_other_pixels_are_not_mixed():
    rgb = preprocessing_of(of({**OWN, "bgr_to_rgb": True}))
    bgr = preprocessing_of(of({**OWN, "bgr_to_rgb": False}))
    other = dataclasses.replace(rgb, mean=(1.0, 2.0, 3.0))
    stores = [
        MemoryStore([[1.0, 2.0]], ["a"], transform=pixels.describe(), name=name)
        for pixels, name in ((rgb, "rgb"), (bgr, "bgr"), (other, "other"))
    ]
    check_same_extractor(stores[0], stores[0])
    orders = "channel_order: None and bgr"
    for second, said in ((stores[1], orders), (stores[2], "mean")):
        with pytest.raises(UserError, match=rf"another transform \({said}"):
            check_same_extractor(stores[0], second)
