"""From a config's name and the command line to a complete config."""

import difflib
import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmtaskssl.transfer.options import TRANSFER_OPTIONS, apply_transfer_options
from mmtaskssl.transfer.public_set import use_public_set
from mmtaskssl.transfer.targets import is_classification, use_target
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.weights.guard import guarded

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

# Top-level variables of our configs and where their values belong. A classic
# config is evaluated before --cfg-options are merged, so an override of the variable
# alone would reach nothing.
_VARIABLES = {
    "max_iters": "train_cfg.max_iters",
    "max_epochs": "train_cfg.max_epochs",
    "batch_size": "train_dataloader.batch_size",
    "num_workers": "train_dataloader.num_workers",
    "clusters": "train_dataloader.dataset.clusters",
}

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

    Args:
        name: A path, a path below our own ``configs``, or ``PACKAGE::PATH`` for a
            config that an installed OpenMMLab package brings, for example
            ``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``.
        options: Dotted keys and their values.

    Raises:
        UserError: No such config, one that cannot be evaluated, or an option whose
            first key neither the config nor the Runner knows.
    """
    cfg = _read(name)
    options = dict(options or {})
    _check_keys(cfg, options)
    if options.get("dataset"):  # first: other options may change parts of it
        use_public_set(cfg, options["dataset"])
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, AssertionError) as error:
        raise UserError(f"--cfg-options do not fit {name}: {_text(error)}") from error
    _spread_variables(cfg, options)
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


def _read(name: str) -> Config:
    package, _, inner = name.rpartition("::")
    try:
        with guarded():  # YAML is read as data, unlike a config in Python
            if package in ("", "mmtaskssl"):
                return Config.fromfile(resolve_config(inner))
            return Config.fromfile(_installed(package, inner))
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
        known = [*cfg, *_RUNNER_KEYS, *_VARIABLES, *_SHORTHANDS]
        if first in known:
            continue
        close = difflib.get_close_matches(first, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UserError(f"--cfg-options: the config has no key {first!r}{hint}")


def _spread_variables(cfg: Config, options: dict[str, Any]) -> None:
    for variable, place in _VARIABLES.items():
        if variable in options:
            cfg.merge_from_dict({place: options[variable]})
    if "max_iters" in options:
        _shorten_warmup(cfg.get("param_scheduler"), options["max_iters"])
        if cfg.train_cfg.get("val_interval"):  # or nothing would be measured at all
            interval = min(cfg.train_cfg.val_interval, options["max_iters"])
            cfg.train_cfg.val_interval = interval
    loader = cfg.get("train_dataloader") or {}
    if loader.get("num_workers") == 0:
        loader["persistent_workers"] = False
    if "images" in options:
        _innermost(loader.get("dataset", {}))["source"] = options["images"]
    if options.get("selection"):
        loader["dataset"] = {
            "type": "mmtaskssl.SelectedImages",
            "dataset": loader["dataset"],
            "selection": options["selection"],
        }
    if options.get("target") and is_classification(cfg):
        use_target(cfg, options["target"])
    elif options.get("target"):
        _watch(cfg, options["target"])


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


def _watch(cfg: Config, target: str) -> None:
    """Measures kNN on ``target/train`` and ``target/test`` ten times in training."""
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
    cfg.default_hooks["knn"] = {**hook, **cfg.default_hooks.get("knn", {})}


def _text(error: BaseException) -> str:
    """One line: a KeyError's text is its message's repr, others may have several."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()) or type(error).__name__
