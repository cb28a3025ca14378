"""How far the score of a set of images may lie from that of other images."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SetScore:
    """A score that is no mean over images, such as an effective rank.

    Attributes:
        value: Of all the images.
        halves: (R,) float64, of random halves of them, the same for every network.
    """

    value: float
    halves: np.ndarray

    def draws(self) -> np.ndarray:
        """Returns (R,) values that other images might have given.

        Halves drawn without replacement vary as much as sets of the whole size do
        (delete-d jackknife, d = n / 2; Shao and Wu, Annals of Statistics 1989), but
        about the score of fewer images, which is taken off.
        """
        return self.value + self.halves - self.halves.mean()

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Returns low and high of the draws; they hold the value.

        Args:
            level: Coverage.
        """
        return interval(self.draws(), self.value, level)


def interval(
    draws: np.ndarray, value: float, level: float = 0.95
) -> tuple[float, float]:
    """Returns low and high of draws of a value; they hold it.

    Args:
        draws: (R,) what it would have been on other images; none: it is all known.
        value: What it is.
        level: Coverage.
    """
    if not len(draws):
        return value, value
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), value), max(float(high), value)


def half_samples(count: int, draws: int = 100, seed: int = 0) -> np.ndarray:
    """Returns random halves of images, as rows.

    Args:
        count: Images, two at least.
        draws: Halves.
        seed: Of them.

    Returns:
        (draws, count // 2) int64, each row ascending.
    """
    rng = np.random.default_rng(seed)
    halves = [rng.permutation(count)[: count // 2] for _ in range(draws)]
    return np.sort(np.stack(halves), axis=1)
