"""Keys of a config that nothing would read.

mmengine builds hooks, loops, schedules and optimizers from dicts, and looks some of
their keys up by name: one that is misspelt there is silence, and the training another
than was asked for. Where it is an error, it comes late and as a traceback.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, TestLoop, ValLoop

from mmtaskssl.registry import (
    HOOKS,
    LOOPS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    PARAM_SCHEDULERS,
)
from mmtaskssl.utils.errors import meant
from mmtaskssl.utils.families import ConfigUnknown

# What mmengine reads by name, and no signature shows.
_AUTO_SCALE_LR = ("base_batch_size", "enable")
_PARAMWISE = (
    "bias_decay_mult",
    "bias_lr_mult",
    "bypass_duplicate",
    "custom_keys",
    "dcn_offset_lr_mult",
    "dwconv_decay_mult",
    "flat_decay_mult",
    "norm_decay_mult",
)
_CUSTOM = ("decay_mult", "lr_mult")
# Of a group of an optimizer, read by `FixedLrHook` and LARS.
_GROUP = ("fix_lr", "lars_exclude")
_CLIP = {
    "norm": torch.nn.utils.clip_grad_norm_,
    "value": torch.nn.utils.clip_grad_value_,
}


def check_keys(cfg: Config) -> None:
    """Refuses keys that are not known where mmengine would say nothing, or say it late.

    Looks at ``auto_scale_lr``, hooks, loops, the optimizer wrapper with its optimizer
    and ``paramwise_cfg``, and schedules. A class that takes any argument takes any key;
    one that is not registered is left to mmengine's own error.

    Args:
        cfg: Of any OpenMMLab package.

    Raises:
        UserError: Names place and key, and the key that was probably meant.
    """
    scope = cfg.get("default_scope") or "mmtaskssl"
    with DefaultScope.overwrite_default_scope(scope):
        for place, part, known in _parts(cfg):
            if known is None or not isinstance(part, Mapping):
                continue
            for key in part:
                if key not in known:
                    hint = meant(str(key), map(str, known))
                    raise ConfigUnknown(f"{place} of the config has no {key!r}{hint}")


def _parts(cfg: Config) -> Iterator[tuple[str, Any, Collection[str] | None]]:
    """Yields name, part of the config, and its keys or None if they may be any."""
    yield "auto_scale_lr", cfg.get("auto_scale_lr"), _AUTO_SCALE_LR
    hooks = {
        f"default_hooks.{k}": v for k, v in (cfg.get("default_hooks") or {}).items()
    }
    for i, hook in enumerate(cfg.get("custom_hooks") or ()):
        if isinstance(hook, str):
            raise ConfigUnknown(
                f"custom_hooks.{i} of the config is the text {hook!r} and no hook: "
                "a list of dict(type=...) is wanted"
            )
        hooks[f"custom_hooks.{i}"] = hook
    for place, hook in hooks.items():
        yield place, hook, _known(HOOKS, hook, ("priority",))
    for name, default in (("val_cfg", ValLoop), ("test_cfg", TestLoop)):
        yield name, cfg.get(name), _known(LOOPS, cfg.get(name), (), default)
    loop = cfg.get("train_cfg")
    if isinstance(loop, Mapping):
        by_epoch = loop.get("by_epoch", "max_epochs" in loop)
        default = EpochBasedTrainLoop if by_epoch else IterBasedTrainLoop
        yield "train_cfg", loop, _known(LOOPS, loop, ("by_epoch",), default)
    yield from _optimizers("optim_wrapper", cfg.get("optim_wrapper"))
    yield from _schedules("param_scheduler", cfg.get("param_scheduler"))


def _schedules(place: str, part: Any) -> Iterator[tuple[str, Any, Any]]:
    more = ("convert_to_iter_based",)
    if isinstance(part, Mapping) and "type" not in part:  # of several optimizers
        for name, inner in part.items():
            yield from _schedules(f"{place}.{name}", inner)
    elif isinstance(part, Mapping):
        yield place, part, _known(PARAM_SCHEDULERS, part, more)
    elif isinstance(part, list | tuple):
        for i, schedule in enumerate(part):
            name = f"{place}.{i}"
            yield name, schedule, _known(PARAM_SCHEDULERS, schedule, more)


def _optimizers(place: str, part: Any) -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(part, Mapping) or "optimizer" not in part:
        return  # of several optimizers: their constructor's own
    wrapper = {"type": "OptimWrapper", **part}
    more = ("constructor", "paramwise_cfg")
    yield place, part, _known(OPTIM_WRAPPERS, wrapper, more)
    clip = part.get("clip_grad")
    if isinstance(clip, Mapping) and clip.get("type", "norm") in _CLIP:
        function = _CLIP[clip.get("type", "norm")]
        yield (
            f"{place}.clip_grad",
            clip,
            ("type", *inspect.signature(function).parameters),
        )
    default = DefaultOptimWrapperConstructor
    if part.get("constructor") not in (None, default.__name__, default):
        return  # which reads keys of its own, here and of the optimizer
    optimizer = part["optimizer"]
    yield f"{place}.optimizer", optimizer, _known(OPTIMIZERS, optimizer)
    paramwise = part.get("paramwise_cfg")
    yield f"{place}.paramwise_cfg", paramwise, _PARAMWISE
    for name, keys in ((paramwise or {}).get("custom_keys") or {}).items():
        known = _known(OPTIMIZERS, optimizer)
        if known is not None:
            known = {*_CUSTOM, *_GROUP, *known}
        yield f"{place}.paramwise_cfg.custom_keys[{name!r}]", keys, known


def _known(
    registry: Registry, part: Any, more: Collection[str] = (), default: Any = None
) -> Collection[str] | None:
    """Returns what may stand beside ``type``, or None if that may be anything."""
    if not isinstance(part, Mapping):
        return None
    kind = part.get("type", default)
    if isinstance(kind, str):
        with registry.switch_scope_and_registry(None) as inner:
            kind = inner.get(kind)
    if not inspect.isclass(kind):
        return None
    names = arguments_of(kind)
    return None if names is None else {"type", "_scope_", *names, *more}


def arguments_of(kind: type) -> set[str] | None:
    """Returns the names that a class takes, or passes on to its bases."""
    names: set[str] = set()
    for base in kind.__mro__:
        own = base.__dict__.get("__init__")
        if own is None:
            continue
        try:
            parameters = list(inspect.signature(own).parameters.values())[1:]
        except (TypeError, ValueError):
            return None
        names |= {
            p.name
            for p in parameters
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        }
        takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters)
        # Which keeps any other for the day that it saves, and stumbles then.
        if not takes_more or base is CheckpointHook:
            return names
    return None
