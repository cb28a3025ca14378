"""Data sets of a config that are put around others, by their types."""

from typing import Any

HOLD_OUT, SELECTED, WITH_TARGET = "HoldOutImages", "SelectedImages", "WithTarget"


def is_selected(dataset: Any) -> bool:
    """Whether a data set's config is one of selected images."""
    return _is(dataset, SELECTED)


def is_hold_out(dataset: Any) -> bool:
    """Whether a data set's config is one that has images held out."""
    return _is(dataset, HOLD_OUT)


def is_with_target(dataset: Any) -> bool:
    """Whether a data set's config is one of other images and a target's own."""
    return _is(dataset, WITH_TARGET)


def is_around(dataset: Any) -> bool:
    """Whether a data set's config is of what goes around a selection."""
    return is_hold_out(dataset) or is_with_target(dataset)


def place_of_selection(loader: Any) -> Any:
    """Returns what has, as its ``dataset``, a selection or what may become one.

    Args:
        loader: Config of a loader, whose data set may be around others.
    """
    while is_around(loader["dataset"]):
        loader = loader["dataset"]
    return loader


def with_target(dataset: Any, target: str, share: float) -> dict[str, Any]:
    """Returns the config of another one's images and a target's; see `WithTarget`."""
    kind = f"mmtaskssl.{WITH_TARGET}"
    return {"type": kind, "dataset": dataset, "target": target, "share": share}


def _is(dataset: Any, kind: str) -> bool:
    return str(dataset.get("type")).rpartition(".")[2] == kind
