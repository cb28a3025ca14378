"""A search for sub-nets: candidates of budgets, scored once, ranked."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, get_dist_info
from mmengine.logging import print_log

from ..engine.config import load_config
from ..export.calibrate import config_transform, draw_images
from ..subnets import Cost, Subnet, cost
from ..utils.errors import UserError
from .budget import KINDS, Budget, Measure
from .encoders import load_encoders
from .latency import LatencyBook
from .metrics import get_metrics
from .prefixes import prefix_order
from .results import ResultsFile, Row
from .scorer import MeanInterval, Scorer
from .strategies import STRATEGIES, NoCandidate, draw

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
        device: Where to compute.
        root: Folder that listed paths are relative to.
        cfg_options: Changes to the config.
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
    device: str = "cpu"
    root: str | None = None
    cfg_options: Mapping[str, Any] | None = None


@dataclass
class Search:
    """Scores sub-nets of a checkpoint and remembers them on disk.

    Attributes:
        scorer: Computes similarities.
        results: Keeps them.
        interval: Of a mean over images.
        price: Says what a sub-net costs.
        clock: Says what time it takes.
        rows: All rows so far, by sub-net's name and metric.
    """

    scorer: Scorer
    results: ResultsFile
    interval: MeanInterval
    price: Any
    clock: LatencyBook
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    @property
    def space(self):
        """The search space."""
        return self.scorer.encoders.student.backbone.space

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [metric.name for metric in self.scorer.metrics]

    def score(self, subnets: Sequence[Subnet]) -> dict[Subnet, float]:
        """Scores what has not been scored before.

        To be called in all processes of a group, which share the work.

        Args:
            subnets: Any that the network runs.

        Returns:
            The similarities under the first metric.
        """
        subnets = list(dict.fromkeys(subnets))
        todo = [s for s in subnets if not self._known(s)]
        rank, world = get_dist_info()
        if todo:
            backbone = self.scorer.encoders.student.backbone
            todo = prefix_order(backbone, todo)
            # Neighbours share their beginnings, so each process takes a run of them.
            begin, end = (len(todo) * r // world for r in (rank, rank + 1))
            for number, (subnet, scores) in enumerate(
                self.scorer.score(todo[begin:end]), 1
            ):
                new = [self._row(subnet, *pair) for pair in scores.items()]
                self.results.append(
                    [r for r in new if (r["subnet"], r["metric"]) not in self.rows],
                    rank if world > 1 else None,
                )
                print_log(
                    f"{number}/{end - begin} {subnet}: "
                    + ", ".join(f"{r['metric']} {r['similarity']:.4f}" for r in new),
                    "current",
                )
            barrier()
            if world > 1:
                if rank == 0:
                    self.results.merge()
                barrier()
            self.rows = self.results.rows()
        first = self.metrics[0]
        return {s: self.rows[s.name, first]["similarity"] for s in subnets}

    def _known(self, subnet: Subnet) -> bool:
        return all((subnet.name, metric) in self.rows for metric in self.metrics)

    def _row(self, subnet: Subnet, metric: str, values) -> Row:
        price = self.price(subnet)
        return {
            "subnet": subnet.name,
            "metric": metric,
            "similarity": float(values.mean()),
            "ci": list(self.interval(values)),
            "macs": price.macs,
            "params": price.params,
        }

    def measure(self, kind: str) -> Measure:
        """Returns what says the cost of a sub-net of a kind of budget."""
        if kind == "latency":
            return self.clock
        return lambda subnet: getattr(self.price(subnet), kind)

    def check(self, budget: Budget) -> None:
        """Checks, before anything is scored, that a budget can be met.

        Raises:
            UserError: Nothing lies in the band.
        """
        value = self.measure(budget.kind)
        try:
            draw(self.space, lambda s: value(s) in budget, 1, 0)
        except NoCandidate:
            unit, size = KINDS[budget.kind]
            low, high = (value(s) / size for s in (self.space.min, self.space.max))
            raise UserError(
                f"no candidate has {budget}: this space goes from {low:.4g} to "
                f"{high:.4g} {unit}; choose another --budget"
            ) from None

    def run(
        self,
        budget: Budget,
        strategy: str = "random",
        count: int | None = 40,
        seed: int = 0,
    ) -> None:
        """Scores the candidates of a budget.

        Args:
            budget: The band.
            strategy: "random", "evolution" or "grid".
            count: How many candidates; None: all, of a grid.
            seed: Of the candidates.

        Raises:
            UserError: A bad option, or nothing lies in the band.
        """
        if strategy not in STRATEGIES:
            raise UserError(f"strategy must be {', '.join(STRATEGIES)}: {strategy!r}")
        if count is None and strategy != "grid":
            raise UserError(f"the {strategy} strategy needs a number of candidates")
        if count is not None and count < 1:
            raise UserError(f"a search needs at least one candidate, not {count}")
        self.check(budget)
        value = self.measure(budget.kind)
        STRATEGIES[strategy](
            self.space, lambda s: value(s) in budget, self.score, count, seed
        )

    def ranked(self, budget: Budget | None, metric: str) -> list[Row]:
        """Returns the rows of a band, best first.

        Args:
            budget: None: all rows.
            metric: Whose similarity.
        """
        value = None if budget is None else self.measure(budget.kind)
        rows = []
        for (name, of), row in self.rows.items():
            if of != metric:
                continue
            if value is not None:
                # Only what was measured can be in a band of latency.
                if budget.kind == "latency" and name not in self.clock.known:
                    continue
                if value(Subnet.parse(name)) not in budget:
                    continue
            rows.append(row)
        return sorted(rows, key=lambda r: (-r["similarity"], r["subnet"]))


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
    cfg = load_config(config, options.cfg_options)
    encoders = load_encoders(cfg, config, checkpoint, options.device)
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
    cost_options: dict[str, Any] = {
        "shape": options.shape,
        "in_channels": getattr(backbone, "in_channels", 3),
    }
    if hasattr(backbone, "strides"):
        cost_options["strides"] = tuple(backbone.strides)
    identity = {
        "checkpoint": Path(checkpoint).name,
        "checkpoint_sha256": encoders.source.meta["checkpoint_sha256"],
        "shape": list(options.shape),
        "interval": {"resamples": options.resamples, "seed": options.seed},
        **scorer.describe(),
    }
    results = ResultsFile(out / RESULTS, identity)
    rank = get_dist_info()[0]
    if rank == 0:
        results.prepare()
        scorer.references  # noqa: B018  # computed once, for the others to read
    barrier()
    return Search(
        scorer,
        results,
        MeanInterval(len(sample.ids), options.resamples, options.seed),
        functools.partial(_price, backbone.arch, cost_options),
        LatencyBook(backbone, out / "latency.jsonl", options.shape, options.device),
        results.rows(),
    )


def _price(arch, options: Mapping[str, Any], subnet: Subnet) -> Cost:
    return cost(arch, subnet, **options)


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
