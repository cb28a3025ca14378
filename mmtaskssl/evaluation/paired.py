"""Whether one arm is better than another, over runs that belong together in pairs."""

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from ..report.inline import as_text
from ..utils import checks
from ..utils.families import BadValue, NotFinite, ShapeMismatch

Runs = Sequence[float] | Mapping[Hashable, float] | np.ndarray
"""Figures of runs: in an order, or by what pairs them, such as the seed."""

# All flips of the signs of this many differences are looked at; of more, some.
_MOST_EXACT = 14


@dataclass(frozen=True)
class PairedDifference:
    """The mean of paired differences, and how sure it is.

    Attributes:
        mean: Of the differences, in their unit.
        error: Its standard error; NaN of a single pair.
        low: Lower end of the interval of the mean; NaN of a single pair.
        high: Upper end.
        p: Two-sided, of the hypothesis that either arm could be the other.
        pairs: Number of pairs.
        level: Coverage of the interval.
    """

    mean: float
    error: float
    low: float
    high: float
    p: float
    pairs: int
    level: float

    def to_dict(self) -> dict[str, float | None]:
        """Returns all figures, JSON-ready; what is not defined is None."""
        return {k: None if v != v else v for k, v in asdict(self).items()}

    def short(self, digits: int = 1) -> str:
        """Returns mean ± standard error, or the mean of a single pair."""
        mean = f"{self.mean:+.{digits}f}"
        return mean if self.pairs < 2 else f"{mean} ± {self.error:.{digits}f}"

    def __str__(self) -> str:
        if self.pairs < 2:
            return f"{self.short()} (1 pair)"
        return (
            f"{self.short()} ({100 * self.level:g} % {self.low:+.1f} to "
            f"{self.high:+.1f}, p = {self.p:.2g}, {self.pairs} pairs)"
        )

    def _repr_html_(self) -> str:
        """Shows the difference in a notebook."""
        return as_text(str(self))


def paired_difference(
    ours: Runs, theirs: Runs, level: float = 0.95
) -> PairedDifference:
    """Compares two arms whose runs belong together, such as those of one seed.

    The interval of the mean is Student's: for few seeds, whose differences are about
    normal. The p value is of the test that flips the differences' signs (Fisher, "The
    Design of Experiments", 1935, section 21), which assumes no distribution: all flips
    of up to 14 pairs, else 16,383 random ones and the true order (Phipson and Smyth,
    2010). With few pairs it cannot be small: of n it is at least 2 / 2^n.

    Args:
        ours: (N,) figures, one a run; or a mapping, of which the keys that both have
            are compared.
        theirs: (N,) those of the other arm, in the same order; or a mapping.
        level: Coverage of the interval, between 0 and 1.

    Returns:
        Of ``ours`` minus ``theirs``, in their unit.

    Raises:
        UserError: Unequal lengths, no pair, NaN or infinity, or a bad level.
    """
    checks.finite("level", level, above=0)
    if level >= 1:
        raise BadValue(f"an interval needs a level between 0 and 1, not {level}")
    differences = _differences(ours, theirs)
    count, mean = len(differences), float(differences.mean())
    if count < 2:
        nan = float("nan")
        return PairedDifference(mean, nan, nan, nan, 1.0, count, level)
    error = float(differences.std(ddof=1)) / math.sqrt(count)
    half = float(stats.t.ppf((1 + level) / 2, count - 1)) * error
    p = _sign_flips(differences)
    return PairedDifference(mean, error, mean - half, mean + half, p, count, level)


def _differences(ours: Runs, theirs: Runs) -> np.ndarray:
    if isinstance(ours, Mapping) != isinstance(theirs, Mapping):
        raise ShapeMismatch("both arms of a comparison are sequences, or both mappings")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = [key for key in ours if key in theirs]
        ours, theirs = [ours[k] for k in keys], [theirs[k] for k in keys]
    a, b = _figures(ours), _figures(theirs)
    if a.ndim != 1 or a.shape != b.shape:
        raise ShapeMismatch(f"runs of shapes {a.shape} and {b.shape} make no pairs")
    if not len(a):
        raise ShapeMismatch("the arms have no run in common")
    if not np.isfinite(a - b).all():
        raise NotFinite("figures of runs hold NaN or infinity")
    return a - b


def _figures(runs: Any) -> np.ndarray:
    """Returns the figures of an arm, (N,) where they are some."""
    try:
        if isinstance(runs, str | bytes):  # of which "1" would be a figure
            raise TypeError
        return np.asarray(runs, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadValue(
            "an arm of a comparison is a sequence of figures, or a mapping to them, "
            f"not {checks.shown(runs)}"
        ) from None


def _sign_flips(differences: np.ndarray) -> float:
    """Returns the share of flips whose sum is as far from 0 as the true one."""
    count = len(differences)
    if count <= _MOST_EXACT:
        # The first sign may stand: flipping all changes no size.
        rest = itertools.product((1.0, -1.0), repeat=count - 1)
        signs = np.array([(1.0, *one) for one in rest])
    else:
        rng = np.random.default_rng(0)
        signs = rng.choice((1.0, -1.0), (2**_MOST_EXACT, count))
        signs[0] = 1.0
    sums = np.abs(signs @ differences)
    # Rounding must not part equal sums.
    return float((sums >= sums[0] * (1 - 1e-12)).mean())
