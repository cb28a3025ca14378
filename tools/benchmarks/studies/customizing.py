"""`customize` on many targets: verdicts, what they cost, and the diagnosis' regret."""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmtaskssl.customize.customized import Customized
from mmtaskssl.customize.diagnosis.diagnosis import Diagnosis
from mmtaskssl.customize.diagnosis.recommend import begun_with
from mmtaskssl.runs import Record

from .customized_tables import Found, across, customized_tables
from .study import ONE_THREAD, Cell, Study, read_json

TASKS = ("classification", "detection", "segmentation")
#: Starts of a run: one, or none.
START, NONE = "start", "none"
#: What is to be beaten. Without a start that is generic pre-training, also where it is
#: given more time.
_CONTROLS = {
    START: ("start", "norms", "untrained"),
    NONE: ("untrained", "generic", "generic-long"),
}
_WITHOUT = (*_CONTROLS[NONE], "branched", "scratch")


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

    def folder(self, kind: str, target: str, seed: int = 0) -> Path:
        """Returns where a run lies."""
        return self.seed_folder(seed, kind, target)

    def result(self, kind: str, target: str, seed: int = 0) -> Path:
        """Returns where what came out is kept."""
        return self.seed_folder(seed, "results", f"{target}-{kind}.json")

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        quick = [one for one in self.targets if one[0] == TASKS[0]]
        for kind in self.kinds:
            if quick:
                yield partial(self._customize, kind, 0, *quick)
        for seed in range(1, self.seeds):
            for kind in self.kinds:
                if quick:
                    yield partial(self._repeat, kind, seed, *quick)
        # A detector takes as long as all of them: one seed says enough.
        for kind in self.kinds:
            for one in self.targets:
                if one not in quick:
                    yield partial(self._customize, kind, 0, one)

    def _repeat(self, kind: str, seed: int, *targets: tuple[str, str]) -> None:
        """Trains again what the first seed decided for, with its controls.

        Args:
            kind: See `_customize`, as for the others.
            seed: See above.
            *targets: See above.
        """
        groups: dict[str, list[tuple[str, str]]] = {}
        for one in targets:
            first = read_json(self.result(kind, one[1]))
            groups.setdefault(first["verdict"]["candidate"], []).append(one)
        for arm, several in groups.items():
            arms = dict.fromkeys([*_CONTROLS[kind], arm])
            self._customize(kind, seed, *several, arms=[*arms])

    def _customize(
        self,
        kind: str,
        seed: int,
        *targets: tuple[str, str],
        arms: Sequence[str] | None = None,
    ) -> None:
        """Customizes for a target, or by one command for several.

        Args:
            kind: With which starts.
            seed: Of all that is drawn.
            *targets: Task and name of each.
            arms: Names of those to race; None: all.
        """
        if arms is None and kind == NONE:
            arms = _WITHOUT
        self._keep(kind, seed, targets)  # which may be those of a run that was killed
        known = {o: self.result(kind, o[1], seed).exists() for o in targets}
        if all(known.values()):
            return
        # Those that are finished here cost nothing, and share what others wait for.
        asked = [
            one
            for one in targets
            if not known[one] or _finished(self.folder(kind, one[1], seed))
        ]
        folders = [self.folder(kind, name, seed) for _, name in asked]
        out = folders[0] if len(asked) == 1 else folders[0].parent
        void = self.void.get(asked[0][1])
        names = " ".join(name for _, name in asked)
        self.steps.run(
            f"customize {names} {kind} seed {seed}",
            lambda: all(map(_finished, folders)),
            "customize",
            *("--pool", self.data / "pool" / "images"),
            *("--target", *(self.data / task / name for task, name in asked)),
            *("--out", out, "--budget", self.budget, "--seed", seed),
            *(("--start", self.start) if kind == START else ()),
            *(() if arms is None else ("--arms", *arms)),
            *(() if void is None else ("--void", void)),
            *("--workers", 0, *self.more),
        )
        self._keep(kind, seed, asked)

    def _keep(self, kind: str, seed: int, targets: Sequence[tuple[str, str]]) -> None:
        for _, name in targets:
            result, folder = (
                self.result(kind, name, seed),
                self.folder(kind, name, seed),
            )
            if not result.exists() and _finished(folder):
                self.keep(result, figures_of(folder))

    def _found(self, kind: str, target: str) -> list[Found]:
        """Returns what came out, a seed each."""
        read = (read_json(self.result(kind, target, n)) for n in range(self.seeds))
        return [one for one in read if one]

    def tables(self) -> str:
        """See `Study`."""
        lines, by_kind = [], {}
        for kind in self.kinds:
            read = {t: self._found(kind, t) for _, t in self.targets}
            found = {target: seeds for target, seeds in read.items() if seeds}
            by_kind[kind] = found
            if not found:
                continue
            title = f"with {self.start.partition('=')[0]}" if kind == START else ""
            lines += ["", f"Budget {self.budget}, {title or 'without a start'}", ""]
            lines += customized_tables(found)
        if len(by_kind) > 1:
            beside = across(by_kind[START], by_kind[NONE], "generic-long")
            title = (
                "With the start, against generic pre-training of four times the length"
            )
            lines += ["", title, "", *beside] if beside else []
        return "\n".join(lines).lstrip() + "\n"


def _finished(folder: Path) -> bool:
    record = Record.read(folder) if folder.is_dir() else None
    return record is not None and record.complete and record.results is not None


def figures_of(folder: Path) -> dict[str, Any]:
    """Returns what tables show of a customization, JSON-ready.

    Args:
        folder: Where it lies.
    """
    one = Customized.open(folder)
    known = Diagnosis.open(folder / "diagnosis")
    start, given, before = begun_with(known.measured, known.likeness)
    verdict = one.verdict
    return {
        "kind": one.record["inspection"]["kind"],
        "diagnosis": {
            "given": given,
            "start": start.start.name,
            "side": start.at[0].side,
            "before": before,
            "use": known.likeness.use,
        },
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
