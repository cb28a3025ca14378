"""From a config's name and the command line to a complete config."""

import copy
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..utils.errors import UserError, meant, option
from ..utils.families import (
    ConfigUnknown,
    ConfigUnreadable,
    OptionConflict,
    PackageMissing,
)
from ..utils.paths import resolve_config
from ..weights.guard import guarded
from . import metafiles
from .custom_imports import import_named
from .host_objectives import strip_scopes
from .public_set import use_public_set
from .spread import change_data, fill_places
from .transfer_options import TRANSFER_OPTIONS, apply_transfer_options, move_data
from .values import check_places, check_values
from .variables import OWN_KNN, PLACES, child_values

# Keys that mmengine's and our Runner read from a config, whether it has them or not.
RUNNER_KEYS = frozenset(
    [
        "activation_checkpointing",
        "auto_scale_lr",
        "cfg",
        "compile",
        "custom_hooks",
        "data_preprocessor",
        "default_hooks",
        "default_scope",
        "efficient_conv_bn_eval",
        "env_cfg",
        "experiment_name",
        "find_unused_parameters",
        "launcher",
        "load_from",
        "log_level",
        "log_processor",
        "model",
        "model_wrapper_cfg",
        "optim_wrapper",
        "param_scheduler",
        "randomness",
        "resume",
        "resume_rescale",
        "sync_bn",
        "test_cfg",
        "test_dataloader",
        "test_evaluator",
        "train_cfg",
        "train_dataloader",
        "val_cfg",
        "val_dataloader",
        "val_evaluator",
        "visualizer",
        "work_dir",
    ]
)

# From where on a name is another one misspelt: "norm_cfg" is no "conv_cfg".
_ALIKE = 0.85

# Part of a model that an algorithm may get, whose settings all have defaults.
_NEW = "model.distill"

# Other options that are no keys of the config.
_SHORTHANDS = (
    "max_pixels",
    "held_out",
    "images",
    "selection",
    "edited_selection",
    "target",
    "target_share",
    "teacher",
    "dataset",
    *TRANSFER_OPTIONS,
)


def load_config(
    name: str | os.PathLike | Config, options: Mapping[str, Any] | None = None
) -> Config:
    """Reads a config and merges ``--cfg-options`` into it.

    A few options stand for a place in our self-supervised configs: ``images`` (the
    training images), ``selection`` (only those a selection file names; one of
    `select` that was changed with ``edited_selection=True`` alone), ``target``
    (a labelled folder with ``train`` and ``test``, or several, measured with kNN in
    training; of a classification config the training and test images themselves),
    ``held_out`` (a number of images that do not train: measured without labels
    instead), ``teacher`` (of a config with ``model.distill``, see `use_teacher`),
    ``dataset`` (a public set such as aircraft, for a classification config),
    ``max_iters``, ``max_epochs``, ``batch_size``, ``num_workers`` and ``clusters`` (a
    folder that tools/cluster_data.py wrote). In configs of any task ``backbone`` puts
    an export of tools/export_subnet.py in the place of the backbone (with
    ``weights=random``: its architecture alone), and ``data_root`` moves the data.
    ``weights`` is what the config's own backbone starts from: a checkpoint of any
    layout, ``torchvision:NAME``, ``timm:NAME`` or ``timm:NAME=FILE``, or ``random``;
    ``allow`` are patterns of keys that may differ, and ``weights_order=importance``
    says which channels of a larger ResNet an elastic one takes (see `embed`).

    All of them may as well be variables at the top of a config with ``_base_``. The
    command line goes before the config, and the config before its bases (see
    `child_values`).

    Args:
        name: A path, a path below our own ``configs``, or ``PACKAGE::PATH`` for a
            config that an installed OpenMMLab package brings, for example
            ``mmdet::retinanet/retinanet_r50_fpn_1x_coco.py``. Or a complete config,
            which is left as it is.
        options: Dotted keys and their values.

    Raises:
        UserError: No such config, one that cannot be evaluated, or an option whose
            first key neither the config nor the Runner knows.
    """
    if not isinstance(name, Config):
        name = os.fspath(name)
    cfg, values = _read(name)
    if isinstance(name, Config):
        name = name.filename or "the config"
    options = copy.deepcopy(dict(options or {}))  # merging takes values apart
    _check_keys(cfg, options)
    asked = values | options
    check_values(asked)
    if asked.get("dataset"):  # first: other options may change parts of it
        use_public_set(cfg, asked["dataset"])
    fill_places(cfg, values)
    if "data_root" in values:
        move_data(cfg, values["data_root"])
    _check_parts(cfg, options)
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, AssertionError, AttributeError) as error:
        raise ConfigUnknown(f"options do not fit {name}: {_text(error)}") from error
    fill_places(cfg, options)
    keep_knn = OWN_KNN in values and "target" not in options
    named = any(key.startswith(f"{OWN_KNN}.train") for key in options)
    change_data(cfg, asked, keep_knn or named)
    hook = cfg.get("default_hooks", {}).get("queue")
    if "model.queue_len" in options and hook:  # asked for by name: not to be changed
        hook.setdefault("keep", True)
    loaded = cfg.get("load_from")
    if isinstance(cfg.get("backbone"), str) and loaded and "load_from" not in options:
        raise OptionConflict(
            f"{name} loads {loaded} over the weights of backbone=...: "
            f"add load_from=None to {option('cfg_options')}"
        )
    apply_transfer_options(cfg, options.get("data_root"))
    strip_scopes(cfg)
    check_places(cfg)
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


def _read(name: str | Config) -> tuple[Config, dict[str, Any]]:
    """Returns a config, and the values that its variables ask for."""
    if isinstance(name, Config):
        return copy.deepcopy(name), {}
    try:
        path, ours = _locate(name)
        # YAML is read as data, unlike a config in Python.
        with guarded(), metafiles.read_once():
            cfg = Config.fromfile(path, import_custom_modules=False)
            import_named(cfg.get("custom_imports") or {}, Path(path))
            return cfg, child_values(path) if ours else {}
    except UserError:
        raise
    except Exception as error:  # A config is a program: anything may go wrong in it.
        raise ConfigUnreadable(
            f"config {name} cannot be read: {_text(error)}"
        ) from error


def _installed(package: str, inner: str) -> Path:
    try:
        from mmengine.utils import get_installed_path

        root = Path(get_installed_path(package))
    except Exception as error:
        raise PackageMissing(f"package {package} is not installed") from error
    for configs in (root / ".mim" / "configs", root / "configs"):
        if (configs / inner).is_file():
            return configs / inner
    raise ConfigUnknown(f"package {package} has no config {inner}")


def _check_keys(cfg: Config, options: dict[str, Any]) -> None:
    for key in options:
        first = key.split(".")[0]
        known = [*cfg, *RUNNER_KEYS, *PLACES, *_SHORTHANDS]
        if first in known:
            continue
        hint = meant(first, known)
        raise ConfigUnknown(f"the config has no key {first!r}{hint}")


def _check_parts(cfg: Config, options: Mapping[str, Any]) -> None:
    """Refuses options of a part of the model that is not there.

    One that says its ``type`` is a new part; a new dict of settings ends in "_cfg".
    """
    for key in options:
        part: Any = cfg
        place = ""
        for name in key.split(".")[:-1] if key.startswith("model.") else ():
            inner = f"{place}.{name}" if place else name
            if inner in options or f"{inner}.type" in options:
                break
            if inner == _NEW and name not in part:
                break
            if not isinstance(part, Mapping | Config):
                break  # a list, or what merging itself refuses
            if name not in part:
                close = difflib.get_close_matches(name, map(str, part), 1, _ALIKE)
                if close or not name.endswith("_cfg"):
                    hint = f"; did you mean {close[0]!r}?" if close else ""
                    raise ConfigUnknown(
                        f"{place} of the config has no {name!r}, which {key} is to "
                        f"change{hint}"
                    )
                break
            part, place = part[name], inner


def _text(error: BaseException) -> str:
    """One line: a KeyError's text is its message's repr, others may have several."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split()) or type(error).__name__
