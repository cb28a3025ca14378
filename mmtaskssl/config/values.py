"""Values of a config's variables and of a few of its places that mean nothing."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from ..utils import checks
from ..utils.families import BadValue

# Variables that name something, or None: an empty one is a slip, of a shell mostly,
# and would be taken for "none".
_NAMES = (
    *("images", "selection", "target", "teacher", "dataset", "data_root"),
    *("clusters", "backbone", "weights"),
)
# Place -> the least number that it takes; those that may be None as well.
_LEAST = {
    **{f"{part}_dataloader.num_workers": 0 for part in ("train", "val", "test")},
    **{f"{part}_dataloader.batch_size": 1 for part in ("train", "val", "test")},
    **{f"train_cfg.{name}": 1 for name in ("max_iters", "max_epochs", "val_interval")},
    "max_pixels": 1,
}
_OR_NONE = frozenset(["max_pixels"])


def check_values(values: Mapping[str, Any]) -> None:
    """Refuses variables that are empty; None stands for "none".

    Args:
        values: Of variables, or options of the command line.

    Raises:
        UserError: One is.
    """
    for name in _NAMES:
        value = values.get(name)
        if value is not None and not value:
            raise BadValue(
                f"{name} must name something, not {value!r}: leave it out, or say None"
            )
    share = values.get("target_share")
    checks.finite("target_share", share, 0, 1, none=True)


def check_places(cfg: Config) -> None:
    """Refuses numbers that no training takes, however they came into a config.

    Args:
        cfg: A complete config of any OpenMMLab package.

    Raises:
        UserError: One of them is.
    """
    for place, least in _LEAST.items():
        *parts, last = place.split(".")
        part: Any = cfg
        for name in parts:
            part = part.get(name) if hasattr(part, "get") else None
        found = part.get(last, least) if hasattr(part, "get") else least
        if isinstance(found, float) and found.is_integer():
            found = int(found)  # hosts' configs divide, and their loops take it
        checks.whole(place, found, least, none=place in _OR_NONE)
    randomness = cfg.get("randomness")
    if hasattr(randomness, "get"):
        checks.seed(randomness.get("seed"), "randomness.seed", none=True)
