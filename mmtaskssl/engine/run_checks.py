"""What is refused before a training begins."""

import math

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmtaskssl.datasets import pack_images
from mmtaskssl.registry import OPTIMIZERS
from mmtaskssl.utils.families import (
    BadBatch,
    ConfigUnknown,
    ConfigUnsuited,
    TeacherMisfit,
)
from mmtaskssl.weights import load_state_dict

from .checkpoints import check_weights
from .unwrapped import unwrapped

# Whose preprocessors know the batches of their own pipelines.
_HOSTS = ("mmselfsup", "mmcls", "mmpretrain")


def check_batches(runner: Runner) -> None:
    """Refuses a batch size that the data set or the model cannot serve.

    Only our own models are asked: those of the hosts keep their packages' rules.

    Raises:
        UserError: Says which number to change.
    """
    model = unwrapped(runner.model)
    loader = runner.train_dataloader
    batch = loader.batch_size
    _check_preprocessor(model, loader)
    if batch is None or not hasattr(model, "check_batch"):
        return
    world_size, images = get_world_size(), len(loader.dataset)
    if batch * world_size > images:
        raise BadBatch(
            f"one step takes {batch * world_size} images ({world_size} process(es) of "
            f"{batch}) but the data set has {images}; lower train_dataloader.batch_size"
        )
    model.check_batch(batch)
    if hasattr(model, "bind_images"):
        check_teachers(model, loader.dataset)
    endless = not hasattr(loader.sampler, "num_samples")
    last = math.ceil(images / world_size) % batch
    if last == 1 and not loader.drop_last and not endless:
        raise BadBatch(
            f"the last batch of an epoch over {images} images would hold a single "
            "one, which batch norm cannot normalise; set "
            "train_dataloader.drop_last=True"
        )


def _check_preprocessor(model: nn.Module, loader: DataLoader) -> None:
    """Refuses our batches where a host's preprocessor waits for those of its pipeline.

    Raises:
        UserError: It does.
    """
    collate = getattr(loader.collate_fn, "func", loader.collate_fn)
    kind = type(getattr(model, "data_preprocessor", None))
    if collate is pack_images and kind.__module__.split(".")[0] in _HOSTS:
        raise ConfigUnsuited(
            f"the config's {type(model).__name__} has the {kind.__name__} of "
            f"{kind.__module__.split('.')[0]}, which does not take the batches of "
            f"{type(loader.dataset).__name__}: give it one of ours as its "
            "data_preprocessor, such as TwoViewPreprocessor, or its own data set"
        )


def check_teachers(model: nn.Module, dataset: Dataset) -> None:
    """Tells a model's teachers the images, and refuses images that are too small.

    Args:
        model: One of our algorithms.
        dataset: Its training images.

    Raises:
        UserError: The data set stores images smaller than a teacher's views, or a
            teacher does not know one of them.
    """
    teachers = [part.teacher for part in model.distill or ()]
    if not teachers:
        return
    stored = getattr(dataset, "store_size", None)
    most = max(teacher.view_size or 0 for teacher in teachers)
    if stored is not None and stored < most:
        raise TeacherMisfit(
            f"the data set keeps {stored} pixels of an image's short side, and the "
            f"teacher sees crops of {most}: set its store_size to {2 * most} or so "
            f"(at least {most})"
        )
    if not hasattr(dataset, "image_ids"):
        raise TeacherMisfit(
            f"a {type(dataset).__name__} has no image_ids, by which a teacher knows "
            "its images"
        )
    model.bind_images(dataset.image_ids, getattr(dataset, "root", None))


def check_optimizer(cfg: Config) -> None:
    """Refuses an unknown optimizer, over which mmengine itself stumbles."""
    name = cfg.optim_wrapper.get("optimizer", {}).get("type")
    with OPTIMIZERS.switch_scope_and_registry(None) as registry:
        if isinstance(name, str) and registry.get(name) is None:
            raise ConfigUnknown(
                f"the config names the optimizer {name!r}, which is not registered; "
                "check its spelling and its package's prefix"
            )


def check_checkpoint(runner: Runner, path: str) -> None:
    """Refuses a checkpoint that is not of the runner's model; says what matches.

    mmengine loads whatever fits and lists the rest among hundreds of lines.

    Args:
        runner: Its model is compared, and left unchanged.
        path: A local file; other addresses are left to mmengine.

    Raises:
        UserError: No such file, not a checkpoint, or one that has not all of the
            model's weights, and whose lack the config's ``allow`` does not name.
    """
    if "://" in path:
        return
    allow = runner.cfg.get("allow") or ()
    check_weights(runner.model, load_state_dict(path), path, allow)
