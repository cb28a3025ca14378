"""What is known of a pool, a target and starts before anything is trained."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...features.store import FeatureStore
from ...report.page import html_page
from ...report.result import Result
from ...runs import Work, verify
from ...utils.atomic import write_json
from ...utils.families import FileDamaged, NotAResult
from ...utils.inputs import read_json
from ...utils.tables import aligned
from .choice import LEVERS
from .likeness import Likeness
from .measured import Measured, best_of, measured_of
from .recommend import Recommendation

DIAGNOSIS = "diagnosis.json"
#: Holds the stores of features.
FEATURES = "features"
WHAT = "a diagnosis"
VERSION = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Diagnosis(Result):
    """What is known before anything is trained.

    Attributes:
        measured: The starts, as they are.
        likeness: Pool and target, by the features of the best of them.
        recommendation: What to do.
        inputs: What it was made from; JSON-ready.
        seconds: By part of the work.
        pool: Features of the pool, by the best start at its largest side.
        train: Features of the target's training images, likewise.
    """

    measured: Sequence[Measured]
    likeness: Likeness
    recommendation: Recommendation
    inputs: Mapping[str, Any] = dataclasses.field(repr=False)
    seconds: Mapping[str, float] = dataclasses.field(repr=False)
    pool: FeatureStore | None = dataclasses.field(default=None, repr=False)
    train: FeatureStore | None = dataclasses.field(default=None, repr=False)

    @property
    def best(self) -> Measured:
        """The start whose features compare pool and target."""
        return best_of(self.measured)

    def table(self) -> str:
        """Returns starts, the pool and what to do, for a terminal."""
        return "\n".join(
            [*_starts(self.measured), "", *self._of_pool(), "", *self.answer]
        )

    @property
    def answer(self) -> list[str]:
        """What to do, why, and what would change that, a line each."""
        said = self.recommendation
        images = "" if said.images is None else f" ({said.images:,} images)"
        return [
            f"recommended: {LEVERS[said.lever]}{images}",
            *(f"  {reason}" for reason in said.reasons),
            *([f"  beside it: {', '.join(said.beside)}"] if said.beside else []),
            *(f"  would change the answer: {one}" for one in said.would_change),
        ]

    def _of_pool(self) -> list[str]:
        like = self.likeness
        rows = [["selected images", "similarity", "closeness"]]
        rows += [
            [f"{k:,}", f"{value:.3f}", f"{like.closeness(value):.2f}"]
            for k, value in like.curve
        ]
        told = (
            f"closeness 0: as a random image ({like.random:.3f}), 1: as the target's "
            f"own ({like.own:.3f})"
        )
        if math.isnan(like.closest):
            rows = [cells[:2] for cells in rows]
            told = (
                "the target has no two images to compare"
                if math.isnan(like.own)
                else f"a random image ({like.random:.3f}) is as similar as the "
                f"target's own ({like.own:.3f}): these features do not tell them apart"
            )
        lines = [
            f"pool of {like.pool:,} images, by {self.best.start.name} at "
            f"{self.best.at[-1].side} px; {told}",
            *(f"  {line}" for line in aligned(rows, names=0)),
        ]
        if like.spread is not None:
            lines.append(
                f"  the target's neighbours fall in {like.spread.clusters:.1f} of "
                f"{like.spread.of} clusters of the pool, random images' in "
                f"{like.spread.anywhere:.1f}"
            )
        return lines

    def sections(self) -> list[str]:
        """Returns parts of a page: starts, the pool, what to do."""
        from .sections import sections  # draws, which most callers do not

        return sections(self)

    def page(self) -> str:
        """Returns the page of all sections."""
        return html_page("Diagnosis", ["<h1>Diagnosis</h1>", *self.sections()])

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the scores of single images, JSON-ready."""
        return {
            "inputs": dict(self.inputs),
            "starts": [one.to_dict() for one in self.measured],
            "best": self.best.start.name,
            "likeness": self.likeness.to_dict(),
            "recommendation": self.recommendation.to_dict(),
            "seconds": dict(self.seconds),
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes diagnosis.json, without the features.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = Work("diagnosis", VERSION, self.inputs, (DIAGNOSIS,), WHAT)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            self.write(temporary)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Writes diagnosis.json into a folder that the caller sees to."""
        judged = [[side.judged.to_dict() for side in one.at] for one in self.measured]
        stores = [store and store.path.name for store in (self.pool, self.train)]
        kept = {**self.to_dict(), "judged": judged, "stores": stores}
        write_json(folder / DIAGNOSIS, kept)

    @classmethod
    def open(cls, folder: str | Path) -> "Diagnosis":
        """Reads a diagnosis, with its features where they lie beside it.

        Raises:
            UserError: There is none, or it was changed.
        """
        folder = Path(folder)
        try:
            found = read_json(folder / DIAGNOSIS)
        except (OSError, ValueError) as error:
            raise NotAResult(f"{folder} holds no diagnosis ({error})") from error
        verify(folder, [DIAGNOSIS])
        try:
            measured = [
                measured_of(one, judged)
                for one, judged in zip(found["starts"], found["judged"], strict=True)
            ]
            return cls(
                measured,
                Likeness.of_dict(found["likeness"]),
                Recommendation.of_dict(found["recommendation"]),
                found["inputs"],
                found["seconds"],
                *(_store(folder, name) for name in found["stores"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FileDamaged(
                f"the diagnosis in {folder} is damaged ({error})"
            ) from error


def _store(folder: Path, name: str | None) -> FeatureStore | None:
    path = folder / FEATURES / name if name else None
    if path is None or not FeatureStore.is_complete(path):
        return None
    return FeatureStore.open(path)


def _starts(measured: Sequence[Measured]) -> list[str]:
    rows = [["start", "labels", "px", "M MACs", "kNN", "linear", "rank"]]
    for one in measured:
        for at in one.at:
            public = "" if one.start.public is None else one.start.public.split(",")[0]
            scores = (at.judged.mean(name) for name in ("knn", "linear"))
            rows.append(
                [
                    one.start.name,
                    public,
                    str(at.side),
                    f"{at.macs / 1e6:.1f}",
                    *(f"{score:.1f}" for score in scores),
                    f"{at.rank:.1f}",
                ]
            )
    first = measured[0].at[0].judged
    count = len(first.of("linear"))
    return [
        *aligned(rows, names=2),
        f"{count:,} training images, each scored by the other folds; %",
    ]
