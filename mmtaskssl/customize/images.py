"""Which images of the pool the arms train on, as lists in files."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..features.extract import extract
from ..features.opening import open_runner
from ..features.sources import StoreLike
from ..networks import Network
from ..selection.folder import select_to_folder
from ..selection.names import Policy
from ..selection.options import Options
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.families import Unfinished
from ..utils.hashing import lines_sha256
from .diagnosis.stores import extract_shared
from .inspection.inspected import Inspected

FEATURES, SELECTION, LISTS = "features", "selection", "ids"
# Of what there are features.
POOL, TARGET = "pool", "target"
#: How to select by a network that a short training made: by its features other policies
#: find less of the target's own kind (measured, see model_zoo.md).
WITHOUT_START: Policy = "whitened"
#: Images that a training takes, at least.
LEAST = 256
#: Images that are selected where nobody says how many: those of our measurements.
MOST = 1000


def how_many(asked: int | None, found: int | None, pool: int) -> int:
    """Returns how many images to select.

    Args:
        asked: For, by the user.
        found: By the diagnosis; None: it cannot tell.
        pool: How many there are.
    """
    if asked is None:
        asked = max(LEAST, found or min(MOST, pool // 6))
    return min(pool, asked)


def select_images(
    found: Inspected,
    network: Network,
    side: int,
    count: int,
    out: Path,
    log: Callable[[str], None],
    shared: Path | None = None,
    **running: Any,
) -> Path:
    """Selects pool images that are most similar to the target's training images.

    Args:
        found: Pool and target.
        network: Extracts the features.
        side: Of the images that it sees.
        count: How many to select.
        out: Holds the features and the selection; goes on there.
        log: Takes lines on the progress.
        shared: Folder of the pool's features by this network, of several targets; None:
            they lie in ``out``.
        **running: See `open_runner`.

    Returns:
        The folder of the selection.
    """
    runner = open_runner(network, image_size=side, **running)
    stores: dict[str, StoreLike] = {}
    for name, ids, root in (
        (POOL, found.pool_ids, found.pool_root),
        (TARGET, found.train.image_ids, found.train.root),
    ):
        log(f"features of the {name}: {len(ids):,} images at {side} px")
        if name == POOL and shared is not None:
            stores[name] = extract_shared(runner, ids, root, shared, log)
        else:
            stores[name] = place = out / FEATURES / name
            extract(runner, ids, root=root, out=place, log=log)
    select_to_folder(
        *(out / SELECTION, stores[POOL], stores[TARGET], count),
        Options(policy=WITHOUT_START),
        log=log,
    )
    return out / SELECTION


@dataclasses.dataclass(frozen=True)
class Common:
    """What several targets train on, which sees nothing of any of them.

    Attributes:
        ids: Images of the pool that none of them keeps out.
        folder: Holds ``ids``, a file for each list.
    """

    ids: Sequence[str]
    folder: Path


def write_lists(
    found: Inspected,
    selection: Path | None,
    count: int,
    seed: int,
    out: Path,
    common: Common | None = None,
) -> tuple[dict[str, Path], dict[str, int]]:
    """Writes a file of ids for each kind of list, unless it is there.

    Args:
        found: The pool.
        selection: Folder of a selection; None: there is none yet.
        count: Images to select, or to draw at random.
        seed: Of the draw.
        out: Holds ``ids``.
        common: What is drawn from instead of the pool, and is a list, too.

    Returns:
        The files, by kind, and the number of ids in each.
    """
    drawn_from = found.pool_ids if common is None else common.ids
    random_count = min(count, len(drawn_from))
    drawn = random.Random(seed).sample([*drawn_from], random_count)
    lists = {"pool": found.pool_ids, "random": drawn, "target": found.train.paths}
    names = {"pool": "pool", "random": f"random-seed{seed}", "target": "target"}
    places = dict.fromkeys(lists, out)
    if common is not None:
        lists["common"] = common.ids
        for kind in ("common", "random"):  # of these ids, whoever asks
            places[kind] = common.folder
            names[kind] = f"{kind}-{lines_sha256(lists[kind])[:8]}"
    files = {}
    for kind, ids in lists.items():
        files[kind] = file = places[kind] / LISTS / f"{names[kind]}.txt"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, "".join(f"{image}\n" for image in ids))
    counts = {kind: len(ids) for kind, ids in lists.items()}
    if selection is not None:
        files["selected"] = selection / "selection.txt"
        counts["selected"] = count
    return files, counts


def features_gone(folder: Path) -> UserError:
    """Returns what says that features that a folder was made from are not there."""
    return Unfinished(
        f"the features that {folder} was made from are gone: remove that folder, and "
        "they are extracted again"
    )
