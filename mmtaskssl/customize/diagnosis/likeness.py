"""How alike a pool and a target are, and how many images of the pool are."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...features.store import FeatureStore
from ...selection.enough import FIRST, LAST, own_similarity
from ...selection.nearest import best_queries_of
from ...selection.policies.round_robin import round_robin
from ...selection.search import topk
from ...selection.task import SelectionTask
from ...utils.devices import AUTO
from .concentration import Concentration, concentration

# The curve's places: `FIRST` images, and twice as many, and so on.
_MOST = FIRST * 2**10
# Enough for medians to be within a hundredth of the spread.
_QUERIES, _DRAWN, _OF_POOL = 2000, 2000, 300
_KEPT = 400
#: From here on the pool has images of the target's own kind, or none that are like it.
#: Set by five targets of few images and one pool (EfficientNet-Lite0, 128 px): with
#: their own source in the pool they were at 1.0 and more, without it at 0.3 to 0.9.
CLOSE, NOTHING = 1 / 2, 1 / 3


@dataclasses.dataclass(frozen=True)
class Likeness:
    """Cosine similarities between a pool and a target, by the features of one start.

    Attributes:
        seen: Images of the pool that were compared.
        pool: Images that it has.
        best: Of target images, to their most similar image of the pool; some.
        anywhere: Of random images of the pool, to their most similar target image;
            some.
        random: Median of these: what an image is like that nobody selected.
        own: Median similarity of a target image to its most similar other one; NaN of
            a single image.
        inner: Median similarity of a random image of the pool to its most similar
            other one.
        curve: Number of selected images K, and the median similarity of the last fifth
            of them: what the K-th image is like.
        spread: How concentrated the target's neighbours are in the pool; None where
            the pool is too small to tell.
    """

    seen: int
    pool: int
    best: Sequence[float] = dataclasses.field(repr=False)
    anywhere: Sequence[float] = dataclasses.field(repr=False)
    random: float
    own: float
    inner: float
    curve: Sequence[tuple[int, float]]
    spread: Concentration | None

    def closeness(self, similarity: float) -> float:
        """Returns where a similarity lies between random images and the target's own.

        0: as a random image of the pool; 1: as the target's images to each other.
        NaN where the features do not tell the target's images from the pool's.
        """
        scale = self.own - self.random
        return (similarity - self.random) / scale if scale > 0.01 else float("nan")

    @property
    def closest(self) -> float:
        """Closeness of the first hundreds, see `closeness`; of the curve the best."""
        return max(self.closeness(value) for _, value in self.curve)

    @property
    def images(self) -> int:
        """How many images to select.

        The last place of the curve where images are at least half as close as the
        first ones (or, of those closer than the target's own, half as close as these):
        behind it most are of other kinds.
        """
        first = min(1.0, self.closest)
        near = [k for k, s in self.curve if self.closeness(s) >= first / 2]
        return near[-1] if near else self.curve[0][0]

    @property
    def use(self) -> str:
        """What the pool has for the target: "alike", "related", "nothing", "unknown".

        Alike: the first images are at least half as close as the target's own are to
        each other; nothing: less than a third. Unknown: the features cannot tell.
        """
        if math.isnan(self.closest):
            return "unknown"
        if self.closest < NOTHING:
            return "nothing"
        return "alike" if self.closest >= CLOSE else "related"

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        found = dataclasses.asdict(self)
        found["curve"] = [
            {"images": k, "similarity": s, "closeness": _number(self.closeness(s))}
            for k, s in self.curve
        ]
        return {
            **found,
            "own": _number(self.own),
            "closest": _number(self.closest),
            "images": self.images,
            "use": self.use,
        }

    @classmethod
    def of_dict(cls, found: dict[str, Any]) -> "Likeness":
        """Returns what `to_dict` wrote."""
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: found[name] for name in names}
        values["curve"] = [
            (one["images"], one["similarity"]) for one in values["curve"]
        ]
        if values["own"] is None:
            values["own"] = float("nan")
        if values["spread"] is not None:
            values["spread"] = Concentration(**values["spread"])
        return cls(**values)


def likeness(
    pool: FeatureStore,
    target: FeatureStore,
    *,
    skip: np.ndarray | None = None,
    images: int | None = None,
    seed: int = 0,
    device: str = AUTO,
) -> Likeness:
    """Measures how alike a pool and a target are.

    The curve is that of the selection that ``select`` makes by default: round robin
    over the target's images.

    Args:
        pool: Features of the pool, or of a random part of it; read in blocks.
        target: Of the target's training images, by the same extractor; of more than
            2,000, some at random.
        skip: (N,) bool, rows of the pool that do not count.
        images: Of the pool, where ``pool`` is a part of them: the curve is of all.
        seed: Of what is drawn.
        device: Where the search runs.
    """
    rng = np.random.default_rng(seed)
    skip = np.zeros(len(pool), bool) if skip is None else skip.copy()
    skip[pool.bad_rows] = True
    rows = np.setdiff1d(np.arange(len(target)), target.bad_rows)
    queries = target.read(_some(rows, _QUERIES, rng))
    usable = np.flatnonzero(~skip)
    share = len(usable) / (images or len(usable))
    drawn = _some(usable, _DRAWN, rng)
    _, anywhere = best_queries_of(queries, pool, drawn)
    random = float(np.median(anywhere))
    few = pool.read(_some(usable, _OF_POOL, rng))
    inner = topk(few, pool, 2, skip=skip, device=device).scores[:, -1]
    places = _places(len(usable))
    task = SelectionTask(pool, queries, skip, places[-1], seed, device=device)
    found = round_robin(task)
    hits = task.known_hits()
    assert hits is not None
    return Likeness(
        seen=len(usable),
        pool=round(len(usable) / share),
        best=_kept(hits.scores[:, 0], rng),
        anywhere=_kept(anywhere, rng),
        random=random,
        own=own_similarity(queries),
        inner=float(np.median(inner)),
        curve=[
            (round(k / share), float(np.median(found.scores[int((1 - LAST) * k) : k])))
            for k in places
        ],
        spread=concentration(queries, pool, usable, rng),
    )


def _places(count: int) -> list[int]:
    """Returns the numbers of images of a curve: to half of the pool, as a rule."""
    places, k = [], FIRST
    while k <= min(max(FIRST, count // 2), count, _MOST):
        places.append(k)
        k *= 2
    return places or [count]


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, False))


def _kept(values: np.ndarray, rng: np.random.Generator) -> list[float]:
    return [round(float(v), 4) for v in _some(np.sort(values), _KEPT, rng)]


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if value == value else None
