"""The tables of DATA's evidence, from the files of its stages."""

import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from mmtaskssl.utils.tables import head, row, spread

from .data_design import (
    CURVE,
    HANDMADE,
    MEASURES,
    METRICS,
    NARROW,
    SEARCHED,
    DataDesign,
)
from .data_ranks import agreement, correlations
from .study import read_json


def tables(study: DataDesign, resamples: int = 500) -> str:
    """Returns Markdown of whatever there are results for, and what there are not.

    Args:
        study: Says what was measured.
        resamples: Of every interval.
    """
    tables = _Tables(study, resamples)
    parts = [tables.curve(), tables.ranks(), tables.best(), tables.keys()]
    parts = [part for part in parts if part]
    if unfinished := "\n".join(f"- {line}" for line in study.unfinished()):
        parts.append(f"Not there yet:\n\n{unfinished}")
    return "\n\n".join(parts) + "\n"


class _Tables:
    def __init__(self, study: DataDesign, resamples: int) -> None:
        self.study, self.resamples = study, resamples

    def _averaged(self) -> str:
        return f"mean of {', '.join(self.study.targets)}"

    def _mean_of(
        self, seeds: Sequence[int], stage: str, key: str, names: Sequence[str]
    ) -> list[float]:
        """Returns a value of each supernet, the mean over targets and sub-nets."""
        found = self.study.figures(key, names).by_seed(stage)
        return [found[seed] for seed in seeds]

    def curve(self) -> str:
        study, points = self.study, self.study.points()
        stages = [study.curve_stage(point) for point in points]
        seeds = study.seeds_with(*stages)
        if not seeds:
            return ""
        lines = [
            f"kNN top-1 (%) over the training, {self._averaged()}; "
            f"{spread_note(seeds)}. Last columns: the features' effective rank and "
            "spread (1: as of random directions) at the end.",
            "",
            *head(["sub-net", "M MACs", *map(str, points), "rank", "spread"]),
        ]
        for subnet in study.curve_subnets():
            name = [subnet.name]
            cells = [
                study.backbone.space.name_of(subnet) or subnet.name,
                f"{study.macs(subnet) / 1e6:.1f}",
                *(spread(self._mean_of(seeds, stage, "knn", name)) for stage in stages),
                spread(self._mean_of(seeds, stages[-1], "effective_rank", name)),
                spread(self._mean_of(seeds, stages[-1], "spread", name), 2),
            ]
            lines.append(row(cells))
        return "\n".join(lines)

    def ranks(self) -> str:
        study, seeds = self.study, self.study.seeds_with("truth", "score")
        if not seeds:
            return ""
        lines = [
            f"How a predictor ranks {len(study.candidates)} sub-nets by accuracy; "
            f"predictor and accuracy are means of {len(seeds)} supernet(s), in "
            "brackets the 95 % bootstrap interval over sub-nets. In bands: mean within "
            f"{len(study.bands)} bands of +-{100 * NARROW:.0f} % MACs. Partial: "
            "MACs discounted. p: share of shuffled predictors that do as well in the "
            "bands. "
            "Rivals without labels: MACs, and the effective rank of the target's "
            "features. Other supernet: how one supernet's accuracies rank another's, "
            "which is what a perfect predictor could reach.",
            "",
            *head(
                [
                    *("target", "accuracy", "predictor", "Spearman", "Kendall"),
                    *("Spearman in bands", "Kendall in bands", "partial", "p"),
                ]
            ),
        ]
        for target in [*study.targets, "mean"]:
            on = study.targets if target == "mean" else [target]
            for measure in MEASURES:
                lines += self._ranks(seeds, on, target, measure)
        return "\n".join(lines)

    def _ranks(
        self, seeds: Sequence[int], on: Sequence[str], title: str, measure: str
    ) -> Iterator[str]:
        """Yields the rows of one accuracy on some targets."""
        bands = [*self.study.candidates.values()]
        inside = [place for place, band in enumerate(bands) if band != "-"]
        labels = [bands[place] for place in inside]
        macs = np.array([self.study.macs(s) for s in self.study.candidates], float)
        truth = self._mean(seeds, "truth", on, measure)
        predictors = {m: self._mean(seeds, "score", on, m) for m in METRICS}
        predictors["MACs"] = macs
        predictors["rank"] = self._mean(seeds, "truth", on, "effective_rank")
        for name, x in predictors.items():
            cells = correlations(x, truth, macs, inside, labels, self.resamples)
            if name == "MACs":
                cells[-2] = ""
            yield row([title, measure, name, *cells])
        if len(seeds) > 1:
            truths = [self._mean([seed], "truth", on, measure) for seed in seeds]
            cells = agreement(truths, macs, inside, labels)
            yield row([title, measure, "other supernet", *cells])

    def _mean(
        self, seeds: Sequence[int], stage: str, targets: Sequence[str], key: str
    ) -> np.ndarray:
        """Returns a column of the candidates, the mean over seeds and targets."""
        columns = []
        for seed in seeds:
            for target in targets:
                column = self.study.column(seed, stage, target, key)
                values = [column[subnet.name] for subnet in self.study.candidates]
                if stage == "score":
                    values = [value["score"] for value in values]
                columns.append(values)
        return np.mean(columns, axis=0)

    def best(self) -> str:
        study, seeds = self.study, self.study.seeds_with("truth", "score", "searched")
        if not seeds:
            return ""
        band, space = [*study.bands][-1], study.backbone.space
        handmade, largest = space.resolve(HANDMADE).name, space.max.name
        drawn = [s.name for s, b in study.candidates.items() if b == band]
        drawn.remove(handmade)
        lines = [
            f"Top-1 (%) in the band of {HANDMADE} ({band}, +-{100 * NARROW:.0f} %): "
            f"the most similar of {SEARCHED} sub-nets, {HANDMADE}, the mean and the "
            f"best of {len(drawn)} random ones, and MAX; {spread_note(seeds)}.",
            "",
            *head(
                [
                    *("target", "accuracy", *(f"searched, {m}" for m in METRICS)),
                    *(HANDMADE, "random, mean", "random, best", "MAX"),
                ]
            ),
        ]
        for target in study.targets:
            for measure in MEASURES:
                truths = [study.column(s, "truth", target, measure) for s in seeds]
                cells = [
                    *(self._searched(seeds, target, m, measure) for m in METRICS),
                    [truth[handmade] for truth in truths],
                    [statistics.fmean(t[n] for n in drawn) for t in truths],
                    [max(truth[name] for name in drawn) for truth in truths],
                    [truth[largest] for truth in truths],
                ]
                lines.append(row([target, measure, *map(spread, cells)]))
        return "\n".join(lines)

    def _searched(
        self, seeds: Sequence[int], target: str, metric: str, measure: str
    ) -> list[float]:
        """Returns the accuracy of what each supernet's search finds."""
        found = []
        for seed in seeds:
            column = self.study.column(seed, "searched", target, measure)
            found.append(column[self.study.searched(seed, target, metric)])
        return found

    def keys(self) -> str:
        study = self.study
        arms = ("ours", "theirs")
        stages = {arm: study.curve_stage(study.iters, arm) for arm in arms}
        seeds, times = study.seeds_with(*stages.values()), read_json(study.speed_file)
        if not seeds or times is None:
            return ""
        rounds = zip(times["theirs"], times["ours"], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in rounds)
        lines = [
            "Keys, average and queue once a step (ours) or once a sub-net (theirs, the "
            "authors' loop): CPU seconds a step, medians of interleaved steps (ratio "
            f"{ratio:.2f}), and kNN top-1 (%) after {study.iters} iterations, "
            f"{self._averaged()}; {spread_note(seeds)}.",
            "",
            *head(["loop", "s/step", "MAX", "MIN", f"{CURVE} random"]),
        ]
        largest, smallest, *others = [s.name for s in study.curve_subnets()]
        for arm, stage in stages.items():
            cells = [
                spread(self._mean_of(seeds, stage, "knn", names))
                for names in ([largest], [smallest], others)
            ]
            lines.append(row([arm, f"{statistics.median(times[arm]):.3f}", *cells]))
        return "\n".join(lines)


def spread_note(seeds: Sequence[int]) -> str:
    """Says what `spread` is over."""
    if len(seeds) < 2:
        return "one supernet"
    return f"mean ± standard deviation of {len(seeds)} supernets"
