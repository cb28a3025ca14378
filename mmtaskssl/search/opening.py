"""Begins a search: reads network and images, and opens the folder of the scores."""

import contextlib
import copy
import dataclasses
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from mmengine.dist import barrier, get_rank
from mmengine.logging import print_log

from ..datasets.image_sample import draw_images
from ..datasets.images import ImagesLike
from ..networks import Network, NetworkLike, held_network, open_network
from ..runs import Growing, as_read
from ..utils.budgets import Budget
from ..utils.devices import pick_device
from ..utils.families import NoSubnets, NoWeights
from . import output
from .chosen import choose_metrics, is_measured
from .encoders import load_encoders
from .latency import LatencyBook
from .metrics import get_metrics, get_set_scores
from .names import computed
from .options import SearchOptions
from .panel import Panel
from .results import RESULTS, ResultsFile
from .scorer import MeanInterval, Scorer
from .session import Search, check_band
from .taught import teacher_features

PathLike = str | os.PathLike


@contextlib.contextmanager
def open_search(
    network: NetworkLike,
    images: ImagesLike,
    options: SearchOptions | None = None,
    folder: PathLike | None = None,
    overwrite: bool = False,
    budgets: Sequence[Budget] = (),
) -> Iterator[tuple[Search, Growing | None]]:
    """Yields a search that has scored nothing yet, or what ``folder`` holds.

    To be called in all processes of a group.

    Args:
        network: See `search.search`, as for ``images``, ``folder`` and ``overwrite``.
        images: See above.
        options: None: the defaults.
        folder: See above.
        overwrite: See above.
        budgets: See above.

    Yields:
        The search and, in the first process, the open folder, to be finished.

    Raises:
        UserError: The checkpoint is of another space, images are too few, ``folder``
            holds results of another checkpoint, or a bad option.
    """
    options = options or SearchOptions()
    device = pick_device(options.device)
    opened = _open(network, options)
    transform = opened.preprocessing
    if options.image_size is not None:
        transform = dataclasses.replace(transform, image_size=options.image_size)
    shape = options.shape or (transform.image_size,) * 2
    with torch.random.fork_rng(devices=[]):  # construction draws
        encoders = load_encoders(opened, device)
    space = opened.elastic.space
    asked, why = choose_metrics(
        options.metrics,
        options.teacher is not None,
        () if encoders.student.embeds else ("global",),
        is_measured(space, opened.config),
    )
    if why:
        print_log(why, "current")
    # What cannot be is refused before a teacher has seen all images.
    question = output.question(budgets, asked)
    if folder is not None and get_rank() == 0:
        output.check(folder, overwrite, question)
    price = functools.partial(encoders.student.backbone.cost, shape=shape)
    for budget in budgets:
        if budget.kind != "latency":
            check_band(
                space, budget, lambda s, k=budget.kind: getattr(price(s), k), shape
            )
    sample = draw_images(
        images,
        transform,
        options.num_images,
        max(2, options.batch_size),
        options.seed,
        options.root,
    )
    measured = computed(asked)
    scores = get_set_scores(measured)
    scorer = Scorer(
        encoders,
        sample,
        get_metrics(measured),
        options.bn_images,
        options.batch_size,
        options.teacher_bn,
        None if folder is None else Path(folder, output.TEACHER),
    )
    identity = {
        "checkpoint": opened.meta["checkpoint"],
        "checkpoint_sha256": opened.meta["checkpoint_sha256"],
        "shape": list(shape),
        "interval": {"resamples": options.resamples, "seed": options.seed},
        **scorer.describe(),
    }
    panel = None
    if scores:
        taught = None
        if options.teacher is not None:
            taught, identity["teacher"] = teacher_features(
                *(options.teacher, images, sample.ids, options.root, device),
                options.trust,
            )
        panel = Panel(scorer, scores, teacher=taught)
    identity = as_read(identity)
    backbone = encoders.student.backbone
    latency = None if folder is None else Path(folder, output.LATENCY)
    with contextlib.ExitStack() as stack:
        results = growing = None
        if folder is not None:
            results = ResultsFile(Path(folder, RESULTS), identity)
            if get_rank() == 0:
                _, growing = stack.enter_context(
                    output.opened(identity, Path(folder), overwrite, question)
                )
                for file in scorer.cached.values():
                    growing.claim(f"{output.TEACHER}/{file.name}")
                scorer.references  # noqa: B018  # once, for the others to read
        barrier()
        search = Search(
            scorer,
            panel,
            measured,
            MeanInterval(len(sample.ids), options.resamples, options.seed),
            price,
            LatencyBook(backbone, latency, shape, device),
            identity,
            results,
            results.rows() if results else {},
            asked,
        )
        yield search, growing


def _open(network: NetworkLike, options: SearchOptions) -> Network:
    opened = open_network(
        network, trust=options.trust, cfg_options=options.cfg_options, subnets=True
    )
    if opened.checkpoint is None:
        raise NoWeights(
            f"{opened.name} has no checkpoint: a search compares trained sub-nets"
        )
    if len(opened.elastic.space) == 1:
        raise NoSubnets(
            f"{opened.name} has no sub-nets to choose from: a search ranks those of a "
            "supernet, such as the configs of configs/data train"
        )
    if held_network(network) is not None:  # what the caller holds stays as it is
        opened = dataclasses.replace(opened, backbone=copy.deepcopy(opened.backbone))
    return opened
