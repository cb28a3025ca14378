"""Names that a command line offers, without importing what they name."""

from typing import NamedTuple

#: See `strategies.STRATEGIES`.
STRATEGY_NAMES = ("random", "evolution", "grid")
#: See `metrics.METRICS`.
PUBLISHED = ("global", "dense", "dense-raw")
#: See `metrics.SET_SCORES`.
SET_SCORE_NAMES = ("rank", "neighbours", "ridge")
#: Everything that a search ranks by.
METRIC_NAMES = PUBLISHED + SET_SCORE_NAMES
#: Which of them compare with the features of a teacher.
TAUGHT_NAMES = ("neighbours", "ridge")


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


#: Statistics of the teacher's batch norms: from the images, or as trained.
TEACHER_BN = ("images", "stored")
