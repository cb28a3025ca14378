"""Names that a command line offers, without importing what they name."""

from collections.abc import Iterable
from typing import NamedTuple

#: Leaves the choice of the metric to `chosen.EVIDENCE`.
AUTO = "auto"
#: See `strategies.STRATEGIES`.
STRATEGY_NAMES = ("random", "evolution", "grid")
#: See `metrics.METRICS`.
PUBLISHED = ("global", "dense", "dense-raw")
#: See `metrics.SET_SCORES`.
SET_SCORE_NAMES = ("rank", "neighbours", "ridge")
#: The mean rank by several metrics, see `mean_rank`, and by which.
MEAN_RANK = "mean-rank"
MEAN_OF = ("global", "neighbours", "ridge", "rank")
#: Everything that a search ranks by.
METRIC_NAMES = (*PUBLISHED, *SET_SCORE_NAMES, MEAN_RANK)
#: Which of them compare with the features of a teacher.
TAUGHT_NAMES = ("neighbours", "ridge", MEAN_RANK)


class Words(NamedTuple):
    """How a ranking speaks of its metric.

    Attributes:
        column: Heads its values.
        title: Names them elsewhere.
        said: Says what they are.
    """

    column: str
    title: str
    said: str


_WORDS = {
    MEAN_RANK: Words(
        *["mean rank"] * 2,
        f"mean rank by {', '.join(MEAN_OF[:-1])} and {MEAN_OF[-1]}, as the share of "
        "the others that they are ahead of",
    ),
    "rank": Words(*["effective rank"] * 2, "features' effective rank"),
    "neighbours": Words(
        *("overlap", "overlap of neighbours"),
        "share of nearest images in common with the teacher",
    ),
    "ridge": Words(
        *("explained", "variance explained"),
        "share of the teacher's variance that their features explain",
    ),
}


def words_of(metric: str) -> Words:
    """Returns how a ranking speaks of a metric."""
    title = f"{metric} similarity"
    return _WORDS.get(metric) or Words(
        "similarity", title, f"likeness to the largest ({metric})"
    )


def computed(metrics: Iterable[str]) -> tuple[str, ...]:
    """Returns the metrics that are computed of each sub-net, to rank by some.

    Args:
        metrics: Of `METRIC_NAMES`.
    """
    parts = (MEAN_OF if name == MEAN_RANK else (name,) for name in metrics)
    return tuple(dict.fromkeys(name for part in parts for name in part))


#: Statistics of the teacher's batch norms: from the images, or as trained.
TEACHER_BN = ("images", "stored")
