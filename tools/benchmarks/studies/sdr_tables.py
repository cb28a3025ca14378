"""The tables of SDR's evidence, from the files of its stages."""

import statistics
from collections.abc import Iterator, Mapping

from ..utils.tables import head, row, spread
from .sdr_routing import routing_table, specialists_table
from .sdr_study import (
    ARMS,
    MEASURES,
    PLAIN,
    PLANTED,
    Run,
    Study,
    random_path,
    routed,
    whole,
)

_OTHERS = {
    "random": "routed, random clusters",
    "no-kd": "routed, no distillation",
    "no-progress": "routed, no progress",
}


class Tables:
    """Markdown of the arms that have been measured.

    Args:
        study: Says what was measured.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    def tables(self, seeds: int) -> str:
        """Returns all tables, over the first ``seeds`` seeds."""
        study, results = self.study, self.study.results(seeds)
        lines = [
            f"{seeds} seed(s), {study.iters} iterations ({study.longer} of MAX alone), "
            f"`{study.config.name}`; mean ± sample standard deviation over seeds.",
        ]
        for measure in MEASURES:
            lines += ["", f"{measure} top-1 (%)", ""]
            lines += self._compare(results, measure)
        lines += ["", "Embeddings of each path on its own cluster", ""]
        lines += _embeddings(results)
        if PLANTED in results:
            lines += ["", *self._planted(results[PLANTED])]
        if "routed" in results:
            lines += ["", *routing_table(study, results["routed"])]
            lines += ["", *specialists_table(study, seeds)]
        return "\n".join(lines) + "\n"

    def _compare(self, results: Mapping[str, list[Run]], measure: str) -> Iterator[str]:
        targets, columns = self.study.targets, {}
        if PLAIN in results:
            columns["MAX, as many MACs"] = PLAIN, whole
        if "routed" in results:
            columns["MAX"] = "routed", whole
            columns["random path"] = "routed", random_path
            columns["routed"] = "routed", routed
        columns |= {n: (arm, routed) for arm, n in _OTHERS.items() if arm in results}
        values = {
            name: [[choose(run, t)[measure] for run in results[arm]] for t in targets]
            for name, (arm, choose) in columns.items()
        }
        means = {
            name: [statistics.mean(run) for run in zip(*by_target, strict=True)]
            for name, by_target in values.items()
        }
        yield from head(["target", *columns])
        for place, target in enumerate(targets):
            yield row([target, *(spread(v[place]) for v in values.values())])
        yield row(["mean", *map(spread, means.values())])
        if "routed" in means:
            yield from self._differences(results["routed"], means)

    def _differences(
        self, runs: list[Run], means: Mapping[str, list[float]]
    ) -> Iterator[str]:
        yield from ("", "Mean over targets, routed minus the other, paired by seed:")
        for name, values in means.items():
            if name != "routed":
                pairs = zip(means["routed"], values, strict=True)
                yield f"- {name}: {spread([a - b for a, b in pairs], sign=True)}"
        wins = [
            routed(run, target)["name"] != run["max"]
            for run in runs
            for target in self.study.targets
        ]
        yield f"- a path was chosen over MAX {sum(wins)}/{len(wins)} times"

    def _planted(self, runs: list[Run]) -> Iterator[str]:
        domains = self.study.planted
        for title, key, reduce in (
            ("best held-out kNN (%) among the paths of each", "inner", max),
            ("mean test kNN (%) of the paths of each", "knn", statistics.mean),
        ):
            yield f"Planted domains: {title}"
            yield ""
            yield from head(["target", *(f"{name} paths" for name in domains), "MAX"])
            for target in domains:
                paths = [
                    [reduce(self._of_domain(run, target, n, key)) for run in runs]
                    for n in range(len(domains))
                ]
                largest = [whole(run, target)[key] for run in runs]
                yield row([target, *map(spread, paths), spread(largest)])
            yield ""

    def _of_domain(self, run: Run, target: str, number: int, key: str) -> list[float]:
        """Returns a figure of all paths of one planted domain."""
        groups = self.study.groups[-1] // len(self.study.planted)
        return [
            figures[key]
            for name, figures in run["targets"][target].items()
            if name != run["max"] and int(name.rsplit(".", 1)[1]) // groups == number
        ]


def _embeddings(results: Mapping[str, list[Run]]) -> Iterator[str]:
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
                for run in results.get(arm, [])
            ]
            for reduce in (statistics.mean, min):
                values = [reduce(found) for found in by_run]
                cells += [f"{statistics.mean(values):.{digits}f}"] if values else []
        if cells:
            yield row([arm, *cells])
