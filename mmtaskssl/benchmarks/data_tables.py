"""The tables of DATA's evidence, from the files of its stages."""

import itertools
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..evaluation import rank_statistics as ranks
from .data_study import (
    CURVE,
    HANDMADE,
    MEASURES,
    METRICS,
    NARROW,
    SEARCHED,
    Study,
    read,
)


class Tables:
    """Markdown of whatever there are results for.

    Args:
        study: Says what was measured.
        resamples: Of every interval.
    """

    def __init__(self, study: Study, resamples: int = 500) -> None:
        self.study, self.resamples = study, resamples

    def tables(self) -> str:
        """Returns all tables."""
        parts = [self._curve_table(), self._rank_table(), self._best_table()]
        return "\n\n".join(part for part in [*parts, self._keys_table()] if part) + "\n"

    def _averaged(self) -> str:
        return f"mean of {', '.join(self.study.targets)}"

    def _curve_table(self) -> str:
        points = self.study.points()
        seeds = self.study.seeds_with(f"curve-ours-{self.study.iters}")
        if not seeds:
            return ""
        space = self.study.backbone.space
        lines = [
            f"kNN top-1 (%) over the training, {self._averaged()}; "
            f"{spread_note(seeds)}. Last columns: the features' effective rank and "
            "spread (1: as of random directions) at the end.",
            "",
            table_row(["sub-net", "M MACs", *map(str, points), "rank", "spread"]),
            table_row(["---"] * (len(points) + 4)),
        ]
        for subnet in self.study.curve_subnets():

            def values(stage: str, key: str, name: str = subnet.name) -> list[float]:
                return [
                    statistics.fmean(
                        self.study.column(seed, stage, target, key)[name]
                        for target in self.study.targets
                    )
                    for seed in seeds
                ]

            last = f"curve-ours-{self.study.iters}"
            cells = [spread(values(f"curve-ours-{point}", "knn")) for point in points]
            name = space.name_of(subnet) or subnet.name
            extra = [spread(values(last, "effective_rank"))]
            extra.append(spread(values(last, "spread"), 2))
            macs = f"{self.study.macs(subnet) / 1e6:.1f}"
            lines.append(table_row([name, macs, *cells, *extra]))
        return "\n".join(lines)

    def _rank_table(self) -> str:
        seeds = [
            s
            for s in self.study.seeds_with("truth")
            if s in self.study.seeds_with("score")
        ]
        if not seeds:
            return ""
        names = [s.name for s in self.study.candidates]
        bands = [*self.study.candidates.values()]
        macs = np.array(
            [self.study.macs(s) for s in self.study.candidates], dtype=float
        )
        lines = [
            f"How a predictor ranks {len(names)} sub-nets by accuracy; predictor and "
            f"accuracy are means of {len(seeds)} supernet(s), in brackets the 95 % "
            "bootstrap interval over sub-nets. In bands: mean within "
            f"{len(self.study.bands)} bands of +-{100 * NARROW:.0f} % MACs. Partial: "
            "MACs discounted. p: share of shuffled predictors that do as well in the "
            "bands. "
            "Rivals without labels: MACs, and the effective rank of the target's "
            "features. Other supernet: how one supernet's accuracies rank another's, "
            "which is what a perfect predictor could reach.",
            "",
            table_row(
                [
                    *("target", "accuracy", "predictor", "Spearman", "Kendall"),
                    *("Spearman in bands", "Kendall in bands", "partial", "p"),
                ]
            ),
            table_row(["---"] * 9),
        ]
        inside = [place for place, band in enumerate(bands) if band != "-"]
        labels = [bands[place] for place in inside]
        for target in [*self.study.targets, "mean"]:
            on = self.study.targets if target == "mean" else [target]
            for measure in MEASURES:
                truth = self._mean(seeds, "truth", on, measure, names)
                predictors = {
                    metric: self._mean(seeds, "score", on, metric, names)
                    for metric in METRICS
                }
                predictors["MACs"] = macs
                predictors["rank"] = self._mean(
                    seeds, "truth", on, "effective_rank", names
                )
                for name, x in predictors.items():
                    cells = correlations(x, truth, macs, inside, labels, self.resamples)
                    if name == "MACs":
                        cells[-2] = ""
                    lines.append(table_row([target, measure, name, *cells]))
                truths = [self._mean([s], "truth", on, measure, names) for s in seeds]
                if len(seeds) > 1:
                    cells = agreement(truths, macs, inside, labels)
                    lines.append(table_row([target, measure, "other supernet", *cells]))
        return "\n".join(lines)

    def _mean(
        self,
        seeds: Sequence[int],
        stage: str,
        targets: Sequence[str],
        key: str,
        names: Sequence[str],
    ) -> np.ndarray:
        """Returns a column over sub-nets, as the mean over seeds and targets."""
        columns = []
        for seed in seeds:
            for target in targets:
                column = self.study.column(seed, stage, target, key)
                values = [column[name] for name in names]
                if stage == "score":
                    values = [value["score"] for value in values]
                columns.append(values)
        return np.mean(columns, axis=0)

    def _best_table(self) -> str:
        seeds = self.study.seeds_with("searched")
        if not seeds:
            return ""
        band = [*self.study.bands][-1]
        handmade = self.study.backbone.space.resolve(HANDMADE)
        drawn = [s.name for s, b in self.study.candidates.items() if b == band]
        drawn.remove(handmade.name)
        lines = [
            f"Top-1 (%) in the band of {HANDMADE} ({band}, +-{100 * NARROW:.0f} %): "
            f"the most similar of {SEARCHED} sub-nets, {HANDMADE}, the mean and the "
            f"best of {len(drawn)} random ones, and MAX; {spread_note(seeds)}.",
            "",
            table_row(
                [
                    *("target", "accuracy", *(f"searched, {m}" for m in METRICS)),
                    *(HANDMADE, "random, mean", "random, best", "MAX"),
                ]
            ),
            table_row(["---"] * (6 + len(METRICS))),
        ]
        for target in self.study.targets:
            for measure in MEASURES:
                cells = [
                    [self._searched(seed, target, metric, measure) for seed in seeds]
                    for metric in METRICS
                ]
                truths = [
                    self.study.column(seed, "truth", target, measure) for seed in seeds
                ]
                cells += [
                    [truth[handmade.name] for truth in truths],
                    [statistics.fmean(t[n] for n in drawn) for t in truths],
                    [max(truth[name] for name in drawn) for truth in truths],
                    [truth[self.study.backbone.space.max.name] for truth in truths],
                ]
                lines.append(table_row([target, measure, *map(spread, cells)]))
        return "\n".join(lines)

    def _searched(self, seed: int, target: str, metric: str, measure: str) -> float:
        measured = self.study.column(seed, "searched", target, measure)
        scores = self.study.column(seed, "score", target, metric)
        drawn = self.study.searched_pool()
        return measured[max(drawn, key=lambda s: scores[s.name]["score"]).name]

    def _keys_table(self) -> str:
        stages = {arm: f"curve-{arm}-{self.study.iters}" for arm in ("ours", "theirs")}
        seeds = [
            s
            for s in self.study.seeds_with(stages["theirs"])
            if s in self.study.seeds_with(stages["ours"])
        ]
        if not seeds or not (self.study.out / "speed.json").exists():
            return ""
        times = read(self.study.out / "speed.json")
        rounds = zip(times["theirs"], times["ours"], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in rounds)
        lines = [
            "Keys, average and queue once a step (ours) or once a sub-net (theirs, the "
            "authors' loop): CPU seconds a step, medians of interleaved steps (ratio "
            f"{ratio:.2f}), and kNN top-1 (%) after {self.study.iters} iterations, "
            f"{self._averaged()}; {spread_note(seeds)}.",
            "",
            table_row(["loop", "s/step", "MAX", "MIN", f"{CURVE} random"]),
            table_row(["---"] * 5),
        ]
        largest, smallest, *others = [s.name for s in self.study.curve_subnets()]
        for arm, stage in stages.items():

            def knn(names: Sequence[str], stage: str = stage) -> list[float]:
                return [
                    statistics.fmean(
                        self.study.column(seed, stage, target, "knn")[name]
                        for target in self.study.targets
                        for name in names
                    )
                    for seed in seeds
                ]

            cells = [spread(knn(n)) for n in ([largest], [smallest], others)]
            seconds = f"{statistics.median(times[arm]):.3f}"
            lines.append(table_row([arm, seconds, *cells]))
        return "\n".join(lines)


def correlations(
    x: np.ndarray,
    truth: np.ndarray,
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
    resamples: int,
) -> list[str]:
    """Returns the cells of one predictor."""

    def cell(statistic: Callable[..., float], *arrays: Any) -> str:
        low, high = ranks.bootstrap_interval(statistic, *arrays, resamples=resamples)
        return f"{statistic(*arrays):.2f} [{low:.2f}, {high:.2f}]"

    def banded(statistic: Callable[..., float]) -> Callable[..., float]:
        return lambda a, b, bands: ranks.banded(statistic, a, b, bands)

    in_bands = x[inside], truth[inside], np.asarray(labels)
    *_, p = ranks.shuffled_interval(
        banded(ranks.spearman), *in_bands, resamples=resamples
    )
    return [
        cell(ranks.spearman, x, truth),
        cell(ranks.kendall, x, truth),
        cell(banded(ranks.spearman), *in_bands),
        cell(banded(ranks.kendall), *in_bands),
        cell(ranks.partial_spearman, x, truth, macs),
        f"{p:.3f}",
    ]


def agreement(
    truths: Sequence[np.ndarray],
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
) -> list[str]:
    """Returns the cells of supernets as predictors of each other, means of pairs."""
    found = []
    for a, b in itertools.combinations(truths, 2):
        banded = [
            ranks.banded(statistic, a[inside], b[inside], labels)
            for statistic in (ranks.spearman, ranks.kendall)
        ]
        partial = ranks.partial_spearman(a, b, macs)
        found.append([ranks.spearman(a, b), ranks.kendall(a, b), *banded, partial])
    return [*(f"{value:.2f}" for value in np.mean(found, axis=0)), ""]


def table_row(cells: Iterable[str]) -> str:
    """Returns a line of a markdown table."""
    return f"| {' | '.join(cells)} |"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Returns mean and sample standard deviation."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def spread_note(seeds: Sequence[int]) -> str:
    """Says what `spread` is over."""
    if len(seeds) < 2:
        return "one supernet"
    return f"mean ± standard deviation of {len(seeds)} supernets"
