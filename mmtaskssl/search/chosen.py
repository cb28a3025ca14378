"""Which metric a search takes where none is named: the one that ranked best."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..subnets import SearchSpace, build_space
from .names import AUTO, MEAN_RANK, TAUGHT_NAMES, computed


class Ranked(NamedTuple):
    """How a metric ranked sub-nets by accuracy where there was an order to find.

    Attributes:
        spearman: With kNN and linear accuracy, mean of the targets that passed.
        partial: The same, given log-MACs, total depth and last width.
    """

    spearman: float
    partial: float


#: The space of the supernets of `EVIDENCE`, which a teacher taught.
MEASURED_SPACE = "data_basic_wide"
#: By metric, on the targets' own images: distilled supernets of `MEASURED_SPACE`, see
#: "A regime in which there is an order" in docs/evidence/data.md.
EVIDENCE = {
    MEAN_RANK: Ranked(0.70, 0.60),
    "global": Ranked(0.61, 0.54),
    "neighbours": Ranked(0.63, 0.44),
    "rank": Ranked(0.38, 0.42),
    "ridge": Ranked(0.58, 0.35),
    "dense": Ranked(0.27, -0.15),
}


def is_measured(space: SearchSpace, config: Mapping[str, Any] | None) -> bool:
    """Whether a supernet is of the kind that `EVIDENCE` is of.

    Args:
        space: Its space.
        config: Of its training.
    """
    tried = build_space(MEASURED_SPACE).to_dict()
    same = all(
        space.to_dict().get(key) == tried[key] for key in ("stem", "widths", "depths")
    )
    return same and bool(((config or {}).get("model") or {}).get("distill"))


def choose_metrics(
    metrics: Sequence[str],
    taught: bool,
    unable: Collection[str] = (),
    measured: bool = True,
) -> tuple[tuple[str, ...], str | None]:
    """Returns the metrics to compute, `AUTO` replaced, and why; None: it is not there.

    `AUTO` is the metric of `EVIDENCE` with the best partial correlation of those that
    can be computed: beyond size, which anybody can count.

    Args:
        metrics: Names, `AUTO` maybe among them.
        taught: Whether there is a teacher to compare with.
        unable: What cannot be computed of this network.
        measured: Whether it is of the kind that was measured, see `is_measured`.
    """
    if AUTO not in metrics:
        return tuple(dict.fromkeys(metrics)), None
    able = [
        name
        for name in EVIDENCE
        if (taught or name not in TAUGHT_NAMES) and not {*unable} & {*computed([name])}
    ]
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
    if not measured:
        note += (
            f"; that was in distilled supernets of {MEASURED_SPACE}, which this is "
            "not: how it ranks here is not known"
        )
    return named, note
