"""How well and how fast the routers choose, on the paths of SDR's evidence."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..routing.routers import ROUTERS
from ..utils.steps import Steps
from ..utils.tables import head, row, spread
from .evidence import read_json
from .sdr_study import Run, Study

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
