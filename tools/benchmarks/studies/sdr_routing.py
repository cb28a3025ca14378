"""How well and how fast the routers choose, on the paths of SDR's evidence."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..routing.names import ROUTERS
from ..subnets import Subnet
from ..utils.steps import Steps
from ..utils.tables import head, row, spread
from .evidence import read_json
from .sdr_study import GENERIC, MEASURES, Run, Study, specialist, whole

_FILE = "routing.json"


def route_all(study: Study, steps: Steps, seed: int, trained: Path, own: Path) -> None:
    """Calibrates the paths of a training, and routes every target by every router.

    Args:
        study: Says what, and where it is kept.
        steps: Runs the tools.
        seed: Of the training.
        trained: Its checkpoint.
        own: Its clusters.
    """
    calibrated = study.seed_folder(seed, "calibrated.pth")
    steps.run(
        f"seed {seed} calibrate",
        calibrated,
        "calibrate_bn",
        *(study.config, trained, "--all", "--clusters", own, "--out", calibrated),
    )
    for target in study.targets:
        for router in ROUTERS:
            out = _folder(study, seed, target, router)
            steps.run(
                f"seed {seed} route {target} {router}",
                out / _FILE,
                "route_subnet",
                *(study.config, calibrated, "--target", study.target_folder(target)),
                *("--clusters", own, "--router", router, "--seed", seed),
                # What is measured is how well paths are told apart.
                *("--on-tie", "score"),
                # Of 16 paths the defaults would look at all.
                *("--shortlist", max(1, len(study.space) // 4), "--beam", 1),
                *("--out", out, "--overwrite"),
            )


def routing_table(study: Study, runs: Sequence[Run]) -> Iterator[str]:
    """Yields the lines of a table, a row a router; none if nothing was routed.

    The regret is of the score on the training images, which the exhaustive router has
    looked up; test accuracy is of the sub-net that was chosen.

    Args:
        study: Says where the results are.
        runs: Of the arm "routed", by seed.
    """
    rows = []
    for router in ROUTERS:
        cells = [_figures(study, seed, run, router) for seed, run in enumerate(runs)]
        if not all(cells):
            return
        names = ("scored", "seconds", "regret", "knn")
        rows.append(
            row([router, *(spread([cell[name] for cell in cells]) for name in names)])
        )
    yield from ("Routers, mean over targets", "")
    yield from head(["router", "scored", "seconds", "regret", "test kNN of its choice"])
    yield from rows


def overlap_choice(study: Study, seed: int, target: str) -> tuple[int, ...] | None:
    """Returns the path that the label-free router chose; None for MAX.

    Args:
        study: Says where the results are.
        seed: Of the training.
        target: Name of a target that has been routed.
    """
    found = read_json(_folder(study, seed, target, "overlap") / _FILE)
    return Subnet.parse(found["winner"]).path


def specialists_table(study: Study, seeds: int) -> Iterator[str]:
    """Yields the lines of a table of MAX trained on, on one cluster or on all images.

    None if there was no such training.

    Args:
        study: Says where the results are.
        seeds: How many of them.
    """
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for seed in range(seeds):
        generic = read_json(study.result(seed, GENERIC))
        if generic is None:
            return
        for target in study.targets:
            path = overlap_choice(study, seed, target)
            own = generic
            if path is not None:
                own = read_json(study.result(seed, specialist(path)))
            if own is None:  # still in training
                return
            for measure in MEASURES:
                both = whole(generic, target)[measure], whole(own, target)[measure]
                pairs.setdefault((target, measure), []).append(both)
    yield from ("MAX trained on, on all images or on the target's cluster alone", "")
    columns = [f"{m}, {name}" for m in MEASURES for name in ("all", "cluster")]
    yield from head(["target", *columns])
    for target in study.targets:
        cells = [
            spread([pair[side] for pair in pairs[target, measure]])
            for measure in MEASURES
            for side in (0, 1)
        ]
        yield row([target, *cells])
    for measure in MEASURES:
        gains = [
            statistics.mean(b - a for a, b in run)
            for run in zip(*(pairs[t, measure] for t in study.targets), strict=True)
        ]
        yield f"\nMean gain of the cluster, {measure}: {spread(gains, sign=True)}"


def _figures(study: Study, seed: int, run: Run, router: str) -> dict[str, float] | None:
    """Returns a router's means over the targets of a seed; None if it did not run."""
    found = []
    for target in study.targets:
        own = read_json(_folder(study, seed, target, router) / _FILE)
        best = read_json(_folder(study, seed, target, "exhaustive") / _FILE)
        if own is None or best is None:
            return None
        scores = {c["subnet"]: c["score"] for c in best["ranking"]}
        found.append(
            {
                "scored": own["scored"] if router != "overlap" else 0,
                "seconds": sum(own["seconds"].values()),
                "regret": 100 * (max(scores.values()) - scores[own["winner"]]),
                "knn": run["targets"][target][own["winner"]]["knn"],
            }
        )
    return {name: statistics.mean(f[name] for f in found) for name in found[0]}


def _folder(study: Study, seed: int, target: str, router: str) -> Path:
    return study.seed_folder(seed, "routing", f"{target}-{router}")
