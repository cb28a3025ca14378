"""Figures of arms x seeds x targets, and how they stand in tables."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mmtaskssl.evaluation.paired import PairedDifference, paired_difference
from mmtaskssl.utils.tables import head, row, spread


@dataclass(frozen=True)
class Figures:
    """One measure of every arm, seed and target, as far as it has been found.

    Attributes:
        read: Returns the figure of an arm, seed and target; None if there is none.
        seeds: Number of repetitions.
        targets: What means are over.
    """

    read: Callable[[str, int, str], float | None]
    seeds: int
    targets: Sequence[str]

    def by_seed(self, arm: str, target: str | None = None) -> dict[int, float]:
        """Returns the figures of an arm by seed, as far as they are there.

        Args:
            arm: Which.
            target: None: the mean over all, of the seeds that have all.
        """
        names, found = self.targets if target is None else [target], {}
        for seed in range(self.seeds):
            values = [self.read(arm, seed, name) for name in names]
            if values and None not in values:
                found[seed] = statistics.fmean(v for v in values if v is not None)
        return found

    def cell(self, arm: str, target: str | None = None, digits: int = 1) -> str:
        """Returns mean ± sample standard deviation over seeds; of none a dash."""
        return spread(self.by_seed(arm, target).values(), digits)

    def paired(
        self, arm: str, control: str, target: str | None = None
    ) -> PairedDifference | None:
        """Compares two arms seed by seed; None if they have no seed in common."""
        ours, theirs = self.by_seed(arm, target), self.by_seed(control, target)
        if not ours.keys() & theirs.keys():
            return None
        return paired_difference(ours, theirs)

    def paired_cell(self, arm: str, control: str, target: str | None = None) -> str:
        """Returns the mean difference ± its standard error; of none a dash."""
        found = self.paired(arm, control, target)
        return "-" if found is None else found.short()

    def by_target(self, arms: Mapping[str, str], mean: bool = False) -> list[str]:
        """Returns a table: a row a target, a column an arm.

        Args:
            arms: Titles by arm.
            mean: Whether there is a last row, of the mean over targets.
        """
        lines = head(["target", *arms.values()])
        for name in [*self.targets, *([None] if mean else [])]:
            lines.append(row([name or "mean", *(self.cell(arm, name) for arm in arms)]))
        return lines

    def against(self, arm: str, others: Mapping[str, str]) -> list[str]:
        """Returns a list: an arm minus each other, mean over targets, paired by seed.

        Args:
            arm: Which.
            others: Titles by arm; those without a seed in common are left out.
        """
        lines = []
        for name, title in others.items():
            found = self.paired(arm, name)
            if found is None or name == arm:
                continue
            ours, theirs = self.by_seed(arm), self.by_seed(name)
            gains = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
            interval = (
                f" (95 % {found.low:+.1f} to {found.high:+.1f}, p = {found.p:.2g})"
                if found.pairs > 1
                else ""
            )
            lines.append(f"- {title}: {spread(gains, sign=True)}{interval}")
        return lines
