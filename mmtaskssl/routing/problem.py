"""A routing that is about to be made."""

import copy
import dataclasses
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..clustering.files import sha256
from ..networks import Network, NetworkLike, open_network
from ..utils import checks
from ..utils.devices import pick_device
from ..utils.families import ConfigUnsuited
from ..utils.hashing import lines_sha256
from .crops import TRAIN_LIST, is_detection, read_detection_task
from .extracted import ProgressFactory
from .fine_tuner import FineTuner, Log
from .options import Options
from .result import Routing
from .router import Router
from .task import Task, read_task

PathLike = str | os.PathLike


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
    clusters: Clusters | PathLike | None,
    options: Options,
    fine_tune: FineTuner | None = None,
    progress: ProgressFactory | None = None,
) -> Problem:
    """Opens and checks what a routing reads, without scoring.

    Args:
        network: See `route`, as for all but ``options``.
        target: See above.
        clusters: See above.
        options: How to route.
        fine_tune: See above.
        progress: See above.

    Raises:
        UserError: See `route`.
    """
    checks.path_like("target", target)
    target = Path(target)
    if fine_tune is not None and not is_detection(target):
        raise ConfigUnsuited(
            f"fine-tuning is for detection: {target} has no {TRAIN_LIST.as_posix()}"
        )
    opened = open_network(
        network,
        source=options.source,
        trust=options.trust,
        cfg_options=options.cfg_options,
        subnets=True,
    )
    clusters_name = None
    if clusters is not None and not isinstance(clusters, Clusters):
        checks.path_like("clusters", clusters)
        clusters_name, clusters = str(clusters), Clusters.open(clusters)
    transform = opened.preprocessing
    if options.image_size is not None:
        transform = dataclasses.replace(transform, image_size=options.image_size)
    if is_detection(target):
        task = read_detection_task(target, transform, options.max_images, options.seed)
    else:
        labels = options.router != "overlap"
        task = read_task(
            target, transform, options.max_images, options.seed, labels=labels
        )
    # A copy: what the caller holds stays where it is.
    backbone: Any = copy.deepcopy(opened.elastic)
    chosen = Router(
        backbone.to(pick_device(options.device)),
        task,
        clusters,
        options.router,
        options.probe,
        options.seed,
        options.batch_size,
        options.shortlist,
        options.beam,
        on_tie=options.on_tie,
        progress=progress,
    )
    described = {
        "network": _without_names(opened.meta),
        "task": _described_task(task),
        "clusters": clusters and _described_clusters(clusters),
        **options.describe(),
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
