"""What the parts of a host's model make of an image, on tensors without memory."""

import copy
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...registry import MODELS
from ...utils.errors import UserError

# Maps of all strides up to 128 divide it.
IMAGE = 512
# Of them: what takes some tokens apart would take as few images for these.
IMAGES = 7
_MAKERS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
# Of a backbone: what reads files, or needs compiled operators without which its maps
# have the same shapes.
_LEFT_OUT = ("init_cfg", "pretrained", "dcn", "stage_with_dcn", "plugins", "with_cp")


@dataclass(frozen=True)
class Maps:
    """Feature maps by their shapes.

    Attributes:
        channels: Of each map.
        strides: Pixels of the image to one of each map, down and across.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]


_KNOWN = 64
_known: dict[tuple[str, str], list[Maps]] = {}


class Misfit(Exception):
    """A part of a model cannot be built, or cannot read what it is given."""


class _WithoutMemory(TorchFunctionMode):
    """Makes weights on "meta"; what constructors compute with stays on the CPU.

    Under ``torch.device("meta")`` networks fail that draw their rates of dropped paths
    from `torch.linspace`.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in _MAKERS and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def scope_of(default_scope: str | None) -> str:
    """Returns the registry's scope in which a config's types are looked up.

    Args:
        default_scope: The config's.
    """
    scope = default_scope or "mmtaskssl"
    # The registry of mmselfsup names a module that does not exist.
    return "mmtaskssl" if scope == "mmselfsup" else scope


def part(config: Any, scope: str, name: str) -> nn.Module:
    """Builds a part of a model on "meta", ready to be evaluated.

    Args:
        config: Its config, or a list of those of parts in a row.
        scope: See `scope_of`.
        name: Of the part, for messages.

    Raises:
        Misfit: It cannot be built.
    """
    if isinstance(config, list | tuple):
        return nn.Sequential(*(part(one, scope, name) for one in config))
    config = copy.deepcopy(dict(config))
    for key in _LEFT_OUT:
        if name == "backbone" or key == "init_cfg":
            config.pop(key, None)
    _import_networks(config)
    kind = config.get("type")
    ours = scope == "mmtaskssl" and isinstance(kind, str) and "." not in kind
    if ours and MODELS.get(kind) is None:  # mmselfsup's configs are read in our scope
        config["type"] = f"mmselfsup.{kind}"
    with torch.random.fork_rng(devices=[]), _attempt(name, "cannot be built"):
        with DefaultScope.overwrite_default_scope(scope), _WithoutMemory():
            module = MODELS.build({**config, "_scope_": scope})
        module = revert_sync_batchnorm(module.to("meta"))
        module.eval()  # which some networks do not return
        return module


def run(module: nn.Module, name: str, *inputs: Any) -> Any:
    """Returns what a part makes of its inputs.

    Args:
        module: See `part`.
        name: Of the part, for messages.
        *inputs: Tensors on "meta", or tuples of them.

    Raises:
        Misfit: It cannot read them.
    """
    with _attempt(name, "cannot read its input"):
        return module(*inputs)


def image(side: int = IMAGE, channels: int = 3) -> Tensor:
    """Returns images (`IMAGES`, channels, side, side) without values.

    Args:
        side: Pixels.
        channels: Of the images.
    """
    return torch.empty(IMAGES, channels, side, side, device="meta")


def maps_of(outputs: Any, name: str, side: int = IMAGE) -> Maps:
    """Returns the shapes of a part's outputs.

    Args:
        outputs: Tensors (N, C, H, W).
        name: Of the part, for messages.
        side: Of the image that they are of.

    Raises:
        Misfit: They are no feature maps.
    """
    if isinstance(outputs, Tensor):
        outputs = (outputs,)
    if not isinstance(outputs, Sequence) or not outputs:
        raise Misfit(f"{name} gives no feature maps")
    if any(not isinstance(o, Tensor) or o.ndim != 4 for o in outputs):
        raise Misfit(f"{name} gives something else than feature maps")
    strides = tuple(max(1, round(side / o.shape[-1])) for o in outputs)
    return Maps(tuple(o.shape[1] for o in outputs), strides)


def side_of(backbone: Mapping[str, Any]) -> int:
    """Returns the side of the images that a backbone is tried with, pixels.

    Args:
        backbone: Its config; one made for a single size says so.
    """
    size = backbone.get("img_size")
    size = max(size) if isinstance(size, list | tuple) else size
    return size if isinstance(size, int) else IMAGE


def maps_before_heads(model: Mapping[str, Any], scope: str) -> list[Maps]:
    """Returns the maps of a model's backbone and, behind them, of its neck.

    Args:
        model: Its config.
        scope: See `scope_of`.

    Raises:
        Misfit: A part cannot be built, or cannot read what it gets.
    """
    return [
        maps_of(out, name, side_of(model["backbone"]))
        for name, out in outputs_before_heads(model, scope).items()
    ]


def outputs_before_heads(model: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Returns what a model's backbone and neck give, by their names.

    Args:
        model: See `maps_before_heads`.
        scope: See `scope_of`.

    Raises:
        Misfit: See `maps_before_heads`.
    """
    backbone = model["backbone"]
    pixels = image(side_of(backbone), backbone.get("in_channels", 3))
    found = {"backbone": run(part(backbone, scope, "backbone"), "backbone", pixels)}
    if model.get("neck"):
        neck = part(model["neck"], scope, "neck")
        found["neck"] = run(neck, "neck", found["backbone"])
    return found


def measured(model: Mapping[str, Any], scope: str) -> list[Maps]:
    """Returns `maps_before_heads`, as far as they can be told; maybe none.

    Args:
        model: See `maps_before_heads`.
        scope: See `scope_of`.
    """
    parts = {"backbone": model["backbone"]}
    if model.get("neck"):
        parts["neck"] = model["neck"]
    if not isinstance(parts["backbone"].get("type"), str):
        return []
    key = (repr(parts), scope)  # a host's recipes share a few networks
    if key not in _known:
        if len(_known) >= _KNOWN:
            _known.clear()
        _known[key] = _try(parts, scope)
    return _known[key]


def _try(parts: dict[str, Any], scope: str) -> list[Maps]:
    for tried in (parts, {"backbone": parts["backbone"]}):
        try:
            with torch.no_grad():
                return maps_before_heads(tried, scope)
        except Misfit:
            continue
    return []


def _import_networks(config: Mapping[str, Any]) -> None:
    if str(config.get("type", "")).startswith("mmcls."):
        import mmcls.models  # noqa: F401  late: it imports all of them


class _attempt:
    """Turns whatever a host's code raises into a `Misfit` of one sentence."""

    def __init__(self, name: str, what: str) -> None:
        self.name, self.what = name, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, UserError | Misfit) or not isinstance(error, Exception):
            return
        # Of classes that are not ours, on shapes that they may not be made for.
        text = " ".join(str(error).split()) or _line_of(error)
        raise Misfit(f"{self.name} {self.what}: {text}") from error


def _line_of(error: Exception) -> str:
    """Returns what an error without a text is about: the line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.line}"
