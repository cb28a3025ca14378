"""The whole way from a routed network and a task to the path that suits it."""

import copy
import dataclasses
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ..clustering.clusters import Clusters
from ..clustering.files import sha256
from ..networks import Network, NetworkLike, open_network
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError
from ..utils.hashing import lines_sha256
from .crops import TRAIN_LIST, is_detection, read_detection_task
from .extracted import ProgressFactory
from .fine_tuner import FineTuner, Log
from .names import BEAM, SHORTLIST
from .result import Routing
from .router import Router
from .task import Task, read_task

PathLike = str | os.PathLike


def route(
    network: NetworkLike,
    target: PathLike,
    clusters: Clusters | PathLike | None = None,
    *,
    router: str = "exhaustive",
    probe: str = "knn",
    on_tie: str = "max",
    shortlist: int = SHORTLIST,
    beam: int = BEAM,
    max_images: int = 2000,
    image_size: int | None = None,
    batch_size: int = 64,
    seed: int = 0,
    source: Literal["online", "ema"] = "online",
    fine_tune: FineTuner | None = None,
    device: str = AUTO,
    cfg_options: Mapping[str, Any] | None = None,
    trust: bool = False,
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
        shortlist: Paths of the shortlist.
        beam: Width of the beam.
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
        log: Takes a line for the user.
        progress: Makes, from a title and a total, a function told how many are done.

    Returns:
        The ranking and the answer; nothing is written, but by ``fine_tune``.

    Raises:
        UserError: The network is not routed or not calibrated, the clusters are of
            another network, the task cannot be read, or a bad option.
    """
    return prepare(
        network,
        target,
        clusters,
        router=router,
        probe=probe,
        on_tie=on_tie,
        shortlist=shortlist,
        beam=beam,
        max_images=max_images,
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        source=source,
        fine_tune=fine_tune,
        device=device,
        cfg_options=cfg_options,
        trust=trust,
        progress=progress,
    ).solve(log)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A routing that is about to be made.

    Attributes:
        router: Scores and ranks.
        network: The network.
        target: Folder of the task.
        clusters_name: Where the clusters lie; None: they are a value, or not known.
        fine_tune: Trains the first few; None: nothing is trained.
        described: All that the answer depends on.
    """

    router: Router
    network: Network
    target: Path
    clusters_name: str | None
    fine_tune: FineTuner | None
    described: dict[str, Any]

    def solve(self, log: Log | None = None) -> Routing:
        """Routes; see `route`."""
        routing = dataclasses.replace(
            self.router.route(),
            clusters_name=self.clusters_name,
            network=self.network.meta,
            depends_on=self.described,
        )
        if self.fine_tune is not None:
            return self._fine_tuned(self.fine_tune, routing, log or _silent)
        if is_detection(self.target):
            note = (
                "boxes are a proxy for detection: fine-tune a detector on the first "
                "few and on MAX"
            )
            return dataclasses.replace(routing, notes=(*routing.notes, note))
        return routing

    def _fine_tuned(self, tuner: FineTuner, routing: Routing, log: Log) -> Routing:
        first = [c.subnet for c in routing.ranking[: tuner.top]]
        begin = time.monotonic()
        found = tuner.compare(
            self.network, [*first, routing.largest], self.target, routing.seed, log
        )
        seconds = {"fine-tuning": time.monotonic() - begin}
        note = tuner.conclude(found, routing.largest)
        return dataclasses.replace(
            routing,
            fine_tuned=tuple(found),
            notes=(*routing.notes, note),
            seconds={**routing.seconds, **seconds},
        )


def prepare(
    network: NetworkLike,
    target: PathLike,
    clusters: Clusters | PathLike | None = None,
    *,
    router: str = "exhaustive",
    probe: str = "knn",
    on_tie: str = "max",
    shortlist: int = SHORTLIST,
    beam: int = BEAM,
    max_images: int = 2000,
    image_size: int | None = None,
    batch_size: int = 64,
    seed: int = 0,
    source: Literal["online", "ema"] = "online",
    fine_tune: FineTuner | None = None,
    device: str = AUTO,
    cfg_options: Mapping[str, Any] | None = None,
    trust: bool = False,
    progress: ProgressFactory | None = None,
) -> Problem:
    """Opens and checks what a routing reads, without scoring; see `route`."""
    target = Path(target)
    if fine_tune is not None and not is_detection(target):
        raise UserError(
            f"fine-tuning is for detection: {target} has no {TRAIN_LIST.as_posix()}"
        )
    opened = open_network(
        network, source=source, trust=trust, cfg_options=cfg_options, subnets=True
    )
    clusters_name = None
    if clusters is not None and not isinstance(clusters, Clusters):
        clusters_name, clusters = str(clusters), Clusters.open(clusters)
    transform = opened.preprocessing
    if image_size is not None:
        transform = dataclasses.replace(transform, image_size=image_size)
    if is_detection(target):
        task = read_detection_task(target, transform, max_images, seed)
    else:
        labels = router != "overlap"
        task = read_task(target, transform, max_images, seed, labels=labels)
    # A copy: what the caller holds stays where it is.
    backbone: Any = copy.deepcopy(opened.elastic)
    chosen = Router(
        backbone.to(pick_device(device)),
        task,
        clusters,
        router,
        probe,
        seed,
        batch_size,
        shortlist,
        beam,
        on_tie=on_tie,
        progress=progress,
    )
    described = {
        "network": _without_names(opened.meta),
        "task": _described_task(task),
        "clusters": clusters and _described_clusters(clusters),
        **{"router": router, "probe": probe, "on_tie": on_tie, "seed": seed},
        **{"shortlist": shortlist, "beam": beam},
        "fine_tune": fine_tune and dict(fine_tune.describe()),
    }
    return Problem(chosen, opened, target, clusters_name, fine_tune, described)


def _described_task(task: Task) -> dict[str, Any]:
    """Returns what tells a task from any other, wherever it lies."""
    found = {key: value for key, value in task.describe().items() if key != "root"}
    return {**found, "sha256": task.sha256}


def _described_clusters(clusters: Clusters) -> dict[str, Any]:
    return {
        "tree": list(clusters.tree),
        "ids_sha256": lines_sha256(clusters.image_ids),
        "leaf_sha256": sha256(clusters.leaf),
    }


def _without_names(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what tells weights from any other: their files may be renamed."""
    return {k: v for k, v in meta.items() if k not in ("config", "checkpoint")}


def _silent(line: str) -> None:
    """Says nothing."""
