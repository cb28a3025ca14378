"""The options ``backbone``, ``weights`` (with ``allow``) and ``data_root``."""

import os
from typing import Any

from mmengine.config import Config

from ..utils.families import BadValue, ConfigUnsuited, NoWeights, OptionMissing
from .export_info import ExportInfo
from .use_export import use_export

TRANSFER_OPTIONS = ("backbone", "weights", "weights_order", "allow", "data_root")
_DATA = (
    "train_dataloader",
    "val_dataloader",
    "test_dataloader",
    "val_evaluator",
    "test_evaluator",
)


def apply_transfer_options(cfg: Config, data_root: str | None = None) -> None:
    """Acts on a config's variables ``backbone`` and ``weights`` and on a data root.

    Args:
        cfg: A complete config, changed in place. ``backbone``, a string, names an
            export; ``weights='random'`` takes its architecture alone. Without it
            ``weights`` is what the config's own backbone starts from, see
            `networks.start.start_from`, and stays where it is.
        data_root: Takes the place of the config's ``data_root``.

    Raises:
        UserError: A wrong value, or a config that the option does not fit.
    """
    if data_root is not None:
        move_data(cfg, data_root)
    weights = cfg.get("weights")
    if isinstance(weights, os.PathLike):
        weights = cfg.weights = os.fspath(weights)
    if weights is not None and not isinstance(weights, str):
        raise NoWeights(f"weights names a file or a library's network: {weights!r}")
    if not isinstance(cfg.get("backbone"), str):
        if weights == "export":
            raise OptionMissing("weights=export needs backbone=EXPORT_DIR beside it")
        return
    weights = weights or "export"
    if weights not in ("export", "random"):
        raise BadValue(
            f"weights must be export or random beside backbone=..., not {weights!r}"
        )
    use_export(cfg, ExportInfo.read(cfg.pop("backbone"), weights == "export"))
    cfg.pop("weights", None)


def move_data(cfg: Config, new: str) -> None:
    """Replaces the data root wherever data sets and evaluators repeat it.

    Args:
        cfg: A complete config, changed in place.
        new: Takes the place of the training data's root.

    Raises:
        UserError: No data set has a root.
    """
    old = data_root_of(cfg)
    if not old:
        raise ConfigUnsuited(
            "data_root=... needs a config whose data sets have a data_root"
        )

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(moved(item) for item in value)
        if isinstance(value, str) and (value + "/").startswith(old.rstrip("/") + "/"):
            return new.rstrip("/") + value[len(old.rstrip("/")) :]
        return value

    for key in _DATA:
        if cfg.get(key) is not None:
            cfg[key] = moved(cfg[key])
    cfg.data_root = new


def data_root_of(cfg: Config) -> str | None:
    """Returns the training data's; the config's variable may have another already.

    Args:
        cfg: Any config.
    """
    found = [cfg.get("train_dataloader")]
    while found:
        value = found.pop(0)
        if isinstance(value, dict):
            if isinstance(value.get("data_root"), str):
                return value["data_root"]
            found += value.values()
        elif isinstance(value, list | tuple):
            found += value
    return None
