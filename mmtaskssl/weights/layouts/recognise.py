"""Tells whose checkpoint it is, and takes the backbone's weights out of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from .names import to_our_names
from .table import ALONE, LAYOUTS, Layout

# Attributes that trainers hang a network on.
_ATTRIBUTES = ("model.", "net.", "network.", "encoder.", "backbone.", "trunk.")


@dataclass(frozen=True)
class Recognised:
    """A backbone's weights in a checkpoint.

    Attributes:
        layout: Whose it is, for the log.
        weights: By the names of torchvision (ResNets), timm, or the file's own; heads
            are left out.
        others: Keys that are not the backbone's.
    """

    layout: str
    weights: dict[str, Tensor]
    others: tuple[str, ...] = ()


def recognise(weights: Mapping[str, Tensor], place: str = "") -> Recognised:
    """Finds the backbone in a checkpoint of any known layout.

    Args:
        weights: A file's, see `unwrap`.
        place: Where in it they were.
    """
    named = strip_wrappers(weights)
    for layout in LAYOUTS:
        if _fits(layout, named, place):
            return _taken(layout, named)
    prefix = next((a for a in _ATTRIBUTES if _most(named, a)), "")
    inner = {k[len(prefix) :]: v for k, v in named.items() if k.startswith(prefix)}
    names = list(inner)
    layout = next((name for name, mark in ALONE if _begins(names, mark)), "")
    layout = layout or "names of its own"
    others = tuple(key for key in named if not key.startswith(prefix))
    if prefix:
        layout = f"{layout}, behind {prefix[:-1]!r}"
    return Recognised(layout, to_our_names(inner), others)


def strip_wrappers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Removes what DDP, `torch.compile` and Lightning's wrappers put before names.

    Args:
        weights: By their names in a file.
    """
    named = {key.replace("_orig_mod.", ""): v for key, v in weights.items()}
    for wrapper in ("module.", "_forward_module."):
        while named and all(key.startswith(wrapper) for key in named):
            named = {key[len(wrapper) :]: value for key, value in named.items()}
    return named


def _fits(layout: Layout, weights: Mapping[str, Tensor], place: str) -> bool:
    if layout.place and layout.place not in place:
        return False
    return all(_begins(weights, mark) for mark in layout.marks)


def _begins(names: Iterable[str], mark: str) -> bool:
    pattern = re.compile(mark)
    return any(pattern.match(name) for name in names)


def _most(weights: Mapping[str, Tensor], prefix: str) -> bool:
    count = sum(key.startswith(prefix) for key in weights)
    return 2 * count > len(weights)


def _taken(layout: Layout, weights: Mapping[str, Tensor]) -> Recognised:
    prefix, heads = re.compile(layout.prefix), re.compile(layout.heads)
    found, others = {}, []
    for key, value in weights.items():
        match = prefix.match(key)
        inner = key[match.end() :] if match else ""
        if match is None or (layout.heads and heads.match(inner)):
            others.append(key)
        else:
            found[inner] = value
    return Recognised(layout.name, to_our_names(found), tuple(others))
