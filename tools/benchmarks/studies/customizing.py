"""`customize` on many targets: verdicts, what they cost, and the diagnosis' regret."""

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmtaskssl.customize.customized import Customized
from mmtaskssl.customize.diagnosis.diagnosis import Diagnosis
from mmtaskssl.customize.diagnosis.past_studies import shipped
from mmtaskssl.customize.diagnosis.recommend import recommend
from mmtaskssl.customize.verdict.difference import Difference
from mmtaskssl.evaluation.paired import paired_difference
from mmtaskssl.runs import Record
from mmtaskssl.utils.tables import head, row

from .study import ONE_THREAD, Cell, Study, read_json

TASKS = ("classification", "detection", "segmentation")
#: Starts of a run: one, or none.
START, NONE = "start", "none"
_WITHOUT = ("untrained", "generic", "generic-long", "branched", "scratch")
#: What came out of one customization, see `figures_of`.
Found = Mapping[str, Any]


class Customizing(Study):
    """The finished command on every target, with its start and without one.

    Args:
        args: Of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__(args.work_dir, args.seeds)
        self.env = ONE_THREAD
        self.data, self.start, self.budget = Path(args.data), args.start, args.budget
        self.more = list(args.more or ())
        self.void = dict(one.split("=", 1) for one in args.void)
        self.targets = [
            (task, folder.name)
            for task in TASKS
            for folder in sorted((self.data / task).glob("*"))
            if folder.is_dir() and (not args.targets or folder.name in args.targets)
        ]
        self.kinds = [START] if self.start else []
        if not args.with_start_only:
            self.kinds.append(NONE)

    def folder(self, kind: str, target: str) -> Path:
        """Returns where a run lies."""
        if kind == START:
            return self.out / f"{target}-{kind}"
        return self.out / kind / target

    def result(self, kind: str, target: str) -> Path:
        """Returns where what came out is kept."""
        return self.seed_folder(0, "results", f"{target}-{kind}.json")

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for kind in self.kinds:
            shared = [
                (task, target)
                for task, target in self.targets
                if kind == NONE and task == TASKS[0]
            ]
            if shared:
                yield partial(self._customize, kind, *shared)
            for one in self.targets:
                if one not in shared:
                    yield partial(self._customize, kind, one)

    def _customize(self, kind: str, *targets: tuple[str, str]) -> None:
        """Customizes for a target, or by one command for several.

        Args:
            kind: With which starts.
            *targets: Task and name of each.
        """
        names = [name for _, name in targets]
        seeds = self.seeds if targets[0][0] == TASKS[0] else 1
        results = {name: read_json(self.result(kind, name)) for name in names}
        if all(found and found["seeds"] >= seeds for found in results.values()):
            return
        folders = {name: self.folder(kind, name) for name in names}
        out = folders[names[0]] if len(names) == 1 else self.out / kind
        self.steps.run(
            f"customize {' '.join(names)} {kind}",
            lambda: all(_finished(folder, seeds) for folder in folders.values()),
            "customize",
            *("--pool", self.data / "pool" / "images"),
            *("--target", *(self.data / task / name for task, name in targets)),
            *("--out", out, "--budget", self.budget, "--seeds", seeds),
            # Without a start generic pre-training is what is to be beaten, also where
            # it is given more time.
            *(("--start", self.start) if kind == START else ("--arms", *_WITHOUT)),
            *(("--void", self.void[names[0]]) if names[0] in self.void else ()),
            *("--workers", 0, *self.more),
        )
        for name, folder in folders.items():
            self.keep(self.result(kind, name), figures_of(folder, name))

    def tables(self) -> str:
        """See `Study`."""
        lines = []
        for kind in self.kinds:
            read = {t: read_json(self.result(kind, t)) for _, t in self.targets}
            found = {target: one for target, one in read.items() if one}
            if not found:
                continue
            title = f"with {self.start.partition('=')[0]}" if kind == START else ""
            lines += ["", f"Budget {self.budget}, {title or 'without a start'}", ""]
            lines += verdicts(found)
            lines += ["", *controls(found)]
            lines += ["", *policies(found)]
            lines += ["", *_arms(found)]
        return "\n".join(lines).lstrip() + "\n"


def _finished(folder: Path, seeds: int) -> bool:
    record = Record.read(folder) if folder.is_dir() else None
    if record is None or not record.complete or record.results is None:
        return False
    return bool(record.results["inputs"]["seeds"] >= seeds)


def figures_of(folder: Path, target: str) -> dict[str, Any]:
    """Returns what tables show of a customization, JSON-ready.

    Args:
        folder: Where it lies.
        target: The past studies that the diagnosis is asked again with are without it.
    """
    one = Customized.open(folder)
    known = Diagnosis.open(folder / "diagnosis")
    kind, studies = str(one.record["inspection"]["kind"]), shipped().without(target)
    verdict = one.verdict
    return {
        "seeds": one.record["inputs"]["seeds"],
        "kind": kind,
        "said": recommend(known.measured, known.likeness, studies, kind).lever,
        "verdict": {
            "candidate": verdict.candidate,
            "primary": verdict.primary,
            "outcome": verdict.outcome,
            "recommended": verdict.recommended,
            "metric": verdict.metric,
            "differences": [gap.to_dict() for gap in verdict.differences],
        },
        "arms": [
            {
                "name": arm["name"],
                "folds": statistics.fmean(arm["rungs"][-1]["inner"]["linear"])
                if arm["rungs"]
                else None,
                "test": arm["test"],
                "macs": arm["macs"],
            }
            for arm in one.arms
        ],
        "levers": list(one.record["levers"]) if "levers" in one.record else [],
        "compute": dict(one.record["compute"]),
    }


def verdicts(found: Mapping[str, Found]) -> list[str]:
    """Returns a line a target: what was compared, and what came out.

    Args:
        found: By target.
    """
    names = ["target", "candidate", "control", "difference on test", "of"]
    names += ["outcome", "used", "diagnosis said", "regret", "min", "TMACs"]
    lines = [*head(names)]
    gaps, regrets = [], []
    for target, one in found.items():
        verdict, compute = one["verdict"], one["compute"]
        differences = [Difference(**gap) for gap in verdict["differences"]]
        lost = regret(one["arms"], one["said"])
        gaps += [differences[0].mean] if differences else []
        regrets += [] if lost is None else [lost]
        lines.append(
            row(
                [
                    *(target, verdict["candidate"], verdict["primary"]),
                    str(differences[0]) if differences else "-",
                    *(verdict["metric"], verdict["outcome"], verdict["recommended"]),
                    one["said"],
                    "-" if lost is None else f"{lost:.1f}",
                    f"{compute['total_seconds'] / 60:.0f}",
                    f"{compute['training_gmacs'] / 1000:.1f}",
                ]
            )
        )
    mean = f"{statistics.fmean(gaps):+.1f}" if gaps else "-"
    lost_mean = f"{statistics.fmean(regrets):.1f}" if regrets else "-"
    return [*lines, row(["mean", "", "", mean, *[""] * 4, lost_mean, "", ""])]


def controls(found: Mapping[str, Found]) -> list[str]:
    """Returns the mean difference from each control, over targets.

    Of targets that were judged by accuracy, in points; the interval is Student's, of
    the mean over targets.

    Args:
        found: By target.
    """
    gaps: dict[str, dict[str, Difference]] = {}
    for target, one in found.items():
        if one["kind"] == TASKS[0]:
            for gap in one["verdict"]["differences"]:
                gaps.setdefault(gap["control"], {})[target] = Difference(**gap)
    lines = head(["candidate minus", "mean over targets", "targets", "below it"])
    for control, by_target in gaps.items():
        means = [gap.mean for gap in by_target.values()]
        mean = paired_difference(means, [0.0] * len(means))
        below = [target for target, gap in by_target.items() if gap.high < 0]
        wide = f" [{mean.low:+.1f}, {mean.high:+.1f}]" if len(means) > 1 else ""
        cells = [control, f"{mean.mean:+.1f}{wide}", str(len(means))]
        lines.append(row([*cells, ", ".join(below) or "-"]))
    return lines


def policies(found: Mapping[str, Found]) -> list[str]:
    """Returns the mean regret of the diagnosis, and of always doing the same.

    Args:
        found: By target.
    """
    taken = {"the diagnosis": {target: one["said"] for target, one in found.items()}}
    names = dict.fromkeys(arm["name"] for one in found.values() for arm in one["arms"])
    taken |= {f"always {name}": dict.fromkeys(found, name) for name in names}
    lines = head(["policy", "mean regret, folds", "targets"])
    for policy, levers in taken.items():
        lost = [regret(found[target]["arms"], name) for target, name in levers.items()]
        known = [value for value in lost if value is not None]
        if known:
            mean = f"{statistics.fmean(known):.1f}"
            lines.append(row([policy, mean, f"{len(known)} of {len(found)}"]))
    return lines


def regret(arms: Sequence[Mapping[str, Any]], lever: str) -> float | None:
    """Returns how far an arm is behind the best, within the training images.

    Args:
        arms: See `figures_of`; those that were left behind by halving count as they
            stood.
        lever: An arm's name.
    """
    means = {arm["name"]: arm["folds"] for arm in arms if arm["folds"] is not None}
    return max(means.values()) - means[lever] if lever in means else None


def _arms(found: Mapping[str, Found]) -> list[str]:
    names = list(
        dict.fromkeys(arm["name"] for one in found.values() for arm in one["arms"])
    )
    lines = ["folds of the training images by linear accuracy, then test; %", ""]
    lines += head(["target", *names])
    for target, one in found.items():
        by_name = {arm["name"]: arm for arm in one["arms"]}
        lines.append(row([target, *(_figure(by_name.get(name)) for name in names)]))
    return lines


def _figure(arm: Mapping[str, Any] | None) -> str:
    if arm is None:
        return ""
    inner = "-" if arm["folds"] is None else f"{arm['folds']:.1f}"
    test = arm["test"] or {}
    values = test.get("linear") or next(iter(test.values()), None)
    return f"{inner} / {statistics.fmean(values):.1f}" if values else inner
