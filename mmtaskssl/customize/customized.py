"""The result of `customize`."""

import dataclasses
import html
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..report.inline import as_text
from ..report.result import Result, where_it_is
from ..runs import Record, verify
from ..utils.errors import UserError
from ..utils.families import NoResultYet, NotAResult
from ..utils.redaction import redacted
from ..utils.tables import aligned
from .verdict.difference import Difference, points
from .verdict.verdict import Verdict

PAGE = "report.html"
# Of the longest share of a training, shorter ones are not as long.
_ALIKE = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class Customized(Result):
    """The backbone to use, and the proof; see `customize`.

    Attributes:
        out: Folder with everything.
        record: Inputs, versions, seeds, compute and all figures, JSON-ready.
    """

    out: Path
    record: Mapping[str, Any] = dataclasses.field(repr=False)

    @property
    def verdicts(self) -> list[Verdict]:
        """The answer for each budget."""
        return [Verdict.of_dict(found) for found in self.record["verdict"]]

    @property
    def verdict(self) -> Verdict:
        """The answer, of one budget.

        Raises:
            UserError: There are several, or none: only the plan was asked for.
        """
        if len(self.verdicts) != 1:
            raise NoResultYet(
                f"there are {len(self.verdicts)} verdicts, one for each budget: take "
                "one of .verdicts"
                if self.verdicts
                else "only a plan was made: there is no verdict yet"
            )
        return self.verdicts[0]

    @property
    def plan(self) -> Sequence[Mapping[str, Any]]:
        """What is to be done, of a dry run: a stage each."""
        return list(self.record["plan"])

    @property
    def arms(self) -> Sequence[Mapping[str, Any]]:
        """What was compared: each with its figures."""
        return list(self.record["arms"])

    @property
    def backbone(self) -> Path:
        """The export to use, of one budget."""
        return self.out / self._backbone["folder"]

    @property
    def config(self) -> Path:
        """A host's config that trains with it, of one budget."""
        return self.out / self._backbone["config"]

    @property
    def _backbone(self) -> Mapping[str, Any]:
        if len(self.record["backbones"]) != 1:
            raise NoResultYet("there is not one backbone: look at .record['backbones']")
        return self.record["backbones"][0]

    def has_backbones(self) -> bool:
        """Whether what was handed over is there, as it was written."""
        for one in self.record["backbones"]:
            folder = self.out / one["folder"]
            try:
                if Record.read(folder) is None:
                    return False
                verify(folder)
            except UserError:
                return False
            if not (self.out / one["config"]).is_file():
                return False
        return True

    def table(self) -> str:
        """Returns arms and figures, a line each, and the answer."""
        if not self.verdicts:
            return "a plan: nothing is decided yet; the same call, not dry, goes on"
        lines = []
        for verdict in self.verdicts:
            arms = [a for a in self.arms if a["budget"] == verdict.budget]
            if verdict.budget:
                lines.append(f"budget {verdict.budget}")
            lines += _figures(arms, verdict)
            notes = [text for text in (verdict.choice, verdict.note) if text]
            lines += ["", verdict.sentence, *notes, ""]
            found = [
                one
                for one in self.record.get("levers", ())
                if one["budget"] == verdict.budget
            ]
            lines += [*lever_table(found), ""] if found else []
        lines += lengths_told(self.record)
        return "\n".join(lines).rstrip()

    def _repr_html_(self) -> str:
        """Shows the answer in a notebook, then the table and where the report is."""
        answers = "".join(
            f"<p><b>{html.escape(redacted(verdict.sentence))}</b></p>"
            for verdict in self.verdicts
        )
        return f"{answers}{super()._repr_html_()}{as_text(f'report: {self.report()}')}"

    def to_dict(self) -> dict[str, Any]:
        """Returns the record."""
        return dict(self.record)

    def page(self) -> str:
        """Returns the report, one page."""
        return (self.out / PAGE).read_text(encoding="utf-8")

    def report(self, path: str | Path | None = None) -> Path:
        """Returns where the report is, or writes it anew.

        Args:
            path: The file; None: where it was written on the way.
        """
        return self.out / PAGE if path is None else super().report(path)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Says where it is: all of it was written on the way.

        Raises:
            UserError: Another folder is asked for.
        """
        return where_it_is(self.out, folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Customized":
        """Reads what `customize` wrote.

        Raises:
            UserError: There is nothing of it.
        """
        record = Record.read(folder)
        if record is None or record.results is None:
            raise NotAResult(f"{folder} holds no finished customization")
        return cls(Path(folder), record.results)


def lengths_told(record: Mapping[str, Any]) -> list[str]:
    """Returns sentences on trainings of other lengths than their full ones."""
    found = []
    scale = (record.get("inputs") or {}).get("scale", 1.0)
    if scale != 1:
        found.append(
            f"Every training had at most {scale:g} times its full length: at full "
            "length the answer may be another one."
        )
    shares = {
        arm["name"]: arm["share"]
        for arm in record.get("arms") or ()
        if arm.get("test") and arm.get("share")
    }
    if shares and min(shares.values()) < _ALIKE * max(shares.values()):
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        found.append(
            f"What was compared was trained for different shares of its full length "
            f"({told}): a difference may be one of length."
        )
    return found


def _figures(arms: Sequence[Mapping[str, Any]], verdict: Verdict) -> list[str]:
    """Returns a table: within the training images, and on the test images."""
    metrics = next((list(arm["test"]) for arm in arms if arm["test"]), [])
    rows = [
        [
            "arm",
            "GMACs",
            "folds: kNN",
            "linear",
            *(f"test: {name}" for name in metrics),
            f"{verdict.candidate} is ahead by",
        ]
    ]
    gaps = {d.control: d for d in verdict.differences}
    for arm in arms:
        inner = arm["rungs"][-1]["inner"] if arm["rungs"] else {}
        rows.append(
            [
                arm["name"] + (" *" if arm["name"] == verdict.recommended else ""),
                f"{arm['macs'] / 1e9:.3f}",
                *(_mean(inner.get(name)) for name in ("knn", "linear")),
                *(_mean((arm["test"] or {}).get(name)) for name in metrics),
                str(gaps.get(arm["name"], "")),
            ]
        )
    return [*aligned(rows, 1), "*: what is used"]


def lever_table(levers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns what each lever brings, a line each.

    Args:
        levers: Of one budget, as the record has them.
    """
    rows = [["what brings", "arm", "without it", "folds", "test"]]
    for one in levers:
        folds, test = one["folds"], one["test"]
        share = "" if not folds or folds["share"] == 1 else f" at {folds['share']:.0%}"
        rows.append(
            [
                *(one["lever"], one["arm"], one["without"]),
                f"{points(folds['mean'])} ± {folds['error']:.1f}{share}"
                if folds
                else "-",
                str(Difference(**test)) if test else "-",
            ]
        )
    return list(aligned(rows, 3))


def _mean(values: Sequence[float] | None) -> str:
    return f"{statistics.fmean(values):.1f}" if values else "-"
