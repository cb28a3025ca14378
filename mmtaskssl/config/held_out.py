"""The option ``held_out``: images that measure a training instead of training."""

import copy
from typing import Any

from mmengine.config import Config

from ..utils.errors import option
from ..utils.families import BadValue, ConfigUnsuited
from .wrappers import HOLD_OUT, is_hold_out, is_with_target


def hold_out(cfg: Config, count: Any = None) -> None:
    """Takes images out of a pre-training, and measures on them without labels.

    The training's data set is put into a `HoldOutImages`, and `RepresentationHook` and
    `CurvesHook` are added.

    Args:
        cfg: Changed in place, once the data set is complete.
        count: Images to hold out, chosen by the config's seed; 0: none. None: as many
            as the config has held out itself (one that was printed).

    Raises:
        UserError: No number, or a config without images to train on.
    """
    loader = cfg.get("train_dataloader") or {}
    while is_with_target(loader.get("dataset") or {}):  # whose images all train
        loader = loader["dataset"]
    dataset = loader.get("dataset") or {}
    if is_hold_out(dataset):
        count = dataset["count"] if count is None else count
        dataset = dataset["dataset"]
    if count is None:
        return
    if type(count) is not int or count < 0:
        raise BadValue(f"{option('held_out')} is a number of images, not {count!r}")
    if not dataset:
        raise ConfigUnsuited(
            f"{option('held_out')} needs a config with training images"
        )
    if "default_hooks" not in cfg:  # `setdefault` would return another dict
        cfg.default_hooks = {}
    hooks = cfg.default_hooks
    if not count:
        loader["dataset"] = dataset
        for name in ("representation", "curves"):
            hooks.pop(name, None)
        return
    part = {
        "type": f"mmtaskssl.{HOLD_OUT}",
        "count": count,
        "seed": (cfg.get("randomness") or {}).get("seed") or 0,
    }
    loader["dataset"] = {**part, "dataset": dataset}
    by_epoch, length = length_of(cfg)
    hook = {
        "type": "mmtaskssl.RepresentationHook",
        "interval": max(1, length // 10),
        "by_epoch": by_epoch,
        "subnets": "auto",
    }
    known = hooks.get("representation") or {}
    measured = {**part, "held": True, "dataset": _plain(dataset)}
    hooks["representation"] = {**hook, **known, "dataset": measured}
    # Options may have set a part of it, which is there no sooner.
    hooks["curves"] = {"type": "mmtaskssl.CurvesHook", **(hooks.get("curves") or {})}


def _plain(dataset: dict[str, Any]) -> dict[str, Any]:
    """Returns a data set's config that reads images, and makes no views of them."""
    dataset = copy.deepcopy(dataset)
    inner = dataset
    while "dataset" in inner:
        inner = inner["dataset"]
    if inner.get("pipeline") and "source" in inner:  # of a host's algorithm
        source = inner["source"]
        inner.clear()
        inner.update(type="mmtaskssl.UnlabeledImages", source=source)
    return dataset


def length_of(cfg: Config) -> tuple[bool, int]:
    """Returns whether a training counts epochs, and how long it is."""
    by_epoch = "max_epochs" in cfg.train_cfg
    return by_epoch, cfg.train_cfg["max_epochs" if by_epoch else "max_iters"]
