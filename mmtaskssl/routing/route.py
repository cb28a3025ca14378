"""The whole way from a routed network and a task to the path that suits it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..clustering.clusters import Clusters
from ..networks import NetworkLike
from ..utils import checks
from ..utils.devices import AUTO
from .extracted import ProgressFactory
from .fine_tuner import FineTuner, Log
from .names import ProbeName, RouterName, Tie
from .options import Options
from .problem import PathLike, prepare
from .result import Routing


def route(
    network: NetworkLike,
    target: PathLike,
    clusters: Clusters | PathLike | None = None,
    *,
    router: RouterName = Options.router,
    probe: ProbeName = Options.probe,
    on_tie: Tie = Options.on_tie,
    shortlist: int = Options.shortlist,
    beam: int = Options.beam,
    max_images: int = Options.max_images,
    image_size: int | None = None,
    batch_size: int = Options.batch_size,
    seed: int = Options.seed,
    source: Literal["online", "ema"] = "online",
    fine_tune: FineTuner | None = None,
    device: str = AUTO,
    cfg_options: Mapping[str, Any] | None = None,
    trust: bool = False,
    thumbnails: bool = True,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> Routing:
    """Finds the path of a routed network that suits a task (SDR, arXiv 2205.13267).

    Only the task's training images are looked into, never its test images: paths are
    scored by an inner split. The generic network (MAX) is always among the candidates.

    Args:
        network: Whose paths are all calibrated; see `open_network`, as for ``source``,
            ``cfg_options`` and ``trust``.
        target: Folder with ``train/CLASS/IMAGE``, or in VOC layout, of which the
            ground-truth boxes are cut out and classified: a proxy for detection.
        clusters: What the paths were trained on, or their folder; the routers
            "shortlist" and "overlap" need them.
        router: "exhaustive" scores all paths; "shortlist" those whose clusters the
            images look like; "beam" goes from good paths to their neighbours;
            "overlap" needs no labels and scores nothing but that likeness.
        probe: What scores a path: "knn" (accuracy, 0..1), "linear" (likewise), or
            "logme" (nats an image).
        on_tie: Where a path is ahead of MAX by what may be chance, "max" wins or the
            "score" decides.
        shortlist: Paths of the shortlist; not of the routers "beam" and "overlap".
        beam: Width of the beam; not of the routers "shortlist" and "overlap".
        max_images: Of more, this many are drawn.
        image_size: Side of the crop in pixels; None: the config's view size.
        batch_size: Most images at once; changes no score.
        seed: Of inner split, resamples and draws.
        source: See above.
        fine_tune: Of a detection task, trains the first few paths and MAX, see
            `FineTuning`; the best of them is the answer.
        device: Where to compute; see `pick_device`.
        cfg_options: See above.
        trust: See above.
        thumbnails: Whether the page shows images, and their names beneath them.
        log: Takes a line for the user.
        progress: Makes, from a title and a total, a function told how many are done.

    Returns:
        The ranking and the answer; nothing is written, but by ``fine_tune``.

    Raises:
        UserError: The network is not routed or not calibrated, the clusters are of
            another network, the task cannot be read, or a bad option.
    """
    checks.flag("thumbnails", thumbnails)
    checks.function("log", log, none=True)
    checks.function("progress", progress, none=True)
    options = Options(
        router,
        probe,
        on_tie,
        shortlist,
        beam,
        max_images,
        image_size,
        batch_size,
        seed,
        source,
        device,
        cfg_options,
        trust,
    )
    problem = prepare(network, target, clusters, options, fine_tune, progress)
    return dataclasses.replace(problem.solve(log), thumbnails=thumbnails)
