"""Variables at the top of a config, and the places in it that they stand for.

A classic config is evaluated before it is merged into its child, so a variable that the
child sets anew reaches nothing by itself. Here is found out which values a child's own
variables ask for, so that they can be put where they belong.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .transfer_options import data_root_of

#: Variable -> its place in the config.
PLACES = {
    "max_iters": "train_cfg.max_iters",
    "max_epochs": "train_cfg.max_epochs",
    "batch_size": "train_dataloader.batch_size",
    "num_workers": "train_dataloader.num_workers",
    "clusters": "train_dataloader.dataset.clusters",
}
#: Those that stand for more than one place, or for a change of the config.
OTHERS = (
    "images",
    "selection",
    "edited_selection",
    "target",
    "teacher",
    "dataset",
    "data_root",
    "held_out",
)
#: Pseudo variable: the child has a schedule of its own, to be left alone.
OWN_SCHEDULE = "param_scheduler"
#: Pseudo variable: the child names kNN's images itself, which go before its target.
OWN_KNN = "default_hooks.knn"

_MISSING = object()


def child_values(path: str | Path) -> dict[str, Any]:
    """Returns what a config's variables ask for and its places do not have yet.

    Of a config and each config that it is made of: a variable counts where the config
    sets it anew over its bases, unless it also sets the place anew, whose value then
    holds. What a child says goes before what its bases say. Configs without bases, of
    which printed and dumped ones are, have everything in its place, and so have those
    of other packages.

    Args:
        path: Of a config file.

    Returns:
        Values by variable, of `PLACES` and `OTHERS`; with ``max_iters`` maybe
        `OWN_SCHEDULE`, with ``target`` maybe `OWN_KNN`.
    """
    reader = _Reader()
    cfg = reader.read(path)
    if not any(name in cfg for name in (*PLACES, *OTHERS)):
        return {}
    values = reader.values(path)
    if "max_iters" not in values:
        values.pop(OWN_SCHEDULE, None)
    if "target" not in values:
        values.pop(OWN_KNN, None)
    return values


class _Reader:
    """Reads each file once."""

    def __init__(self) -> None:
        self._known: dict[str, Config] = {}

    def read(self, path: str | Path) -> Config:
        key = str(path)
        if key not in self._known:
            self._known[key] = Config.fromfile(key)
        return self._known[key]

    def values(self, path: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        bases = []
        for name in Config._get_base_files(str(path)):
            base, scope = Config._get_cfg_path(name, str(path))
            bases.append(self.read(base))
            if scope in (None, "mmtaskssl"):
                found |= self.values(base)
        if not bases:
            return {}
        cfg = self.read(path)
        for name in (*PLACES, *OTHERS):
            place = _place_of(name)
            written = name in PLACES and _is_written(path, PLACES[name])
            # A host's config may call whatever it likes `dataset` or `target`.
            foreign = name in OTHERS and not _is_ours(name, cfg.get(name))
            if written or foreign or (place is not None and _is_new(cfg, bases, place)):
                found.pop(name, None)
            elif name in cfg and _is_own(cfg, bases, name, place):
                found[name] = cfg[name]
                if name == "max_iters":
                    found.pop(OWN_SCHEDULE, None)
                elif name == "target":
                    found.pop(OWN_KNN, None)
        if _is_new(cfg, bases, lambda c: _plain(c.get("param_scheduler", _MISSING))):
            found[OWN_SCHEDULE] = True
        images = f"{OWN_KNN}.train"
        named = _look_up(cfg, images) is not _MISSING
        if named and _is_new(cfg, bases, lambda c: _plain(_look_up(c, images))):
            found[OWN_KNN] = True
        return found


def _is_ours(name: str, value: Any) -> bool:
    """Whether a variable has a value of the kind that ours have."""
    if name == "held_out":
        return type(value) is int
    if name == "target" and isinstance(value, list | tuple):
        return all(isinstance(folder, str) for folder in value)
    return isinstance(value, str)


def _place_of(name: str) -> Callable[[Config], Any] | None:
    """Returns what looks up the place of a variable, if it has one."""
    if name in ("images", "clusters"):
        key = "source" if name == "images" else name
        return lambda cfg: (layer_of(cfg, key) or {}).get(key, _MISSING)
    if name in PLACES:
        return lambda cfg: _look_up(cfg, PLACES[name])
    if name == "data_root":
        return lambda cfg: data_root_of(cfg) or _MISSING
    return None


def _is_new(cfg: Config, bases: list[Config], look: Callable[[Config], Any]) -> bool:
    """Whether a config has another thing in a place than its bases, or took it away."""
    value, before = look(cfg), [look(base) for base in bases]
    if value is _MISSING:
        return any(one is not _MISSING for one in before)
    return value not in before


def _is_written(path: str | Path, place: str) -> bool:
    """Whether a config in Python names a place, maybe with the value of its bases.

    Which may be another than what a config in between asks for by its variable.
    """
    if Path(path).suffix != ".py":
        return False
    first, *keys = place.split(".")
    for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == first
            for target in node.targets
        ):
            value: ast.expr | None = node.value
            for key in keys:
                value = _item(value, key)
            if value is not None:
                return True
    return False


def _item(node: ast.expr | None, key: str) -> ast.expr | None:
    """Returns what ``dict(key=...)`` or ``{"key": ...}`` has under a key."""
    if isinstance(node, ast.Call):
        pairs = [(word.arg, word.value) for word in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [
            (name.value, value)
            for name, value in zip(node.keys, node.values, strict=True)
            if isinstance(name, ast.Constant)
        ]
    else:
        return None
    return dict(pairs).get(key)


def _is_own(
    cfg: Config, bases: list[Config], name: str, place: Callable[[Config], Any] | None
) -> bool:
    """Whether a variable's value is the config's own, or lacks a place in its base."""
    same = [base for base in bases if name in base and base[name] == cfg[name]]
    if not same or place is None:
        return not same
    return place(cfg) is not _MISSING and all(place(b) is _MISSING for b in same)


def layer_of(cfg: Config, key: str) -> dict[str, Any] | None:
    """Returns the training's outermost data set that has a key.

    Args:
        cfg: Any config.
        key: Such as ``clusters``; the data sets around may be a selection.
    """
    dataset = _look_up(cfg, "train_dataloader.dataset")
    while isinstance(dataset, dict) and key not in dataset:
        dataset = dataset.get("dataset")
    return dataset if isinstance(dataset, dict) else None


def _look_up(cfg: Config, place: str) -> Any:
    value: Any = cfg
    for key in place.split("."):
        if not hasattr(value, "get") or key not in value:
            return _MISSING
        value = value[key]
    return value


def _plain(value: Any) -> Any:
    """Leaves out the scopes that mmengine adds to what comes from other packages."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k != "_scope_"}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
