"""Begins a search from a config, a checkpoint and a folder of images."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, get_rank

from ..config import load_config
from ..export.calibrate import config_transform, draw_images
from ..subnets import Subnet
from ..utils.devices import AUTO, pick_device
from .encoders import load_encoders
from .latency import LatencyBook
from .metrics import get_metrics
from .results import ResultsFile, Row
from .scorer import MeanInterval, Scorer
from .search import Search

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class SearchOptions:
    """What a search compares, on what.

    Attributes:
        metrics: Names; strategies that learn from scores follow the first.
        num_images: How many images are drawn.
        bn_images: How many of them give batch norms their statistics.
        batch_size: Images at a time beyond those.
        image_size: Side of the crop; None: the config's view size.
        shape: Height and width of the image that costs are counted for.
        teacher_bn: See `Scorer`.
        seed: Of the draw of images and of the intervals.
        resamples: Draws of the bootstrap.
        device: Where to compute; see `pick_device`.
        root: Folder that listed paths are relative to.
        cfg_options: Changes to the config.
        trust: Load a checkpoint even if that runs code in it.
    """

    metrics: Sequence[str] = ("global",)
    num_images: int = 512
    bn_images: int = 256
    batch_size: int = 256
    image_size: int | None = None
    shape: tuple[int, int] = (224, 224)
    teacher_bn: str = "images"
    seed: int = 0
    resamples: int = 1000
    device: str = AUTO
    root: str | None = None
    cfg_options: Mapping[str, Any] | None = None
    trust: bool = False


def open_search(
    config: str,
    checkpoint: str,
    images: str,
    out: str | Path,
    options: SearchOptions | None = None,
) -> Search:
    """Begins a search, or goes on with the one in ``out``.

    To be called in all processes of a group.

    Args:
        config: The supernet's training config.
        checkpoint: Its checkpoint.
        images: The target's images, unlabelled: folder, ``.txt``, ``.csv``, ``.jsonl``.
        out: Folder of the results and the teacher's features.
        options: None: the defaults.

    Raises:
        UserError: The checkpoint is of another space, images are too few, ``out`` holds
            results of another checkpoint, or a bad option.
    """
    options, out = options or SearchOptions(), Path(out)
    metrics = get_metrics(list(options.metrics))
    device = pick_device(options.device)
    cfg = load_config(config, options.cfg_options)
    encoders = load_encoders(cfg, config, checkpoint, device, options.trust)
    sample = draw_images(
        images,
        config_transform(cfg, options.image_size),
        options.num_images,
        max(2, options.batch_size),
        options.seed,
        options.root,
    )
    scorer = Scorer(
        encoders,
        sample,
        metrics,
        options.bn_images,
        options.batch_size,
        options.teacher_bn,
        out / "teacher",
    )
    backbone = encoders.student.backbone
    identity = {
        "checkpoint": Path(checkpoint).name,
        "checkpoint_sha256": encoders.source.meta["checkpoint_sha256"],
        "shape": list(options.shape),
        "interval": {"resamples": options.resamples, "seed": options.seed},
        **scorer.describe(),
    }
    results = ResultsFile(out / RESULTS, identity)
    if get_rank() == 0:
        results.check()
        scorer.references  # noqa: B018  # computed once, for the others to read
        results.prepare()
    barrier()
    return Search(
        scorer,
        results,
        MeanInterval(len(sample.ids), options.resamples, options.seed),
        functools.partial(backbone.cost, shape=options.shape),
        LatencyBook(backbone, out / "latency.jsonl", options.shape, device),
        results.rows(),
    )


def score_subnets(
    config: str,
    checkpoint: str,
    images: str,
    subnets: Sequence[Subnet | str],
    out: str | Path,
    options: SearchOptions | None = None,
) -> list[Row]:
    """Scores given sub-nets.

    Args:
        config: See `open_search`.
        checkpoint: See `open_search`.
        images: See `open_search`.
        subnets: Sub-nets, or their names or anchors.
        out: See `open_search`; what was scored there before is not scored again.
        options: See `open_search`.

    Returns:
        One row per sub-net and metric, in the order given: ``subnet``, ``metric``,
        ``similarity``, ``ci`` [low, high], ``macs`` and ``params``.

    Raises:
        UserError: See `open_search`; or the network cannot run a sub-net.
    """
    search = open_search(config, checkpoint, images, out, options)
    resolved = [search.space.resolve(subnet) for subnet in subnets]
    search.score(resolved)
    return [search.rows[s.name, metric] for s in resolved for metric in search.metrics]
