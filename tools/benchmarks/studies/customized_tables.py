"""Tables of customizations: verdicts, controls, the diagnosis' regret, all arms."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scipy import stats

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.diagnosis.choice import choose
from mmtaskssl.customize.diagnosis.past_studies import shipped
from mmtaskssl.customize.verdict.difference import Difference, of_variances
from mmtaskssl.evaluation.paired import paired_difference
from mmtaskssl.utils.tables import head, row

#: What came out of one customization, see `figures_of`.
Found = Mapping[str, Any]
#: By target, a seed each; those after the first had only the arms that the first one
#: decided between.
ByTarget = Mapping[str, Sequence[Found]]
_LEVEL = 0.95


def customized_tables(found: ByTarget) -> list[str]:
    """Returns all tables, with empty lines between them."""
    # Of detectors and segmentors the folds are a proxy: nothing is behind the best.
    plain = {target: seeds for target, seeds in found.items() if is_plain(seeds[0])}
    tables = (verdicts(found), controls(found), policies(plain), [*_arms(found)])
    return [line for table in tables for line in ("", *table)][1:]


def is_plain(found: Found) -> bool:
    """Whether a target was judged by accuracy, on its folds and on the test images."""
    return found["kind"] == "classification"


def over_seeds(gaps: Sequence[Difference]) -> Difference:
    """Returns the mean of differences that seeds of a method made on the same images.

    The error adds the variance of their means to that of the images, which is no
    smaller for more seeds: at most as large as that of a single one, on the mean.

    Args:
        gaps: From one control, each of one training.
    """
    if len(gaps) == 1:
        return gaps[0]
    means = [gap.mean for gap in gaps]
    half = stats.norm.ppf((1 + _LEVEL) / 2)
    of_images = statistics.fmean(((gap.high - gap.low) / 2 / half) ** 2 for gap in gaps)
    of_seeds = statistics.variance(means) / len(means)
    return of_variances(
        gaps[0].control,
        statistics.fmean(means),
        (of_seeds, len(means)),
        (of_images, min(gap.images for gap in gaps)),
        _LEVEL,
    )


def verdicts(found: ByTarget) -> list[str]:
    """Returns a line a target: what was compared, and what came out.

    Args:
        found: See `ByTarget`.
    """
    names = ["target", "seeds", "candidate", "control", "difference on test", "of"]
    names += ["outcome", "used", "diagnosis said", "regret", "min", "TMACs"]
    lines = [*head(names)]
    gaps, regrets = [], []
    for target, seeds in found.items():
        verdict = [one["verdict"] for one in seeds]
        gap = _differences(seeds).get(verdict[0]["primary"])
        said = said_of(target, seeds[0])
        lost = regret(seeds[0]["arms"], said) if is_plain(seeds[0]) else None
        gaps += [gap.mean] if gap is not None and is_plain(seeds[0]) else []
        regrets += [] if lost is None else [lost]
        spent = [one["compute"] for one in seeds]
        lines.append(
            row(
                [
                    *(target, str(len(seeds)), _said(v["candidate"] for v in verdict)),
                    verdict[0]["primary"],
                    "-" if gap is None else str(gap),
                    *(_said(v[k] for v in verdict) for k in ("metric", "outcome")),
                    _said(v["recommended"] for v in verdict),
                    said,
                    "-" if lost is None else f"{lost:.1f}",
                    f"{sum(one['total_seconds'] for one in spent) / 60:.0f}",
                    f"{sum(one['training_gmacs'] for one in spent) / 1000:.1f}",
                ]
            )
        )
    mean = f"{statistics.fmean(gaps):+.1f}" if gaps else "-"
    lost_mean = f"{statistics.fmean(regrets):.1f}" if regrets else "-"
    return [*lines, row(["mean", *[""] * 3, mean, *[""] * 4, lost_mean, "", ""])]


def _said(values: Iterator[str]) -> str:
    """Returns what seeds have in common, or how many said what."""
    values = [*values]
    counts = {one: values.count(one) for one in values}
    if len(counts) == 1:
        return values[0]
    return ", ".join(f"{one} ({count})" for one, count in counts.items())


def _differences(seeds: Sequence[Found]) -> dict[str, Difference]:
    """Returns what the candidates differ by on the test images, by control."""
    gaps: dict[str, list[Difference]] = {}
    for one in seeds:
        for gap in one["verdict"]["differences"]:
            gaps.setdefault(gap["control"], []).append(Difference(**gap))
    return {control: over_seeds(several) for control, several in gaps.items()}


def controls(found: ByTarget) -> list[str]:
    """Returns the mean difference from each control, over targets.

    Of targets that were judged by accuracy, in points; the interval is Student's, of
    the mean over targets.

    Args:
        found: See `ByTarget`.
    """
    gaps: dict[str, dict[str, Difference]] = {}
    for target, seeds in found.items():
        if is_plain(seeds[0]):
            for control, gap in _differences(seeds).items():
                gaps.setdefault(control, {})[target] = gap
    lines = head(["candidate minus", "mean over targets", "targets", "below it"])
    for control, by_target in gaps.items():
        means = [gap.mean for gap in by_target.values()]
        mean = paired_difference(means, [0.0] * len(means))
        below = [target for target, gap in by_target.items() if gap.high < 0]
        wide = f" [{mean.low:+.1f}, {mean.high:+.1f}]" if len(means) > 1 else ""
        cells = [control, f"{mean.mean:+.1f}{wide}", str(len(means))]
        lines.append(row([*cells, ", ".join(below) or "-"]))
    return lines


def across(found: ByTarget, without: ByTarget, control: str) -> list[str]:
    """Returns the candidates minus a control that ran without a start.

    Linear accuracy on the test images, each a mean over the seeds that there are; the
    interval is Student's, of the mean over targets.

    Args:
        found: Of candidates, see `ByTarget`.
        without: Of the control.
        control: An arm's name.
    """
    lines, gaps = [*head(["target", "candidate", control, "minus it", "seeds"])], []
    for target, seeds in found.items():
        ours = _tests(seeds, seeds[0]["verdict"]["candidate"])
        theirs = _tests(without.get(target, ()), control)
        if not ours or not theirs:
            continue
        means = statistics.fmean(ours), statistics.fmean(theirs)
        gaps.append(means[0] - means[1])
        cells = [target, *(f"{mean:.1f}" for mean in means), f"{gaps[-1]:+.1f}"]
        lines.append(row([*cells, f"{len(ours)}, {len(theirs)}"]))
    if len(gaps) < 2:
        return []
    mean = paired_difference(gaps, [0.0] * len(gaps))
    wide = f"{mean.mean:+.1f} [{mean.low:+.1f}, {mean.high:+.1f}]"
    return [*lines, row(["mean", "", "", wide, ""])]


def _tests(seeds: Sequence[Found], name: str) -> list[float]:
    """Returns an arm's accuracies on the test images, of all seeds that have it."""
    found = [arm for one in seeds for arm in one["arms"] if arm["name"] == name]
    return [v for arm in found for v in (arm["test"] or {}).get("linear", ())]


def policies(found: ByTarget) -> list[str]:
    """Returns the mean regret of the diagnosis, and of always doing the same.

    Args:
        found: See `ByTarget`.
    """
    runs = [seeds[0] for seeds in found.values()]
    names = dict.fromkeys(arm["name"] for one in runs for arm in one["arms"])
    taken = {"the diagnosis": [said_of(name, found[name][0]) for name in found]}
    taken |= {f"always {name}": [name] * len(runs) for name in names}
    lines = head(["policy", "mean regret, folds", "targets"])
    for policy, levers in taken.items():
        lost = [regret(o["arms"], name) for o, name in zip(runs, levers, strict=True)]
        known = [value for value in lost if value is not None]
        if known:
            mean = f"{statistics.fmean(known):.1f}"
            lines.append(row([policy, mean, f"{len(known)} of {len(runs)}"]))
    return lines


def said_of(target: str, one: Found) -> str:
    """Returns what the diagnosis recommends without past studies of the target.

    Args:
        target: Its name.
        one: Its figures.
    """
    known = one["diagnosis"]
    of_use, studies = known["use"] != "nothing", shipped().without(target)
    return choose(known["given"], known["before"], of_use, studies).lever


def regret(arms: Sequence[Mapping[str, Any]], lever: str) -> float | None:
    """Returns how far an arm is behind the best, within the training images.

    Args:
        arms: See `figures_of`; those that were left behind by halving count as they
            stood, and those that are never chosen, which have more time, not at all.
        lever: An arm's name.
    """
    means = {
        arm["name"]: arm["folds"]
        for arm in arms
        if arm["folds"] is not None and not ARMS[arm["name"]].reference
    }
    return max(means.values()) - means[lever] if lever in means else None


def _arms(found: ByTarget) -> Iterator[str]:
    runs = [one for seeds in found.values() for one in seeds]
    names = list(dict.fromkeys(arm["name"] for one in runs for arm in one["arms"]))
    yield "folds of the training images by linear accuracy, then test; %"
    yield ""
    yield from head(["target", *names])
    for target, seeds in found.items():
        arms = [arm for one in seeds for arm in one["arms"]]
        cells = (_figure([a for a in arms if a["name"] == name]) for name in names)
        yield row([target, *cells])


def _figure(arms: Sequence[Mapping[str, Any]]) -> str:
    """Returns an arm's means, over the seeds that have it."""
    if not arms:
        return ""
    folds = [arm["folds"] for arm in arms if arm["folds"] is not None]
    inner = f"{statistics.fmean(folds):.1f}" if folds else "-"
    tests = [arm["test"] or {} for arm in arms]
    values = [
        value
        for test in tests
        for value in test.get("linear") or next(iter(test.values()), None) or ()
    ]
    return f"{inner} / {statistics.fmean(values):.1f}" if values else inner
