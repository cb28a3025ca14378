"""Tensors in the same order under other names."""

from collections.abc import Mapping

from torch import Tensor

_KINDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def match_order(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], head: int = 2
) -> dict[str, Tensor] | None:
    """Takes a file's tensors in their order for a network's own.

    Args:
        weights: A file's, in its order.
        own: The network's state dict, in its order.
        head: So many tensors more, of a classifier, may follow in the file.

    Returns:
        The file's tensors by the network's names. None: one of another shape or kind
        (weight, bias, mean, ...) stands in its place, or their number differs.
    """
    theirs = list(weights.items())
    if not len(own) <= len(theirs) <= len(own) + head:
        return None
    found = {}
    for (name, wanted), (key, value) in zip(own.items(), theirs, strict=False):
        if wanted.shape != value.shape or _kind(name) != _kind(key):
            return None
        found[name] = value
    return found


def _kind(name: str) -> str:
    last = name.rpartition(".")[2]
    return last if last in _KINDS else ""
