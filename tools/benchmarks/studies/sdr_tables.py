"""The tables of SDR's evidence, from the files of its stages."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

from mmtaskssl.utils.tables import head, row, spread

from .figures import Figures
from .sdr_design import (
    ARMS,
    MEASURES,
    PLAIN,
    PLANTED,
    Run,
    SdrDesign,
    random_path,
    routed,
    whole,
)
from .sdr_routing import routing_table, specialists_table

Results = Mapping[str, Mapping[int, Run]]
"""By arm and seed."""

_OTHERS = {
    "random": "routed, random clusters",
    "no-kd": "routed, no distillation",
    "no-progress": "routed, no progress",
}


def tables(study: SdrDesign) -> str:
    """Returns Markdown of the arms that have been measured.

    Args:
        study: Says what was measured.
    """
    results = study.results()
    lines = [
        f"Up to {study.seeds} seed(s), {study.iters} iterations ({study.longer} of MAX "
        f"alone), `{study.config.name}`; mean ± sample standard deviation over seeds.",
    ]
    for measure in MEASURES:
        lines += ["", f"{measure} top-1 (%)", "", *_compare(study, results, measure)]
    lines += ["", "Embeddings of each path on its own cluster", ""]
    lines += _embeddings(results)
    if PLANTED in results:
        lines += ["", *planted_tables(study, [*results[PLANTED].values()])]
    if "routed" in results:
        runs = results["routed"]
        if [*runs] == [*range(len(runs))]:
            lines += ["", *routing_table(study, [*runs.values()])]
        lines += ["", *specialists_table(study)]
    return "\n".join(lines) + "\n"


def _compare(study: SdrDesign, results: Results, measure: str) -> Iterator[str]:
    columns: dict[str, tuple[str, Callable]] = {}
    if PLAIN in results:
        columns["MAX, as many MACs"] = PLAIN, whole
    if "routed" in results:
        columns["MAX"] = "routed", whole
        columns["random path"] = "routed", random_path
        columns["routed"] = "routed", routed
    columns |= {n: (arm, routed) for arm, n in _OTHERS.items() if arm in results}

    def read(name: str, seed: int, target: str) -> float | None:
        arm, choose = columns[name]
        run = results[arm].get(seed)
        return run and choose(run, target)[measure]

    figures = Figures(read, study.seeds, study.targets)
    titles = {name: name for name in columns}
    yield from figures.by_target(titles, mean=True)
    if "routed" not in columns:
        return
    yield from ("", "Mean over targets, routed minus the other, paired by seed:")
    yield from figures.against("routed", titles)
    wins = [
        routed(run, target)["name"] != run["max"]
        for run in results["routed"].values()
        for target in study.targets
    ]
    yield f"- a path was chosen over MAX {sum(wins)}/{len(wins)} times"


def planted_tables(study: SdrDesign, runs: Sequence[Run]) -> Iterator[str]:
    """Yields the lines of two tables: paths trained on domains, routed on each.

    Args:
        study: Says which domains.
        runs: Of the planted paths, by seed.
    """
    domains = study.planted
    for title, key, reduce in (
        ("best held-out kNN (%) among the paths of each", "inner", max),
        ("mean test kNN (%) of the paths of each", "knn", statistics.mean),
    ):
        yield from (f"Planted domains: {title}", "")
        yield from head(["target", *(f"{name} paths" for name in domains), "MAX"])
        for target in domains:
            paths = [
                [reduce(_of_domain(study, run, target, n, key)) for run in runs]
                for n in range(len(domains))
            ]
            largest = [whole(run, target)[key] for run in runs]
            yield row([target, *map(spread, paths), spread(largest)])
        yield ""


def _of_domain(
    study: SdrDesign, run: Run, target: str, number: int, key: str
) -> list[float]:
    """Returns a figure of all paths of one planted domain."""
    groups = study.groups[-1] // len(study.planted)
    return [
        figures[key]
        for name, figures in run["targets"][target].items()
        if name != run["max"] and int(name.rsplit(".", 1)[1]) // groups == number
    ]


def _embeddings(results: Results) -> Iterator[str]:
    columns = ("spread, mean", "least", "effective rank, mean", "least")
    yield from head(["arm", *columns])
    for arm in ARMS:
        cells = []
        for index, digits in enumerate((2, 1)):
            by_run = [
                [
                    v[index]
                    for name, v in run["embeddings"].items()
                    if name != run["max"]
                ]
                for run in results.get(arm, {}).values()
            ]
            for reduce in (statistics.mean, min):
                values = [reduce(found) for found in by_run]
                cells += [f"{statistics.mean(values):.{digits}f}"] if values else []
        if cells:
            yield row([arm, *cells])
