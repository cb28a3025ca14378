"""The answer for one budget: which backbone, and against what it was proved."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...report.inline import as_text
from .difference import WEIGHTS, Difference, holm, points

BETTER, SAME, WORSE = "better", "no different", "worse"
#: (arm, control) -> the difference of both on the test images.
Compare = Callable[[str, str], Difference]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What to use, and the proof.

    Attributes:
        budget: In the user's words; "" where there was none.
        metric: Which the differences are of.
        primary: The control that was named beforehand.
        candidate: The arm that was compared: the best within the training images, but
            for the controls.
        chosen: What the training images chose: the candidate, or the primary control
            where it is within a standard error.
        recommended: What to use.
        outcome: Of the chosen arm against the primary control: "better", "no different"
            or "worse".
        differences: The candidate minus each control, the primary one first.
        level: Of the intervals.
        names: What the arms are called in a sentence.
        lead: What is recommended minus the primary control, where it is another control
            that is significantly better; None: it is none.
        note: Why an arm that was ahead within the training images is not the chosen
            one; "" where none was.
    """

    budget: str
    metric: str
    primary: str
    candidate: str
    chosen: str
    recommended: str
    outcome: str
    differences: Sequence[Difference]
    level: float
    names: Mapping[str, str] = dataclasses.field(repr=False)
    lead: Difference | None = None
    note: str = ""

    @property
    def scope(self) -> str:
        """What it speaks of: the method, or these weights alone."""
        return self.differences[0].scope if self.differences else WEIGHTS

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        use, control = (self.names[a] for a in (self.recommended, self.primary))
        if not self.differences:
            return f"Use {use}: there was nothing to compare it with."
        gap = self._gap(self.differences[0])
        name = self.names[self.candidate]
        if self.lead is not None:
            use += f", which is better than {control} by {self._gap(self.lead)}"
            if self.recommended == self.candidate:
                return f"Use {use}; the training images alone did not tell."
        if self.chosen == self.primary:
            it = "it" if self.lead is None else control
            return (
                f"Use {use}: within the training images {name} is not better than {it} "
                "by more than a standard error, by kNN and linear accuracy together "
                f"(on the test images {gap})."
            )
        if self.recommended == self.chosen:
            return f"Use {use}: better than {control} by {gap}."
        if self.outcome == BETTER:
            return (
                f"Use {use}: {name} is better than {control} ({gap}), but "
                "significantly worse than what is recommended."
            )
        how = "worse than" if self.outcome == WORSE else "not shown to differ from"
        return f"Use {use}: {name} is {how} {control} ({gap})."

    @property
    def choice(self) -> str:
        """What the choice of images brought, as a sentence.

        "": the candidate was not compared with itself on as many random images.
        """
        pairs = {one.control: one for one in self.differences}
        found = pairs.get(f"{self.candidate}-random")
        if found is None:
            return ""
        gap = f"minus the same on as many random images it is {self._gap(found)}"
        if not found.is_significant(self.level):
            return f"The choice of images is not shown to matter: {gap}."
        if found.mean < 0:
            return f"Random images of the pool would have been better: {gap}."
        return f"The choice of images is part of it: {gap}."

    def _gap(self, found: Difference) -> str:
        level = f"{100 * self.level:g} % interval"
        mean, low, high = map(points, (found.mean, found.low, found.high))
        gap = f"{mean} points of {self.metric} [{level} {low} to {high}]"
        return f"{gap}, of {found.scope}"

    def _repr_html_(self) -> str:
        """Shows the answer in a notebook, and what it says of the choice of images."""
        told = (self.sentence, self.choice, self.note)
        return as_text("\n".join(text for text in told if text))

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("differences", "names", "lead")
        }
        return {
            **plain,
            "scope": self.scope,
            "sentence": self.sentence,
            "choice": self.choice,
            "differences": [one.to_dict() for one in self.differences],
            "names": dict(self.names),
            "lead": None if self.lead is None else self.lead.to_dict(),
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "Verdict":
        """Returns what `to_dict` wrote."""
        given: dict[str, Any] = {
            f.name: found.get(f.name) for f in dataclasses.fields(cls)
        }
        if given["lead"] is not None:
            given["lead"] = Difference(**given["lead"])
        given["note"] = given["note"] or ""
        given["differences"] = [Difference(**one) for one in found["differences"]]
        return cls(**given)


def decide(
    arms: Sequence[str],
    compare: Compare,
    *,
    primary: str,
    candidate: str,
    chosen: str,
    names: Mapping[str, str],
    metric: str = "linear",
    budget: str = "",
    level: float = 0.95,
    controls: Sequence[str] | None = None,
    note: str = "",
) -> Verdict:
    """Reads the test scores once, and says what to use.

    The candidate goes against one control that was named beforehand, and against the
    others with Holm's correction. It is recommended only if it was chosen within the
    training images and is better than the first; and never where it is significantly
    worse than any control that was run: then the best of those is.

    Args:
        arms: The candidate and all controls.
        compare: Returns the difference of two of them on the test images.
        primary: The control that was named beforehand.
        candidate: See `Verdict`.
        chosen: See `Verdict`; the candidate or the primary control.
        names: See `Verdict`.
        metric: See `Verdict`.
        budget: See `Verdict`.
        level: Of the intervals.
        controls: Those of ``arms`` that are controls; None: all but the candidate.
        note: See `Verdict`.
    """
    rest = [arm for arm in arms if arm not in (primary, candidate)]
    differences = []
    if candidate != primary:
        differences.append(compare(candidate, primary))
        differences += holm([compare(candidate, arm) for arm in rest])
    outcome = SAME
    if differences and chosen == candidate:
        first = differences[0]
        if first.is_significant(level) and first.low > 0:
            outcome = BETTER
        elif first.is_significant(level) and first.high < 0:
            outcome = WORSE
    recommended = candidate if outcome == BETTER else primary
    lead = None
    if recommended == candidate:
        beaten_by = [
            d for d in differences[1:] if d.mean < 0 and d.is_significant(level)
        ]
        if beaten_by:
            recommended = min(beaten_by, key=lambda d: d.mean).control
    else:
        known = rest if controls is None else controls
        others = [a for a in (*rest, candidate) if a != primary and a in known]
        lead = _ahead(compare, primary, others, level)
        recommended = primary if lead is None else lead.control
    return Verdict(
        budget,
        metric,
        primary,
        candidate,
        chosen,
        recommended,
        outcome,
        differences,
        level,
        names,
        lead,
        note,
    )


def _ahead(
    compare: Compare, primary: str, others: Sequence[str], level: float
) -> Difference | None:
    """Returns the best of the controls that are significantly better than the primary.

    Its ``control`` names that one; None: there is none.
    """
    found = holm(
        [dataclasses.replace(compare(arm, primary), control=arm) for arm in others]
    )
    better = [d for d in found if d.mean > 0 and d.is_significant(level)]
    return max(better, key=lambda d: d.mean, default=None)
