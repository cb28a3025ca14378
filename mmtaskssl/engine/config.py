"""From a config's name and the command line to a complete config."""

import difflib
import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmtaskssl.transfer.options import (
    TRANSFER_OPTIONS,
    apply_transfer_options,
    move_data,
)
from mmtaskssl.transfer.public_set import use_public_set
from mmtaskssl.transfer.targets import is_classification, use_target
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.weights.guard import guarded

from .variables import OWN_KNN, OWN_SCHEDULE, PLACES, child_values, layer_of

# Keys that the Runner reads from a config besides its own arguments.
_RUNNER_KEYS = frozenset(
    [
        *inspect.signature(Runner.__init__).parameters,
        "activation_checkpointing",
        "compile",
        "efficient_conv_bn_eval",
        "find_unused_parameters",
        "model_wrapper_cfg",
        "resume_rescale",
        "sync_bn",
    ]
)

# Other options that are no keys of the config.
_SHORTHANDS = (
    "max_pixels",
    "images",
    "selection",
    "target",
    "dataset",
    *TRANSFER_OPTIONS,
)


def load_config(name: str, options: dict[str, Any] | None = None) -> Config:
    """Reads a config and merges ``--cfg-options`` into it.

    A few options stand for a place in our self-supervised configs: ``images`` (the
    training images), ``selection`` (only those a selection file names), ``target``
    (a labelled folder with ``train`` and ``test``, measured with kNN in training; of a
    classification config the training and test images themselves), ``dataset`` (a
    public set such as aircraft, for a classification config),
    ``max_iters``, ``max_epochs``, ``batch_size``, ``num_workers`` and ``clusters`` (a
    folder that tools/cluster_data.py wrote). In configs of any task ``backbone`` puts
    an export of tools/export_subnet.py in the place of the backbone (with
    ``weights=random``: its architecture alone), and ``data_root`` moves the data.

    All of them may as well be variables at the top of a config with ``_base_``. The
    command line goes before the config, and the config before its bases (see
    `child_values`).

    Args:
        name: A path, a path below our own ``configs``, or ``PACKAGE::PATH`` for a
            config that an installed OpenMMLab package brings, for example
            ``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``.
        options: Dotted keys and their values.

    Raises:
        UserError: No such config, one that cannot be evaluated, or an option whose
            first key neither the config nor the Runner knows.
    """
    cfg, values = _read(name)
    options = dict(options or {})
    _check_keys(cfg, options)
    asked = values | options
    if asked.get("dataset"):  # first: other options may change parts of it
        use_public_set(cfg, asked["dataset"])
    _fill_places(cfg, values)
    if "data_root" in values:
        move_data(cfg, values["data_root"])
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, AssertionError) as error:
        raise UserError(f"--cfg-options do not fit {name}: {_text(error)}") from error
    _fill_places(cfg, options)
    keep_knn = OWN_KNN in values and "target" not in options
    named = any(key.startswith(f"{OWN_KNN}.train") for key in options)
    _change_data(cfg, asked, keep_knn or named)
    hook = cfg.get("default_hooks", {}).get("queue")
    if "model.queue_len" in options and hook:  # asked for by name: not to be changed
        hook.setdefault("keep", True)
    loaded = cfg.get("load_from")
    if isinstance(cfg.get("backbone"), str) and loaded and "load_from" not in options:
        raise UserError(
            f"{name} loads {loaded} over the weights of backbone=...: "
            "add load_from=None to --cfg-options"
        )
    apply_transfer_options(cfg, options.get("data_root"))
    return cfg


def default_work_dir(cfg: Config, name: str) -> str:
    """Returns OpenMMLab's ``work_dirs/<config's name>``, or the config's own.

    With the option ``dataset`` the set's name follows.
    """
    parts = [Path(name).stem]
    if isinstance(cfg.get("dataset"), str):
        parts.append(Path(cfg.dataset).stem)
    return cfg.get("work_dir") or str(Path("work_dirs", "_".join(parts)))


def _locate(name: str) -> tuple[Path, bool]:
    """Returns a config's file, and whether its variables are read as ours."""
    package, _, inner = name.rpartition("::")
    if package in ("", "mmtaskssl"):
        return Path(resolve_config(inner)), True
    return _installed(package, inner), False


def _read(name: str) -> tuple[Config, dict[str, Any]]:
    """Returns a config, and the values that its variables ask for."""
    try:
        path, ours = _locate(name)
        with guarded():  # YAML is read as data, unlike a config in Python
            return Config.fromfile(path), child_values(path) if ours else {}
    except UserError:
        raise
    except Exception as error:  # A config is a program: anything may go wrong in it.
        raise UserError(f"config {name} cannot be read: {_text(error)}") from error


def _installed(package: str, inner: str) -> Path:
    try:
        from mmengine.utils import get_installed_path

        root = Path(get_installed_path(package))
    except Exception as error:
        raise UserError(f"package {package} is not installed") from error
    for configs in (root / ".mim" / "configs", root / "configs"):
        if (configs / inner).is_file():
            return configs / inner
    raise UserError(f"package {package} has no config {inner}")


def _check_keys(cfg: Config, options: dict[str, Any]) -> None:
    for key in options:
        first = key.split(".")[0]
        known = [*cfg, *_RUNNER_KEYS, *PLACES, *_SHORTHANDS]
        if first in known:
            continue
        close = difflib.get_close_matches(first, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UserError(f"--cfg-options: the config has no key {first!r}{hint}")


def _fill_places(cfg: Config, values: dict[str, Any]) -> None:
    """Puts the values of variables where they belong."""
    for variable, place in PLACES.items():
        if variable not in values:
            continue
        if variable == "clusters" and (layer := layer_of(cfg, "clusters")) is not None:
            layer["clusters"] = values["clusters"]  # maybe below a selection
        else:
            cfg.merge_from_dict({place: values[variable]})
    if "max_iters" in values:
        if OWN_SCHEDULE not in values:
            _shorten_warmup(cfg.get("param_scheduler"), values["max_iters"])
        if cfg.train_cfg.get("val_interval"):  # or nothing would be measured at all
            interval = min(cfg.train_cfg.val_interval, values["max_iters"])
            cfg.train_cfg.val_interval = interval
    if "images" in values:
        dataset = (cfg.get("train_dataloader") or {}).get("dataset", {})
        _innermost(dataset)["source"] = values["images"]


def _change_data(cfg: Config, values: dict[str, Any], keep_knn: bool) -> None:
    """Does what `selection` and `target` ask for, once the data set is complete.

    Args:
        cfg: Changed in place.
        values: Of variables.
        keep_knn: Whether kNN's images are named in their place, too, which holds.
    """
    loader = cfg.get("train_dataloader") or {}
    if loader.get("num_workers") == 0:
        loader["persistent_workers"] = False
    if values.get("selection"):
        dataset = loader["dataset"]
        if str(dataset.get("type")).rpartition(".")[2] == "SelectedImages":
            dataset["selection"] = values["selection"]
        else:
            loader["dataset"] = {
                "type": "mmtaskssl.SelectedImages",
                "dataset": dataset,
                "selection": values["selection"],
            }
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


def _innermost(dataset: dict) -> dict:
    """Returns the data set below all wrappers, if it reads a source of images."""
    while "dataset" in dataset:
        dataset = dataset["dataset"]
    if "source" not in dataset:
        raise UserError(
            "--cfg-options images=... needs a data set of image files, but this config "
            f"trains on {dataset.get('type')}"
        )
    return dataset


def _watch(cfg: Config, target: str, keep: bool) -> None:
    """Measures kNN on ``target/train`` and ``target/test`` ten times in training.

    A printed config has a hook for its own target: its other settings stay.
    """
    by_epoch = "max_epochs" in cfg.train_cfg
    length = cfg.train_cfg.max_epochs if by_epoch else cfg.train_cfg.max_iters
    train, test = (
        {"type": "mmtaskssl.LabeledImages", "source": str(Path(target) / part)}
        for part in ("train", "test")
    )
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


def _text(error: BaseException) -> str:
    """One line: a KeyError's text is its message's repr, others may have several."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()) or type(error).__name__
