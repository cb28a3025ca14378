"""The tables of the evidence of a search that ranks, from the files of its stages."""

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from mmtaskssl.evaluation.rank_statistics import spearman
from mmtaskssl.utils.tables import head, row, spread

from .data_design import HANDMADE
from .search_averaged import averaged_table
from .search_choice import (
    Found,
    best_of,
    by_others,
    chosen_scores,
    column,
    images_of,
    order,
    scores_of,
)
from .search_dense import dense_table
from .search_design import ARMS, MEASURES, SearchDesign
from .search_gate import LEAST
from .search_ranks import RULES, cells, partial, rank_average, ridge, size_fit

# Scores in a rank average; random nets of the band that a user might take.
_JOINED, _RANDOM = 3, 10
_GOAL, _OF_BOUND = 0.6, 0.8


def tables(study: SearchDesign, resamples: int) -> str:
    """Returns Markdown of whatever there are results for, and what there are not.

    Args:
        study: Says what was measured.
        resamples: Of every interval; 0: none.
    """
    found = [Found(study, measure) for measure in MEASURES]
    parts = [
        gates(found),
        *(part for one in found for part in _ranks(one, resamples)),
        _choices(found),
        _gains(study, found),
        _alone(study),
        averaged_table(study, found),
        dense_table(study),
    ]
    if unfinished := "\n".join(f"- {line}" for line in study.unfinished()):
        parts.append(f"Not there yet:\n\n{unfinished}")
    return "\n\n".join(part for part in parts if part) + "\n"


def gates(found: Sequence[Found]) -> str:
    """Returns the go / no-go table; empty without accuracies."""
    lines = []
    for one in found:
        for target, gate in one.gates.items():
            lead = gate.lead
            values = [gate.macs.supernets, gate.macs.halves, gate.macs.bound]
            values.append(gate.shape.bound)
            lines.append(
                row(
                    [
                        *(target, one.measure, str(len(one.seeds[target]))),
                        *("-" if math.isnan(v) else f"{v:.2f}" for v in values),
                        f"{lead.mean:+.1f} [{lead.low:+.1f}, {lead.high:+.1f}]",
                        "go" if gate.go else "no-go",
                    ]
                )
            )
    if not lines:
        return ""
    names = ["target", "accuracy", "supernets", "reliability, supernets"]
    names += ["reliability, halves", "bound", "bound beyond shape", "MAX - mean net"]
    return "\n".join(
        [
            "Is there an order to find? Reliability of the accuracies of "
            f"{len(found[0].names)} sub-nets at equal MACs (Spearman of what a cubic "
            "in log-MACs leaves, stepped up by Spearman-Brown): of a supernet against "
            "another, and of halves of the test images. The root of the smaller is the "
            f"bound of any score; go from {LEAST}. Beyond shape: total depth and last "
            "width taken away, too. MAX less the mean net, points, and its 95 % "
            "interval over parts of the test images.",
            "",
            *head([*names, "gate"]),
            *lines,
        ]
    )


def _ranks(found: Found, resamples: int) -> Iterator[str]:
    bands = [*found.study.candidates.values()]
    for target in found.gated:
        truth, rivals = found.truths[target], found.rivals
        scores = {**found.scores[target], **found.rival_scores(target)}
        scores["size fit"] = size_fit(truth, rivals)
        if not found.scores[target]:
            continue
        ordered = sorted(scores, key=lambda n: -partial(scores[n], truth, rivals))
        lines = [
            row([name, *cells(scores[name], truth, rivals, bands, resamples)])
            for name in ordered
        ]
        bound = found.gates[target].shape.bound
        names = ["score", "Spearman", "Kendall", "Spearman in bands", "partial"]
        yield "\n".join(
            [
                f"{target}, {found.measure}: how scores rank {len(truth)} sub-nets, "
                f"means of {len(found.seeds[target])} supernet(s), with 95 % bootstrap "
                "intervals over sub-nets. Partial: given log-MACs, total depth and "
                "last width. own: on the target's training images, sept: on what SEPT "
                "selects, both: mean of the ranks by the two. Size fit: a linear fit "
                "on these three, leave-one-out. A "
                f"perfect score's partial one would be about {bound:.2f}.",
                "",
                *head(names),
                *lines,
            ]
        )


def _choices(found: Sequence[Found]) -> str:
    """The score that the other targets choose, on the target that is judged."""
    lines = []
    for rule, one in itertools.product(RULES, found):
        for target in one.gated:
            ordered = order(found, target, rule)
            if not ordered or not one.scores[target]:
                continue
            scores, truth = one.scores[target], one.truths[target]
            joined = {
                ordered[0]: scores[ordered[0]],
                "mean rank": rank_average([scores[n] for n in ordered[:_JOINED]]),
                "ridge": ridge(by_others(found, target), scores),
                "effective rank": scores["own:rank"],
                "size fit": size_fit(truth, one.rivals),
            }
            partials = [partial(x, truth, one.rivals) for x in joined.values()]
            plain = [spearman(x, truth) for x in joined.values()]
            goal = min(_GOAL, _OF_BOUND * one.gates[target].shape.bound)
            met = partials[0] >= goal and partials[0] > max(partials[3:])
            met = met and plain[0] > plain[4]
            values = [
                f"{a:.2f} / {b:.2f}" for a, b in zip(partials, plain, strict=True)
            ]
            lines.append(
                row(
                    [
                        *(rule, target, one.measure, ordered[0], *values),
                        *(f"{goal:.2f}", "yes" if met else "no"),
                    ]
                )
            )
    if not lines:
        return ""
    names = [
        "by",
        "target",
        "accuracy",
        "chosen",
        "it",
        f"mean rank of {_JOINED}",
        "ridge",
    ]
    names += ["effective rank", "size fit", "goal", "reached"]
    return "\n".join(
        [
            "Leave one target out: the score with the best partial correlation, in "
            "the mean or at the worst, on the other targets that pass the gate, and "
            "what is made of several by these; partial / plain Spearman on the target "
            "itself. Reached: the former "
            "is the goal's at least and above that of effective rank and size fit, "
            "and the latter above the size fit's.",
            "",
            *head(names),
            *lines,
        ]
    )


def _gains(study: SearchDesign, found: Sequence[Found]) -> str:
    """What a user gains in R18's band."""
    space, lines = study.backbone.space, []
    pool = [subnet.name for subnet in study.searched_pool]
    handmade, largest = space.resolve(HANDMADE).name, space.max.name
    band = [*study.bands][-1]
    inside = [s.name for s, b in study.candidates.items() if b == band]
    drawn = [name for name in inside if name != handmade][:_RANDOM]
    for target in study.targets:
        for measure in MEASURES:
            for score in chosen_scores(found, target):
                by_seed: list[list[float]] = []
                for seed in range(study.seeds):
                    truth = study.rows(seed, "truth", target)
                    stages = [f"score-{images}" for images in images_of(score)]
                    if any(study.lacking(seed, s, target, pool) for s in stages):
                        continue
                    best = best_of(scores_of(study, seed, target, score, pool), pool)
                    if not {best, handmade, largest, *drawn} <= truth.keys():
                        continue
                    others = [truth[name][measure] for name in drawn]
                    by_seed.append(
                        [
                            *(truth[n][measure] for n in (best, handmade)),
                            *(statistics.fmean(others), max(others)),
                            truth[largest][measure],
                            truth[best][measure] - statistics.fmean(others),
                        ]
                    )
                if by_seed:
                    *values, gain = (spread(v) for v in zip(*by_seed, strict=True))
                    lines.append(row([target, measure, score, *values, gain]))
    if not lines:
        return ""
    names = ["target", "accuracy", "searched by", "found", "R18", "random, mean"]
    names += ["random, best", "MAX", "found - random mean"]
    return "\n".join(
        [
            f"Top-1 (%) in the band of R18 ({band}): the best of {len(pool)} sub-nets "
            "by scores that the other targets chose, or by published ones; R18; "
            f"{len(drawn)} random ones; MAX. Mean ± standard deviation of supernets.",
            "",
            *head(names),
            *lines,
        ]
    )


def _alone(study: SearchDesign) -> str:
    """Supernet against nets alone, plain and with each fairness switch."""
    names = [subnet.name for subnet in study.alone_nets]
    largest, smallest = (study.backbone.space.max.name, study.backbone.space.min.name)
    lines = []
    stages = {"plain": "truth", **{arm: f"arm-{arm}" for arm in ARMS}}
    stages["alone"] = "alone"
    for measure in MEASURES:
        for title, stage in stages.items():
            targets = [
                t
                for t in study.targets
                if not study.lacking(0, stage, t, names)
                and not study.lacking(0, "alone", t, names)
            ]
            if not targets:
                continue
            kept, alone = (
                [column(study.rows(0, part, t), names, measure) for t in targets]
                for part in (stage, "alone")
            )
            mean, ceiling = np.mean(kept, axis=0), np.mean(alone, axis=0)
            each = [spearman(a, b) for a, b in zip(kept, alone, strict=True)]
            each = [value for value in each if not math.isnan(value)]
            lines.append(
                row(
                    [
                        *(measure, title),
                        f"{mean[names.index(largest)]:.1f}",
                        f"{mean[names.index(smallest)]:.1f}",
                        f"{mean.mean():.1f}",
                        f"{(mean - ceiling).mean():+.1f}",
                        f"{spearman(mean, ceiling):.2f}",
                        f"{statistics.fmean(each):.2f}" if each else "-",
                    ]
                )
            )
    if not lines:
        return ""
    columns = ["accuracy", "training", "MAX", "MIN", f"mean of {len(names)}"]
    columns += ["less alone", "Spearman with alone", "the same, mean over targets"]
    return "\n".join(
        [
            f"{len(names)} sub-nets of one supernet (seed 0) against the same nets "
            "trained alone for as many iterations: top-1 (%), mean of "
            f"{', '.join(study.targets)}, and whether the order is kept.",
            "",
            *head(columns),
            *lines,
        ]
    )
