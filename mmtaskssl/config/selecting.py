"""The parts of a training's images in its config: pool, selection, held-out images."""

import copy
from typing import Any

from mmengine.config import Config

from .held_out import hold_out
from .wrappers import is_around, is_hold_out, is_selected, place_of_selection


def selection_of(cfg: Config) -> str | None:
    """Returns the file that names the images to train on; None: all train.

    Args:
        cfg: Complete.
    """
    dataset = place_of_selection(cfg.train_dataloader)["dataset"]
    return dataset["selection"] if is_selected(dataset) else None


def is_edited(cfg: Config) -> bool:
    """Whether a selection is taken as it is, though it was changed.

    Args:
        cfg: Complete.
    """
    dataset = place_of_selection(cfg.train_dataloader)["dataset"]
    return is_selected(dataset) and bool(dataset.get("edited"))


def held_out_of(cfg: Config) -> int:
    """Returns how many of the images do not train.

    Args:
        cfg: Complete.
    """
    dataset = cfg.train_dataloader.dataset
    while is_around(dataset):
        if is_hold_out(dataset):
            return dataset["count"]
        dataset = dataset["dataset"]
    return 0


def without_selection(cfg: Config) -> Config:
    """Returns a config that trains on all images of its pool; a target's own stay.

    Args:
        cfg: Complete; left as it is.
    """
    cfg = copy.deepcopy(cfg)
    outer = place_of_selection(cfg.train_dataloader)
    if is_selected(outer["dataset"]):
        outer["dataset"] = outer["dataset"]["dataset"]
    hold_out(cfg)
    return cfg


def pool_of(cfg: Config) -> dict[str, Any]:
    """Returns the config of the data set of all images.

    Args:
        cfg: Complete.
    """
    dataset = copy.deepcopy(cfg.train_dataloader.dataset)
    while is_around(dataset) or is_selected(dataset):
        dataset = dataset["dataset"]
    return dataset
