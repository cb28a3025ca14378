"""What has been found, as arrays, and which score the other targets choose."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mmtaskssl.search.names import MEAN_OF, TAUGHT_NAMES

from .search_design import IMAGES, SearchDesign
from .search_gate import Gate, gate
from .search_ranks import Known, best_scores, design, rank_average

#: Of few targets the mean is one's that suits a score by chance; and what is taken
#: unasked should be bad nowhere.
RULE = "worst"
#: Of scores whose mean rank on all `IMAGES` is taken.
BOTH = "both"
#: The mean rank of these, on a target's own images, is a score as well.
FOUR = tuple(f"{n}-teacher" if n in TAUGHT_NAMES else n for n in MEAN_OF)
MEAN_OF_FOUR = "own:mean rank of four"
#: Published, and a rival that was ahead before: chosen nets of theirs are shown, too.
ALWAYS = ("own:global", "own:rank", MEAN_OF_FOUR)


class Found:
    """Everything about one measure of accuracy, means over the supernets that have it.

    Args:
        study: Says what was measured.
        measure: Of `MEASURES`.
    """

    def __init__(self, study: SearchDesign, measure: str) -> None:
        self.study, self.measure, self.names = study, measure, study.names
        self.sizes = study.sizes(self.names)
        self.rivals = design(self.sizes)
        self.seeds = {
            target: study.complete("truth", target, self.names)
            for target in study.targets
        }
        self.targets = [target for target in study.targets if self.seeds[target]]
        self.truths = {t: _tied(self._truth(t, measure).mean(0)) for t in self.targets}
        self.gates = {t: self._gate(t) for t in self.targets}
        self.scores = {t: self._scores(t) for t in self.targets}

    @property
    def gated(self) -> list[str]:
        """The targets that pass the gate."""
        return [target for target, found in self.gates.items() if found.go]

    def _truth(self, target: str, key: str) -> np.ndarray:
        tables = [self.study.rows(s, "truth", target) for s in self.seeds[target]]
        return np.array([[rows[n][key] for n in self.names] for rows in tables])

    def _gate(self, target: str) -> Gate:
        folds = self._truth(target, f"{self.measure}_folds")
        largest = self.names.index(self.study.backbone.space.max.name)
        return gate(self._truth(target, self.measure), folds, self.rivals, largest)

    def _scores(self, target: str) -> dict[str, np.ndarray]:
        """Scores by ``IMAGES:NAME``, of all supernets that have them."""
        found: dict[str, np.ndarray] = {}
        for images in IMAGES:
            stage = f"score-{images}"
            seeds = self.study.complete(stage, target, self.names)
            tables = [self.study.rows(seed, stage, target) for seed in seeds]
            for name in tables[0][self.names[0]] if tables else ():
                if name != "subnet":
                    # Of supernets whose scores differ in scale, the mean rank would
                    # lose ties; all are of one recipe, so the mean will do.
                    values = [column(rows, self.names, name) for rows in tables]
                    found[f"{images}:{name}"] = _tied(np.mean(values, axis=0))
        return found | _joined(found) | mean_of_four(found)

    def rival_scores(self, target: str) -> dict[str, np.ndarray]:
        """What a score has to beat: size, zero cost, and other labelled sets."""
        found = {
            "MACs": self.rivals[:, 0],
            "depth": self.rivals[:, 1],
            "last width": self.rivals[:, 2],
            "parameters": np.array(
                [self.study.backbone.cost(s).params for s in self.study.candidates],
                dtype=float,
            ),
        }
        rows = self.study.rows(0, "zero", target)
        if all(name in rows for name in self.names):
            found["NASWOT"] = column(rows, self.names, "naswot")
        others = [self.truths[t] for t in self.targets if t != target]
        if others:
            scaled = [(x - x.mean()) / (x.std() or 1) for x in others]
            found["labels of other targets"] = np.mean(scaled, axis=0)
        return found


def mean_of_four(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the mean rank by `FOUR` as `MEAN_OF_FOUR`, if there are all."""
    images = images_of(MEAN_OF_FOUR)[0]
    parts = [scores.get(f"{images}:{name}") for name in FOUR]
    if any(part is None for part in parts):
        return {}
    return {MEAN_OF_FOUR: rank_average(parts)}


def order(found: Iterable[Found], target: str, rule: str = RULE) -> list[str]:
    """Returns the scores, best first, by the other targets that pass the gate.

    Args:
        found: One a measure; a target counts by each that passes.
        target: That has no say.
        rule: Of `RULES`.
    """
    return best_scores(by_others(found, target), rule)


def by_others(found: Iterable[Found], target: str) -> list[Known]:
    """Returns what is known of the other targets that pass the gate, see `order`."""
    return [
        Known(one.scores[t], one.truths[t], one.rivals)
        for one in found
        for t in one.gated
        if t != target and one.scores[t]
    ]


def _tied(values: np.ndarray) -> np.ndarray:
    """Returns values of which those stay equal that only rounding told apart."""
    return np.array([float(f"{value:.5g}") for value in values])


def _joined(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the mean ranks on all images, of the scores that are defined there."""
    first, *others = IMAGES
    joined = {}
    for name in (n.partition(":")[2] for n in scores if n.startswith(f"{first}:")):
        parts = [scores.get(f"{images}:{name}") for images in (first, *others)]
        if all(part is not None and np.isfinite(part).all() for part in parts):
            joined[f"{BOTH}:{name}"] = rank_average(parts)
    return joined


def scores_of(
    study: SearchDesign, seed: int, target: str, score: str, names: Sequence[str]
) -> np.ndarray:
    """Returns a score of some nets of one supernet, NaN where it is not defined.

    Args:
        study: Has them all.
        seed: Of the supernet.
        target: Whose images.
        score: As ``IMAGES:NAME``.
        names: Of nets.
    """
    images, _, key = score.partition(":")
    if score == MEAN_OF_FOUR:
        return rank_average(
            [scores_of(study, seed, target, f"{images}:{n}", names) for n in FOUR]
        )
    parts = [
        column(study.rows(seed, f"score-{one}", target), names, key)
        for one in images_of(score)
    ]
    return rank_average(parts) if images == BOTH else parts[0]


def images_of(score: str) -> Sequence[str]:
    """Returns the images, of `IMAGES`, that a score is computed on."""
    images = score.partition(":")[0]
    return IMAGES if images == BOTH else (images,)


def column(
    rows: Mapping[str, Mapping[str, Any]], names: Sequence[str], key: str
) -> np.ndarray:
    """Returns (names,) one figure of rows by name, NaN where it is not defined."""
    # A score that is not defined, such as NaN, is kept as null.
    values = [rows[name][key] for name in names]
    return np.array([np.nan if value is None else value for value in values], float)


def chosen_scores(found: Sequence[Found], target: str) -> list[str]:
    """Returns the scores by which a target's band is searched, as ``IMAGES:NAME``.

    The best of the other targets, and those of `ALWAYS`.

    Args:
        found: One a measure.
        target: Whose.
    """
    return [*dict.fromkeys([*ALWAYS, *order(found, target)[:1]])]


def best_of(values: np.ndarray, names: Sequence[str]) -> str:
    """Returns the net with the highest score; of equal ones the first by name.

    Args:
        values: (nets,); NaN is below all.
        names: Of the nets.
    """
    lowest = np.where(np.isnan(values), -np.inf, values)
    return min(zip(-lowest, names, strict=True))[1]
