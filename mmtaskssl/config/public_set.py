"""The option ``dataset`` of classification configs: one of the public sets."""

from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets.transfer_sets import TransferSet
from ..utils.families import ConfigUnsuited
from .targets import is_classification

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
# What a recipe decides about any data set.
_KEPT = ("store_size", "cache", "max_broken", "fraction", "shots")


def use_public_set(cfg: Config, name: str) -> None:
    """Trains and tests a classifier on a public set, by the set's own metric.

    Data sets, head and metric are those of the set's config; batches, sizes and parts
    (``shots``, ``fraction``) stay the recipe's.

    Args:
        cfg: A classification config, changed in place.
        name: Of a file in ``configs/_base_/datasets/transfer``, or the path of a
            config like those.

    Raises:
        UserError: No such set, or a config that trains no classifier.
    """
    if not is_classification(cfg):
        raise ConfigUnsuited(f"dataset={name} needs a classification config")
    public = TransferSet.read(str(name))
    for loader in _LOADERS:
        if cfg.get(loader) is None:
            continue
        old, new = cfg[loader].dataset, public.cfg[loader].dataset
        kept = {key: old[key] for key in _KEPT if old.get(key) is not None}
        cfg[loader].dataset = {**new, **kept}
    head = dict(public.cfg.model.head)
    cfg.model.head = {**head, "in_channels": cfg.model.head.in_channels}
    for part in ("val_evaluator", "test_evaluator"):
        cfg[part] = public.cfg[part]
    cfg.data_root = public.cfg.data_root
    print_log(f"dataset: {name}, {public.num_classes} classes", "current")
