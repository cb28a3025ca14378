"""mmselfsup's own training configs, on images of the user's."""

from typing import Any

from mmengine.config import Config

from ..utils.families import ConfigUnsuited

_PACKS = ("PackSelfSupInputs",)
# What the first view is cut out with.
_CROPS = (
    "RandomResizedCrop",
    "torchvision/RandomResizedCrop",
    "torchvision/RandomCrop",
)
# Whose labels are made between epochs, by hooks with data sets of their own.
_CLUSTERING = ("DeepClusterImageNet",)


def innermost(dataset: dict[str, Any]) -> dict[str, Any]:
    """Returns the data set below all wrappers.

    Args:
        dataset: Its config.
    """
    while "dataset" in dataset:
        dataset = dataset["dataset"]
    return dataset


def brings_pipeline(dataset: dict[str, Any]) -> bool:
    """Whether a data set makes the inputs of one of mmselfsup's algorithms.

    Args:
        dataset: Its config, without the wrappers around it.
    """
    steps = dataset.get("pipeline") or ()
    return any(_name(step) in _PACKS for step in steps if isinstance(step, dict))


def read_source(dataset: dict[str, Any], source: str) -> None:
    """Lets a data set that brings a pipeline read a source of images.

    Args:
        dataset: A config for which `brings_pipeline` holds, changed in place.
        source: Folder or list, see `list_images`.

    Raises:
        UserError: The algorithm needs more of a data set than images.
    """
    if _name(dataset) in _CLUSTERING:
        raise ConfigUnsuited(
            "images=... does not serve algorithms that label the images by clustering "
            "them between epochs (DeepCluster, ODC)"
        )
    pipeline = dataset["pipeline"]
    for key in list(dataset):
        del dataset[key]
    dataset.update(
        type="mmtaskssl.PipelineImages", source=str(source), pipeline=pipeline
    )


def follow_batch_size(cfg: Config, batch_size: int) -> None:
    """Tells a new batch size to the hooks that repeat it (SwAV's).

    Args:
        cfg: Changed in place.
        batch_size: Images a process and step.
    """
    for hook in cfg.get("custom_hooks") or ():
        if isinstance(hook, dict) and _name(hook) == "SwAVHook":
            hook["batch_size"] = batch_size


def strip_scopes(cfg: Config) -> None:
    """Takes mmengine's mark off collate functions, which get it as an argument.

    mmengine marks what a config inherits from another package, ``_base_ =
    'mmselfsup::...'``, with that package's scope, and the Runner hands all of
    ``collate_fn`` but its type to the function.

    Args:
        cfg: Changed in place.
    """
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        collate = (cfg.get(name) or {}).get("collate_fn")
        if isinstance(collate, dict):
            collate.pop("_scope_", None)


def first_side(cfg: Config) -> int | None:
    """Returns the side in pixels of the images that a pipeline's first view has.

    Args:
        cfg: Any; None without such a pipeline, or where it does not say.
    """
    dataset = innermost((cfg.get("train_dataloader") or {}).get("dataset") or {})
    if not brings_pipeline(dataset):
        return None
    steps = list(dataset["pipeline"])
    for step in steps:
        for inner in step.get("transforms") or ():
            steps += inner if isinstance(inner, list | tuple) else [inner]
    for step in steps:
        if isinstance(step, dict) and _name(step).startswith(_CROPS):
            side = step.get("size", step.get("scale"))
            side = side[0] if isinstance(side, list | tuple) else side
            return side if isinstance(side, int) else None
    return None


def _name(config: dict[str, Any]) -> str:
    return str(config.get("type")).rpartition(".")[2]
