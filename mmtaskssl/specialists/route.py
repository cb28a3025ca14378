"""Chooses among plain networks, as `routing` does among the paths of one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..clustering.clusters import Clusters
from ..engine.hooks.start_norm import reestimate
from ..evaluation.target import Target
from ..features.extractor import extractor_of
from ..features.opening import check_running, open_runner
from ..features.runner import BatchRunner, spaced_images
from ..networks import Network
from ..routing.candidate import Candidate
from ..routing.choice import choose
from ..routing.names import PROBES, TIES
from ..routing.probes import Evidence, Interval, probe_features
from ..routing.soft import soft_choices
from ..routing.task import Task
from ..utils import checks
from ..utils.clock import Clock
from ..utils.families import Diverged
from .arm import GENERIC
from .mix import gates, mixed, share_statistics
from .routed import Named, SpecialistRouting

_SOFT, _HALF = "soft", "half-"
# So many images give batch norms their statistics.
_NORM_IMAGES = 512


def route_networks(
    networks: Mapping[str, Network],
    leaves: Mapping[str, tuple[int, ...]],
    target: str | Path,
    clusters: Clusters,
    *,
    favourite: str = GENERIC,
    votes: Sequence[float] | None = None,
    probe: str = "linear",
    on_tie: str = "one-se",
    mixtures: bool = True,
    seed: int = 0,
    log: Callable[[str], None] = lambda text: None,
    running: Mapping[str, Any] | None = None,
) -> SpecialistRouting:
    """Finds the one of several networks that suits a task.

    Args:
        networks: By name; "generic" is one of them.
        leaves: Clusters that each specialist was trained on.
        target: See `Specialists.route`, as for the following.
        clusters: Of the pool.
        favourite: The one that wins ties.
        votes: The target's share of each cluster; None: not known.
        probe: See above.
        on_tie: See above.
        mixtures: See above.
        seed: See above.
        log: See above.
        running: See `open_runner`.

    Raises:
        UserError: See above.
    """
    checks.path_like("target", target)
    checks.one_of("probe", probe, PROBES)
    checks.one_of("on_tie", on_tie, TIES)
    checks.flag("mixtures", mixtures)
    checks.seed(seed)
    running = dict(running or {})
    check_running(running)
    clock = Clock()
    candidates = {favourite: {favourite: 1.0}}
    candidates |= dict(_candidates(networks, leaves, votes, mixtures))
    runner = open_runner(networks[GENERIC], **running)
    read = Target(str(target))
    found = []
    measured = not share_statistics({**networks})
    y, classes = None, []
    for name, shares in candidates.items():
        with clock.part("features"):
            network = _network(networks, name, shares, measured, runner, read)
            runner.extractor = extractor_of(network).to(
                runner.device, memory_format=torch.channels_last
            )
            rows = read.split(runner, "train", None, log)
        if y is not None and len(rows.y) != len(y):
            raise Diverged(
                f"{name} makes no features of some images: it may have diverged"
            )
        y, classes = rows.y, rows.class_names
        found.append(rows.x)
    with clock.part("probe"):
        evidence = _probe(found, y, len(classes), probe, seed)
    names = [*candidates]
    best = choose(evidence, range(len(names)), lambda place: -place, on_tie)
    ranking = _rank(names, evidence, best)
    for candidate in ranking:
        log(f"{candidate.subnet}: {100 * candidate.score:.2f} %")
    order = [names.index(candidate.subnet.name) for candidate in ranking]
    soft = soft_choices(
        [found[place] for place in order],
        lambda some: _probe(some, y, len(classes), probe, seed),
    )
    chosen = _network(
        networks, names[best], candidates[names[best]], measured, runner, read
    )
    task = _task(read, runner, y, classes)
    return SpecialistRouting(
        tuple(ranking),
        Named(favourite),
        tuple(_notes(ranking, best, probe, favourite)),
        len(names) - 1,
        {},
        tuple(soft),
        (len(names), len(names)),
        clock.seconds(2),
        "exhaustive",
        probe,
        on_tie,
        seed,
        task,
        clusters,
        network={"candidates": {n: dict(s) for n, s in candidates.items()}},
        depends_on={
            "networks": {n: w.weights_sha256 for n, w in networks.items()},
            "candidates": {n: dict(s) for n, s in candidates.items()},
            "task": {**task.describe(), "root": None},
            "probe": probe,
            "on_tie": on_tie,
            "favourite": favourite,
            "seed": seed,
        },
        chosen=chosen,
        leaves={**leaves},
    )


def _candidates(
    networks: Mapping[str, Network],
    leaves: Mapping[str, tuple[int, ...]],
    votes: Sequence[float] | None,
    mixtures: bool,
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yields each candidate, and how much of which networks it is."""
    yield GENERIC, {GENERIC: 1.0}
    for name in networks:
        if name != GENERIC:
            yield name, {name: 1.0}
    if not mixtures:
        return
    for name in leaves:
        yield f"{_HALF}{name}", {GENERIC: 0.5, name: 0.5}
    if votes is None or not leaves:
        return
    shares = {name: share for name, share in gates(votes, leaves).items() if share > 0}
    if len(shares) > 1:
        yield _SOFT, shares


def _network(
    networks: Mapping[str, Network],
    name: str,
    shares: Mapping[str, float],
    measured: bool,
    runner: BatchRunner,
    target: Target,
) -> Network:
    """Returns a candidate; a mean's batch norms are measured anew where they must."""
    if len(shares) == 1:
        return networks[name]
    network = mixed(networks, shares)
    if measured:
        images = spaced_images(runner, *target.images("train"), _NORM_IMAGES)
        reestimate(network.backbone, images)
    return network


def _probe(
    features: Sequence[Tensor], y: Tensor, classes: int, probe: str, seed: int
) -> Evidence:
    return probe_features(features, y, classes, probe, seed)


def _rank(names: Sequence[str], evidence: Evidence, best: int) -> list[Candidate]:
    order = sorted(
        range(len(names)), key=lambda i: (i != best, -float(evidence.scores[i]))
    )
    return [
        Candidate(
            Named(names[i]),
            *_triple(evidence.interval(i)),
            *_triple(evidence.margin(best, i)),
            tied=i != best and evidence.tied(best, i),
        )
        for i in order
    ]


def _triple(found: Interval) -> tuple[float, float, float]:
    return found.score, found.low, found.high


def _notes(
    ranking: Sequence[Candidate], best: int, probe: str, favourite: str
) -> Iterator[str]:
    unit = 1.0 if probe == "logme" else 100.0
    if best == 0:
        first = max(ranking[1:], key=lambda c: c.score)
        yield (
            f"no network is ahead of {favourite} by more than chance; the nearest, "
            f"{first.subnet}, by {0 - unit * first.behind:.2f} "
            f"({0 - unit * first.behind_high:.2f} to {0 - unit * first.behind_low:.2f})"
        )
    else:
        other = next(c for c in ranking if c.subnet.name == favourite)
        yield (
            f"{ranking[0].subnet} is ahead of {favourite} by "
            f"{unit * other.behind:.2f} ({unit * other.behind_low:.2f} to "
            f"{unit * other.behind_high:.2f})"
        )
    yield (
        "the first of several candidates is partly the luckiest: its own score is "
        "optimistic"
    )


def _task(
    target: Target, runner: BatchRunner, y: Tensor | None, classes: Sequence[str]
) -> Task:
    """Describes the task; its pixels are not kept."""
    root, image_ids = target.images("train")
    whole = 0 if y is None else len(y)
    return Task(
        *(root, list(image_ids), torch.empty(0), y, list(classes)),
        *(0, len(image_ids) - whole, runner.transform),
    )
