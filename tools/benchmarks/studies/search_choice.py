"""What has been found, as arrays, and which score the other targets choose."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .search_design import IMAGES, SearchDesign
from .search_gate import Gate, gate
from .search_ranks import best_scores, design

#: Published, and a rival that was ahead before: chosen nets of theirs are shown, too.
ALWAYS = ("own:global", "own:rank")


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
        self.truths = {t: self._truth(t, measure).mean(0) for t in self.targets}
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
        found = {}
        for images in IMAGES:
            stage = f"score-{images}"
            seeds = self.study.complete(stage, target, self.names)
            tables = [self.study.rows(seed, stage, target) for seed in seeds]
            for name in tables[0][self.names[0]] if tables else ():
                if name != "subnet":
                    # Of supernets whose scores differ in scale, the mean rank would
                    # lose ties; all are of one recipe, so the mean will do.
                    values = [_column(rows, self.names, name) for rows in tables]
                    found[f"{images}:{name}"] = np.mean(values, axis=0)
        return found

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
            found["NASWOT"] = _column(rows, self.names, "naswot")
        others = [self.truths[t] for t in self.targets if t != target]
        if others:
            scaled = [(x - x.mean()) / (x.std() or 1) for x in others]
            found["labels of other targets"] = np.mean(scaled, axis=0)
        return found

    def order(self, target: str) -> list[str]:
        """Returns the scores, best first, by the other targets that pass the gate."""
        known = {t: self.scores[t] for t in {*self.gated, target} if self.scores[t]}
        if target not in known:
            return []
        truths = {t: self.truths[t] for t in known}
        return best_scores(known, truths, self.rivals, target)


def _column(
    rows: Mapping[str, Mapping[str, Any]], names: Sequence[str], key: str
) -> np.ndarray:
    # A score that is not defined, such as NaN, is kept as null.
    values = [rows[name][key] for name in names]
    return np.array([np.nan if value is None else value for value in values], float)


def chosen_scores(found: Iterable[Found], target: str) -> list[str]:
    """Returns the scores by which a target's band is searched, as ``IMAGES:NAME``.

    The best of the other targets by each measure of accuracy, and those of `ALWAYS`.

    Args:
        found: One a measure.
        target: Whose.
    """
    chosen = dict.fromkeys(ALWAYS)
    for known in found:
        if target in known.targets:
            chosen |= dict.fromkeys(known.order(target)[:1])
    return [*chosen]


def best_of(
    rows: Mapping[str, Mapping[str, Any]], names: Iterable[str], key: str
) -> str:
    """Returns the net with the highest score; of equal ones the first by name."""

    def order(name: str) -> tuple[float, str]:
        value = rows[name][key]
        return (-value if value is not None and value == value else np.inf), name

    return min(names, key=order)
