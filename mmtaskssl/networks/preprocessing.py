"""What a network expects of pixels, as its config says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..config import first_side
from ..datasets.eval_transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    EvalTransform,
    pixel_statistics,
)

_SIZE = 224
# Our own, which see RGB.
_OURS = ("TwoViewPreprocessor", "LabeledViewPreprocessor")
# How the names of the hosts' preprocessors end.
_HOSTS = "datapreprocessor"
# Of one that swaps the channels.
_TURNS = ("bgr_to_rgb", "rgb_to_bgr", "to_rgb")
# Where pipelines are, those of an evaluation first; "data" of older configs.
_LOADERS = ("test_dataloader", "val_dataloader", "train_dataloader", "data")
_Statistics = tuple[tuple[float, ...] | None, tuple[float, ...] | None]
_NONE: _Statistics = (None, None)
_UNCHANGED = (0.0,) * 3, (1.0,) * 3


def preprocessing_of(cfg: Config, image_size: int | None = None) -> EvalTransform:
    """Returns the evaluation transform of a training config.

    Our own preprocessors see RGB. Others, of whatever type, see what OpenCV reads, BGR,
    unless ``bgr_to_rgb`` (mmcls: ``to_rgb``) turns it, and change nothing where they
    name no statistics; a step ``Normalize`` of the pipeline may have done so before.
    The side is that of a self-supervised pipeline's first view.

    Args:
        cfg: Its ``data_preprocessor``, of the model or beside it, gives mean, standard
            deviation, channel order and side (``view_size``).
        image_size: Side of the crop, pixels, instead of the config's; with neither 224.
    """
    options = _options(cfg)
    size = image_size or options.get("view_size") or first_side(cfg) or _SIZE
    foreign = is_foreign(cfg)
    turned = any(options.get(key) for key in _TURNS)
    rgb = turned or not foreign
    found = _statistics(options)
    step = _normalize(cfg) if found == _NONE and not _is_ours(options) else None
    if step is not None:
        found = _statistics(step)
        rgb = bool(step.get("to_rgb", True)) != turned
        if turned:  # after the step, whose statistics are in the order of its images
            found = tuple(one and one[::-1] for one in found)  # type: ignore[assignment]
    usual = (IMAGENET_MEAN, IMAGENET_STD)
    if foreign or step is not None:
        usual = _UNCHANGED
    mean, std = found[0] or usual[0], found[1] or usual[1]
    if (mean, std) != _UNCHANGED:
        mean, std = pixel_statistics(mean, std)
    order = options.get("channel_order", "rgb" if rgb else "bgr")
    return EvalTransform(size, mean, std, channel_order=order)


def said_preprocessing(cfg: Config, name: str) -> EvalTransform:
    """Returns what `preprocessing_of` does; says it of a config that is not ours.

    Args:
        cfg: See `preprocessing_of`.
        name: Of the config.
    """
    found = preprocessing_of(cfg)
    if is_foreign(cfg):
        print_log(f"pixels, as {name} says: {found}", "current")
    return found


def is_foreign(cfg: Config) -> bool:
    """Whether a config's images are read as the hosts do, in BGR.

    Args:
        cfg: See `preprocessing_of`.
    """
    options = _options(cfg)
    if not options or "channel_order" in options or _is_ours(options):
        return False
    if any(key in options for key in _TURNS):
        return True
    scope = cfg.get("default_scope") or "mmtaskssl"
    host = str(options.get("type", "")).lower().endswith(_HOSTS)
    return host or scope != "mmtaskssl"


def _options(cfg: Config) -> Mapping[str, Any]:
    model = cfg.get("model") or {}
    options = _find(model) or cfg.get("data_preprocessor") or {}
    # Semi-supervised models wrap the one that their branches share.
    return options.get("data_preprocessor") or options


def _find(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a model's preprocessor, or that of a model in it."""
    if found := model.get("data_preprocessor"):
        return found
    inner = (part for part in model.values() if isinstance(part, Mapping))
    return next((found for part in inner if (found := _find(part))), {})


def _is_ours(options: Mapping[str, Any]) -> bool:
    return str(options.get("type", "")).rpartition(".")[2] in _OURS


def _statistics(options: Mapping[str, Any]) -> _Statistics:
    """Returns mean and standard deviation, each maybe None."""
    names = ("mean", "pixel_mean"), ("std", "pixel_std")
    found = [next((options[k] for k in two if options.get(k)), None) for two in names]
    mean, std = (None if values is None else _three(values) for values in found)
    return mean, std


def _three(values: float | Sequence[float]) -> tuple[float, ...]:
    several = values if isinstance(values, Sequence) else [values]
    numbers = tuple(float(value) for value in several)
    return numbers * 3 if len(numbers) == 1 else numbers


def _normalize(cfg: Config) -> Mapping[str, Any] | None:
    """Returns the step of a pipeline that normalises, if there is one."""
    for name in _LOADERS:
        for step in _steps(cfg.get(name) or {}):
            if str(step.get("type", "")).rpartition(".")[2].endswith("Normalize"):
                return step if _statistics(step) != _NONE else None
    return None


def _steps(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "pipeline" and isinstance(inner, Sequence):
                yield from (step for step in inner if isinstance(step, Mapping))
            else:
                yield from _steps(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _steps(inner)
