"""How well and how fast the routers choose, on the paths of SDR's evidence."""

import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mmtaskssl.apis import route
from mmtaskssl.networks import open_network
from mmtaskssl.routing.names import ROUTERS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.tables import head, row, spread

from .figures import Figures
from .sdr_design import GENERIC, MEASURES, Run, SdrDesign, specialist, whole
from .study import read_json

_FILE = "routing.json"


def route_all(study: SdrDesign, seed: int, trained: Path, own: Path) -> None:
    """Calibrates the paths of a training, and routes every target by every router.

    Args:
        study: Says what, and where it is kept.
        seed: Of the training.
        trained: Its checkpoint.
        own: Its clusters.
    """
    calibrated = study.seed_folder(seed, "calibrated.pth")
    study.steps.run(
        f"seed {seed} calibrate",
        calibrated,
        "calibrate_bn",
        *(study.config, trained, "--all", "--clusters", own, "--out", calibrated),
    )
    for target in study.targets:
        for router in ROUTERS:
            out = _folder(study, seed, target, router)
            name = f"seed {seed} route {target} {router}"
            find = partial(_route, study, calibrated, target, own, router, seed, out)
            study.made(name, (out / _FILE).exists, find)


def _route(
    study: SdrDesign,
    checkpoint: Path,
    target: str,
    clusters: Path,
    router: str,
    seed: int,
    out: Path,
) -> None:
    # Of 16 paths the defaults would look at all.
    few = {"shortlist": max(1, len(study.space) // 4), "beam": 1}
    found = route(
        open_network(study.cfg, checkpoint, subnets=True),
        study.target_folder(target),
        clusters,
        router=router,
        seed=seed,
        # What is measured is how well paths are told apart.
        on_tie="score",
        **{name: few[name] for name in few if router in ("exhaustive", name)},
    )
    found.save(out, overwrite=True)


def routing_table(study: SdrDesign, runs: Sequence[Run]) -> Iterator[str]:
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


def overlap_choice(study: SdrDesign, seed: int, target: str) -> tuple[int, ...] | None:
    """Returns the path that the label-free router chose; None for MAX.

    Args:
        study: Says where the results are.
        seed: Of the training.
        target: Name of a target that has been routed.
    """
    found = read_json(_folder(study, seed, target, "overlap") / _FILE)
    return Subnet.parse(found["winner"]).path


def specialists_table(study: SdrDesign) -> Iterator[str]:
    """Yields the lines of a table of MAX trained on, on one cluster or on all images.

    None if there was no such training.

    Args:
        study: Says where the results are.
    """

    def read(data: str, seed: int, target: str, measure: str) -> float | None:
        found = read_json(study.result(seed, GENERIC))
        if found is not None and data == "cluster":
            path = overlap_choice(study, seed, target)
            if path is not None:
                found = read_json(study.result(seed, specialist(path)))
        return found and whole(found, target)[measure]

    every = {
        measure: Figures(partial(read, measure=measure), study.seeds, study.targets)
        for measure in MEASURES
    }
    if not every["knn"].by_seed("cluster"):
        return
    yield from ("MAX trained on, on all images or on the target's cluster alone", "")
    columns = [(m, data) for m in MEASURES for data in ("all", "cluster")]
    yield from head(["target", *(f"{m}, {data}" for m, data in columns)])
    for target in study.targets:
        yield row([target, *(every[m].cell(data, target) for m, data in columns)])
    yield "\nMean gain of the cluster, paired by seed:"
    for measure, figures in every.items():
        yield from figures.against("cluster", {"all": measure})


def _figures(
    study: SdrDesign, seed: int, run: Run, router: str
) -> dict[str, float] | None:
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


def _folder(study: SdrDesign, seed: int, target: str, router: str) -> Path:
    return study.seed_folder(seed, "routing", f"{target}-{router}")
