"""Which metric a search takes where none is named: the one that ranked best."""

from collections.abc import Sequence
from typing import NamedTuple

from .names import MEAN_RANK, TAUGHT_NAMES

#: Leaves the choice to `EVIDENCE`.
AUTO = "auto"


class Ranked(NamedTuple):
    """How a metric ranked sub-nets by accuracy where there was an order to find.

    Attributes:
        spearman: With kNN and linear accuracy, mean of the targets that passed.
        partial: The same, given log-MACs, total depth and last width.
    """

    spearman: float
    partial: float


#: By metric, on the targets' own images: distilled supernets of the wide basic-block
#: space, see "A regime in which there is an order" in docs/evidence/data.md.
EVIDENCE = {
    MEAN_RANK: Ranked(0.70, 0.60),
    "global": Ranked(0.61, 0.54),
    "neighbours": Ranked(0.63, 0.44),
    "rank": Ranked(0.38, 0.42),
    "ridge": Ranked(0.58, 0.35),
    "dense": Ranked(0.27, -0.15),
}


def choose_metrics(
    metrics: Sequence[str], taught: bool
) -> tuple[tuple[str, ...], str | None]:
    """Returns the metrics to compute, `AUTO` replaced, and why; None: it is not there.

    `AUTO` is the metric of `EVIDENCE` with the best partial correlation of those that
    can be computed: beyond size, which anybody can count.

    Args:
        metrics: Names, `AUTO` maybe among them.
        taught: Whether there is a teacher to compare with.
    """
    if AUTO not in metrics:
        return tuple(dict.fromkeys(metrics)), None
    able = [name for name in EVIDENCE if taught or name not in TAUGHT_NAMES]
    best = max(able, key=lambda name: EVIDENCE[name].partial)
    named = tuple(dict.fromkeys(best if name == AUTO else name for name in metrics))
    spearman, partial = EVIDENCE[best]
    note = (
        f"metric {AUTO}: {best}, which ranked sub-nets by accuracy best where they "
        f"differed measurably (Spearman {spearman:.2f}, given size {partial:.2f})"
    )
    if not taught:
        better = max(EVIDENCE, key=lambda name: EVIDENCE[name].partial)
        if better != best:
            note += f"; with a teacher it would be {better} ({EVIDENCE[better][1]:.2f})"
    return named, note
