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
from mmtaskssl.runs import Record
from mmtaskssl.utils.tables import head, row

from .study import ONE_THREAD, Cell, Study

TASKS = ("classification", "detection", "segmentation")


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
        self.kinds = {"start": [self.start]} if self.start else {}
        if not args.with_start_only:
            self.kinds["none"] = []

    def folder(self, kind: str, target: str) -> Path:
        """Returns where a run lies."""
        return self.out / f"{target}-{kind}"

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for kind, starts in self.kinds.items():
            for task, target in self.targets:
                yield partial(self._customize, kind, starts, task, target)

    def _customize(
        self, kind: str, starts: Sequence[str], task: str, target: str
    ) -> None:
        folder = self.folder(kind, target)
        dense = task != "classification"
        self.steps.run(
            f"customize {target} {kind}",
            lambda: _finished(folder, 1 if dense else self.seeds),
            "customize",
            *("--pool", self.data / "pool" / "images"),
            *("--target", self.data / task / target, "--out", folder),
            *(("--start", *starts) if starts else ()),
            *("--budget", self.budget, "--seeds", 1 if dense else self.seeds),
            *(("--void", self.void[target]) if target in self.void else ()),
            *("--workers", 0, *self.more),
        )

    def tables(self) -> str:
        """See `Study`."""
        lines = []
        for kind in self.kinds:
            found = {
                target: (
                    Customized.open(self.folder(kind, target)),
                    said_without(self.folder(kind, target), target),
                )
                for _, target in self.targets
                if _finished(self.folder(kind, target), 1)
            }
            if not found:
                continue
            title = f"with {self.start.partition('=')[0]}" if kind == "start" else ""
            lines += ["", f"Budget {self.budget}, {title or 'without a start'}", ""]
            lines += _verdicts(found)
            lines += ["", *policies(found)]
            lines += ["", *_arms({name: one for name, (one, _) in found.items()})]
        return "\n".join(lines).lstrip() + "\n"


def _finished(folder: Path, seeds: int) -> bool:
    record = Record.read(folder) if folder.is_dir() else None
    if record is None or not record.complete or record.results is None:
        return False
    return bool(record.results["inputs"]["seeds"] >= seeds)


def said_without(folder: Path, target: str) -> str:
    """Returns the lever that the diagnosis names, did it not know a target.

    Args:
        folder: Of a customization.
        target: The past studies are without it.
    """
    known = Diagnosis.open(folder / "diagnosis")
    kind = str(Customized.open(folder).record["inspection"]["kind"])
    studies = shipped().without(target)
    return recommend(known.measured, known.likeness, studies, kind).lever


def _verdicts(found: Mapping[str, tuple[Customized, str]]) -> list[str]:
    names = ["target", "candidate", "control", "difference on test", "outcome"]
    names += ["used", "diagnosis said", "regret", "min", "TMACs"]
    lines = [*head(names)]
    gaps, regrets = [], []
    for target, (one, said) in found.items():
        verdict, record = one.verdict, one.record
        gap = verdict.differences[0] if verdict.differences else None
        lost = regret(one.arms, said)
        if gap is not None:
            gaps.append(gap.mean)
        if lost is not None:
            regrets.append(lost)
        compute = record["compute"]
        lines.append(
            row(
                [
                    *(target, verdict.candidate, verdict.primary),
                    str(gap) if gap else "-",
                    *(verdict.outcome, verdict.recommended, said),
                    "-" if lost is None else f"{lost:.1f}",
                    f"{compute['total_seconds'] / 60:.0f}",
                    f"{compute['training_gmacs'] / 1000:.1f}",
                ]
            )
        )
    mean = f"{statistics.fmean(gaps):+.1f}" if gaps else "-"
    lost_mean = f"{statistics.fmean(regrets):.1f}" if regrets else "-"
    return [*lines, row(["mean", "", "", mean, "", "", "", lost_mean, "", ""])]


def policies(found: Mapping[str, tuple[Customized, str]]) -> list[str]:
    """Returns the mean regret of the diagnosis, and of always doing the same.

    Args:
        found: By target, what came out and the lever that the diagnosis names.
    """
    arms = {target: one.arms for target, (one, _) in found.items()}
    said = {target: lever for target, (_, lever) in found.items()}
    taken = {"the diagnosis": said}
    names = dict.fromkeys(arm["name"] for one in arms.values() for arm in one)
    taken |= {f"always {name}": dict.fromkeys(arms, name) for name in names}
    lines = head(["policy", "mean regret, folds", "targets"])
    for policy, levers in taken.items():
        lost = [regret(arms[target], lever) for target, lever in levers.items()]
        known = [value for value in lost if value is not None]
        if known:
            mean = f"{statistics.fmean(known):.1f}"
            lines.append(row([policy, mean, f"{len(known)} of {len(arms)}"]))
    return lines


def regret(arms: Sequence[Mapping[str, Any]], lever: str) -> float | None:
    """Returns how far an arm is behind the best, within the training images.

    Args:
        arms: Of a record; those that were left behind by halving count as they stood.
        lever: The arm that was recommended before anything was trained.
    """
    means = {
        arm["name"]: statistics.fmean(arm["rungs"][-1]["inner"]["linear"])
        for arm in arms
        if arm["rungs"]
    }
    return max(means.values()) - means[lever] if lever in means else None


def _arms(found: Mapping[str, Customized]) -> list[str]:
    names = list(
        dict.fromkeys(arm["name"] for one in found.values() for arm in one.arms)
    )
    lines = ["folds of the training images, then test; linear, %", ""]
    lines += head(["target", *names])
    for target, one in found.items():
        by_name = {arm["name"]: arm for arm in one.arms}
        lines.append(row([target, *(_figure(by_name.get(name)) for name in names)]))
    return lines


def _figure(arm: Mapping[str, Any] | None) -> str:
    if arm is None:
        return ""
    inner = "-"
    if arm["rungs"]:
        inner = f"{statistics.fmean(arm['rungs'][-1]['inner']['linear']):.1f}"
    test = arm["test"] or {}
    values = test.get("linear") or next(iter(test.values()), None)
    return f"{inner} / {statistics.fmean(values):.1f}" if values else inner
