"""``--dry-run``: what a command would take, before it does anything.

Decoding and the network are measured on 64 images; all else by running the command on
a small and a larger part of its work (`trial`), and drawing a line through both.
"""

import dataclasses
import os
import sys
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..utils.budgets import AUTO
from ..utils.families import OptionConflict
from ..utils.tables import aligned
from ..utils.units import duration, size

if TYPE_CHECKING:
    from ..features.store import FeatureStore
    from .trial import Trial

#: Images that decoding and networks are measured on.
IMAGES = 64
_DRY = "--dry-run"
# Files whose sizes are looked at: the mean of so many is that of all within a few %.
_SIZES = 4096
#: Parts of a trial: of images, of rows of features, and of steps.
IMAGE_PARTS, _MOST_ROWS = (16, 16 + IMAGES), 8192
# Where the image of each row is read, too: parts of several of its batches of 256.
_MOST_READ = 1024
STEP_PARTS = CANDIDATE_PARTS = (2, 6)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a command would take on this machine.

    Attributes:
        what: The work, in words, such as "2,000 images".
        count: Of them.
        seconds: Of the whole command, from its start.
        reads: Bytes of images or features.
        memory: Bytes at its peak.
        writes: Bytes that stay on the disk.
        passes: How often it reads what it reads, in words.
        measured: On what, in words.
        parts: Seconds of parts of the work, by name, for one image.
    """

    what: str
    count: int
    seconds: float
    reads: int
    memory: int
    writes: int
    passes: str
    measured: str
    parts: dict[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: "Trial",
        what: str,
        count: int,
        reads: int,
        passes: str,
        parts: str,
        size: int | None = None,
    ) -> "Plan":
        """Returns the plan of a command of which two parts were tried.

        Args:
            found: What these took.
            what: See `Plan`, as for the next three.
            count: See above.
            reads: See above.
            passes: See above.
            parts: What the sizes of the parts count, in words.
            size: Of the whole, as those of the parts; None: the count.
        """
        size = count if size is None else size
        small, large = found.sizes
        return cls(
            *(what, count, found.time(size), reads),
            *(found.memory(size), found.written(size), passes),
            f"{small:,} and {large:,} {parts}",
        )

    def table(self) -> str:
        """Returns a line for each figure."""
        rows = [
            ["work", self.what],
            ["reads", f"{size(self.reads)}, {self.passes}"],
            *([k, f"{1e3 * v:.2f} ms an image"] for k, v in self.parts.items()),
            ["time", f"{duration(self.seconds)} ({self.measured})"],
            ["memory", size(self.memory)],
            ["writes", size(self.writes)],
        ]
        return "\n".join(["plan (nothing was written):", *aligned(rows, names=2)])


def words(argv: Sequence[str] | None) -> list[str]:
    """Returns the command line; its ``--dry-run`` says nothing in a trial."""
    return [*(sys.argv[1:] if argv is None else argv)]


def bytes_of_images(root: str | os.PathLike, image_ids: Sequence[str]) -> int:
    """Returns the bytes of images: of very many, as many times the mean of some."""
    from ..utils import members

    some = spaced(image_ids, _SIZES)
    found = []
    for image in some:
        path = Path(root, image)
        member = members.find(path)
        try:
            found.append(path.stat().st_size if member is None else member.size)
        except OSError:
            continue  # it is broken, and the run will say so
    return round(sum(found) / max(1, len(found)) * len(image_ids))


def spaced(values: Sequence[str], most: int) -> list[str]:
    """Returns at most so many values, evenly spaced."""
    step = max(1.0, len(values) / most)
    return [values[int(i * step)] for i in range(min(most, len(values)))]


def row_parts(
    rows: int, least: int = 64, by_pixels: bool = False, alike: bool = False
) -> tuple[int, int]:
    """Returns sizes of two parts of a store's rows.

    Args:
        rows: Of the store.
        least: Of the larger part, where there are as many.
        by_pixels: Whether the image of each row is read, too.
        alike: Whether what is found has to be the same in both and in the whole, so
            that they are as large as can be.
    """
    most = min(rows, _MOST_READ if by_pixels else _MOST_ROWS)
    if alike:
        return max(1, most - 1 if most == rows else most // 2), most
    large = min(rows, max(least, min(most, rows // 2)))
    return max(1, min(large // 4, large - 1)), large


def write_list(place: Path, name: str, image_ids: Sequence[str]) -> str:
    """Writes a list of images, and returns its path."""
    path = place / name
    text = "".join(f"{image}\n" for image in image_ids)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return str(path)


def write_part(
    store: "FeatureStore", rows: int, out: Path, among: Container[str] = ()
) -> str:
    """Writes a store of evenly spaced rows of another, and returns its path.

    Args:
        store: The other one.
        rows: So many.
        out: The folder.
        among: Ids of which one has to be there, if the store has any of them.
    """
    import numpy as np

    from ..features.writer import FeatureStoreWriter

    if out.exists():
        return str(out)
    chosen = np.linspace(0, len(store) - 1, rows).round().astype(int).tolist()
    known = [row for row, image in enumerate(store.image_ids) if image in among]
    if known and not {*known} & {*chosen}:
        chosen = sorted([*chosen[:-1], known[0]])
    bad = {*store.bad_rows.tolist()}
    facts = store.manifest
    writer = FeatureStoreWriter.prepare(
        out,
        [store.image_ids[row] for row in chosen],
        dim=store.dim,
        extractor=facts["extractor"],
        transform=facts["transform"],
        root=store.root,
        source=facts["source"],
        rows_per_shard=rows,
    )
    reasons = {at: "unreadable" for at, row in enumerate(chosen) if row in bad}
    writer.write_unit_shard(0, store.read(chosen).astype(np.float16), reasons)
    writer.finish()
    return str(out)


def open_store(path: str, option: str) -> "FeatureStore":
    """Opens a store of features; a plan of images would have to extract them.

    Args:
        path: The store.
        option: That names it.

    Raises:
        UserError: It is no store.
    """
    from ..features.sources import is_store
    from ..features.store import FeatureStore

    if not is_store(path):
        raise OptionConflict(
            f"{_DRY} plans from feature stores, and {option} {path} is none: plan "
            "its extraction (mmtaskssl extract ... --dry-run), then do it"
        )
    return FeatureStore.open(path)


def scaled(budget: str, count: int, share: float) -> str:
    """Returns the budget of a share of a pool, which is of so many images in all."""
    text = budget.strip()
    return (
        text
        if text == AUTO or text.endswith("%")
        else str(max(1, round(count * share)))
    )
