"""The trainings that arms are made of, as complete configs."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ...config import load_config
from ...config.wrappers import with_target
from ...datasets.eval_transform import EvalTransform
from ..fit.body import Body
from ..fit.own import TAUGHT, Own

#: A network that learns from itself at twice the resolution, and by MoCo v2.
SELFRES = "configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-64px.py"
# A training is kept after each of so many parts of it, of so many steps at least.
_PARTS, _LEAST_STEPS = 8, 50
# The teacher's crops are cut from images of this many times their side.
_ROOM = 1.25
_FROZEN = {"type": "mmtaskssl.StartNormHook", "mode": "frozen"}


@dataclasses.dataclass(frozen=True)
class Images:
    """What a training sees.

    Attributes:
        root: Folder of the pool.
        selection: File with the ids of some of it.
        count: How many.
        clusters: Of all of it instead, a folder; None: it is not clustered.
    """

    root: str
    selection: Path
    count: int
    clusters: Path | None = None


def taught_by_itself(body: Body, images: Images, iters: int) -> Config:
    """Returns the config of resolution self-distillation.

    Args:
        body: What is trained, at the side that it is to serve.
        images: On what.
        iters: Length of the training.
    """
    channels, is_map = body.output
    options: dict[str, Any] = {
        "weights": body.start.weights,
        "max_iters": iters,
        "model.neck.in_channels": channels,
        "model.neck.with_avg_pool": is_map,
        "model.data_preprocessor.view_size": body.side,
        **_pixels("model.data_preprocessor", body.pixels),
        "model.distill.teacher.view_size": 2 * body.side,
        "train_dataloader.dataset.store_size": _stored(2 * body.side),
    }
    cfg = _loaded(SELFRES, options, images)
    cfg.model.backbone = body.backbone
    cfg.custom_hooks = [*cfg.get("custom_hooks", ()), dict(_FROZEN)]
    return cfg


def from_scratch(own: Own, images: Images, iters: int) -> Config:
    """Returns the config of a self-supervised training of a network of ours.

    Args:
        own: Which.
        images: On what.
        iters: Length of the training.
    """
    options = {**own.options, "max_iters": iters}
    return _loaded(own.config, options, images)


def branched_off(own: Own, images: Images, iters: int, weights: Path) -> Config:
    """Returns the config of the same training as `from_scratch`, of trained weights.

    Args:
        own: Which network.
        images: On what.
        iters: Length of the training.
        weights: Where an earlier training ended.
    """
    cfg = from_scratch(own, images, iters)
    # All of it: the projector and its average go on where they were, too.
    cfg.load_from = str(weights)
    return cfg


def taught(
    own: Own, teacher: Body, images: Images, iters: int, elastic: bool = False
) -> Config:
    """Returns the config of a distillation into a network of ours.

    Args:
        own: The student.
        teacher: Frozen, at its own side.
        images: On what.
        iters: Length of the training.
        elastic: Whether the student's config is one of a distillation already, of a
            network with sub-nets.
    """
    place = "train_dataloader.dataset" + (".dataset" if images.clusters else "")
    options: dict[str, Any] = {
        "teacher": teacher.start.text,
        "max_iters": iters,
        "model.data_preprocessor.view_size": own.side,
        "model.distill.teacher.view_size": teacher.side,
        f"{place}.store_size": _stored(max(own.side, teacher.side)),
    }
    if elastic:
        return _loaded(own.config, {**own.options, **options}, images)
    options["model.distill.head.in_channels"] = own.channels
    cfg = load_config(own.config, dict(own.options))
    made = _loaded(TAUGHT, options, images)
    made.model.backbone = cfg.model.backbone.to_dict()
    return made


def with_own(cfg: Config, own: Path, share: float) -> Config:
    """Returns a training that sees the target's own images among the others.

    Args:
        cfg: Of the training.
        own: File with their paths; they are oversampled, their labels unread.
        share: Of them among all.
    """
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = with_target(dataset, str(own), share)
    return cfg


def _loaded(config: str, options: Mapping[str, Any], images: Images) -> Config:
    """Loads a config on some images; a step takes no more than there are."""
    batch = load_config(config).train_dataloader.batch_size
    given: dict[str, Any] = {"images": images.root}
    every = max(_LEAST_STEPS, -(-options["max_iters"] // _PARTS))
    given["default_hooks.checkpoint.interval"] = every  # what an interrupt costs
    if images.clusters is None:
        given["selection"] = str(images.selection)
    else:
        given["clusters"] = str(images.clusters)
    if images.count < batch:
        given["batch_size"] = images.count
    return load_config(config, {**options, **given})


def _pixels(place: str, pixels: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {key: pixels[key] for key in ("mean", "std")}
    found = {f"{place}.{key}": [float(x) for x in v] for key, v in wanted.items()}
    if pixels["channel_order"] != EvalTransform(224).channel_order:
        found[f"{place}.channel_order"] = pixels["channel_order"]
    return found


def _stored(side: int) -> int:
    return round(_ROOM * side)
