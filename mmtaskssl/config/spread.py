"""Puts what a config's variables ask for where it belongs."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..utils.families import BadValue, ConfigUnsuited, OptionMissing
from .held_out import hold_out, length_of
from .host_objectives import brings_pipeline, follow_batch_size, innermost, read_source
from .targets import is_classification, named_targets, use_target
from .teacher import use_teacher
from .variables import OWN_SCHEDULE, PLACES, layer_of
from .wrappers import is_selected, is_with_target, place_of_selection, with_target


def fill_places(cfg: Config, values: dict[str, Any]) -> None:
    """Puts the values of variables where they belong.

    Args:
        cfg: Changed in place.
        values: Of variables, see `PLACES`.

    Raises:
        UserError: ``images`` for a training that reads no image files.
    """
    for variable in ("max_iters", "max_epochs", "batch_size"):
        value = values.get(variable, 1)
        if type(value) is not int or value < 1:
            raise BadValue(f"{variable} must be a number from 1 on, not {value!r}")
    for variable, place in PLACES.items():
        if variable not in values:
            continue
        if variable == "clusters" and (layer := layer_of(cfg, "clusters")) is not None:
            layer["clusters"] = values["clusters"]  # maybe below a selection
        elif variable == "clusters" and not _has_clusters(cfg):
            raise ConfigUnsuited(
                "clusters=... needs a config that trains on ClusteredImages, as those "
                "of configs/sdr do: no other looks at clusters"
            )
        else:
            cfg.merge_from_dict({place: values[variable]})
    if "max_iters" in values:
        if OWN_SCHEDULE not in values:
            _shorten_warmup(cfg.get("param_scheduler"), values["max_iters"])
        if cfg.train_cfg.get("val_interval"):  # or nothing would be measured at all
            interval = min(cfg.train_cfg.val_interval, values["max_iters"])
            cfg.train_cfg.val_interval = interval
        logger = (cfg.get("default_hooks") or {}).get("logger") or {}
        if logger.get("interval", 0) > values["max_iters"]:  # or no loss would be said
            logger["interval"] = values["max_iters"]
    if "images" in values:
        dataset = (cfg.get("train_dataloader") or {}).get("dataset", {})
        _read(innermost(dataset), values["images"])
    if "batch_size" in values:
        follow_batch_size(cfg, values["batch_size"])


def _has_clusters(cfg: Config) -> bool:
    dataset = (cfg.get("train_dataloader") or {}).get("dataset")
    while isinstance(dataset, dict):
        if str(dataset.get("type")).endswith("ClusteredImages"):
            return True
        dataset = dataset.get("dataset")
    return False


def change_data(cfg: Config, values: dict[str, Any], keep_knn: bool) -> None:
    """Does what variables ask for once all else is there.

    These are ``selection``, ``edited_selection``, ``teacher``, ``held_out``,
    ``target_share`` and ``target``.

    Args:
        cfg: Changed in place.
        values: Of variables.
        keep_knn: Whether kNN's images are named in their place, too, which holds.
    """
    loader = cfg.get("train_dataloader") or {}
    if loader.get("num_workers") == 0:
        loader["persistent_workers"] = False
    if values.get("selection"):
        outer = place_of_selection(loader)
        dataset = outer["dataset"]
        if brings_pipeline(dataset) and "source" not in dataset:
            raise OptionMissing(
                "selection=... needs images=... beside it in a config of mmselfsup's"
            )
        if is_selected(dataset):
            dataset["selection"] = values["selection"]
        else:
            outer["dataset"] = {
                "type": "mmtaskssl.SelectedImages",
                "dataset": dataset,
                "selection": values["selection"],
            }
    if values.get("edited_selection"):
        dataset = place_of_selection(loader)["dataset"] if loader else {}
        if not is_selected(dataset):
            raise OptionMissing(
                "edited_selection says of a selection that it was changed: it needs "
                "selection=... beside it"
            )
        dataset["edited"] = True
    if values.get("teacher"):
        use_teacher(cfg, values["teacher"])
    hold_out(cfg, values.get("held_out"))
    if values.get("target_share"):
        loader["dataset"] = _with_target(loader["dataset"], values)
    if values.get("target") and is_classification(cfg):
        use_target(cfg, values["target"])
    elif values.get("target"):
        _watch(cfg, values["target"], keep_knn)


def _shorten_warmup(schedulers: list[dict] | None, max_iters: int) -> None:
    """Gives a warm-up by iterations at most a tenth of a shortened training.

    Otherwise a training shorter than its warm-up could not be built at all.
    """
    schedulers = [s for s in schedulers or () if not s.get("by_epoch", True)]
    warmup = next((s for s in schedulers if s["type"] == "LinearLR"), None)
    if warmup is None or not warmup.get("end"):
        return
    before, warmup.end = warmup.end, min(warmup.end, max(1, max_iters // 10))
    for scheduler in schedulers:
        if scheduler.get("begin") == before:
            scheduler.begin = min(warmup.end, max_iters - 1)  # before its end


def _read(dataset: dict, source: str) -> None:
    """Lets a data set read a source of images, if it can.

    Raises:
        UserError: It reads something else.
    """
    if "source" in dataset:
        dataset["source"] = source
    elif brings_pipeline(dataset):
        read_source(dataset, source)
    else:
        raise ConfigUnsuited(
            "images=... needs a data set of image files, but this config "
            f"trains on {dataset.get('type')}"
        )


def _with_target(dataset: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Returns a data set of its images and the target's; see `WithTarget`."""
    share, target = values["target_share"], values.get("target")
    if not isinstance(target, str):
        raise OptionMissing(
            f"target_share={share} needs one target, whose images are to be trained on"
        )
    if is_with_target(dataset):
        dataset = dataset["dataset"]
    return with_target(dataset, target, share)


def _watch(cfg: Config, target: Any, keep: bool) -> None:
    """Measures kNN on ``target/train`` and ``target/test`` ten times in training.

    Of several targets each. A printed config has a hook for its own target: its other
    settings stay.
    """
    by_epoch, length = length_of(cfg)
    folders = named_targets(target)
    train, test = (
        {
            name: {"type": "mmtaskssl.LabeledImages", "source": str(Path(folder, part))}
            for name, folder in folders.items()
        }
        for part in ("train", "test")
    )
    if isinstance(target, str):
        (train,), (test,) = train.values(), test.values()
    hook = {
        "type": "mmtaskssl.KNNHook",
        "train": train,
        "test": test,
        "interval": max(1, length // 10),
        "by_epoch": by_epoch,
        "subnets": "auto",
    }
    images = {} if keep else {"train": train, "test": test}
    known = cfg.default_hooks.get("knn") or {}
    cfg.default_hooks["knn"] = {**hook, **known, **images}
