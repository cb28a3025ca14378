"""One of each group of copies in a pool stays."""

import os

import numpy as np

from ...datasets.images import ImagesLike
from ...features.store import FeatureStore
from ...utils import checks
from ...utils.devices import AUTO
from ...utils.families import BadValue
from .deduplicated import Deduplicated
from .finder import Finder, ProgressFactory
from .groups import components, kept_of
from .names import BY, KEEP, By, Keep
from .pool import Pool, inputs_of_pool


def deduplicate(
    pool: ImagesLike | FeatureStore | Pool,
    *,
    by: By = "pixels",
    threshold: float | None = None,
    keep: Keep = "largest",
    neighbours: int = 4,
    root: str | os.PathLike | None = None,
    device: str = AUTO,
    progress: ProgressFactory | None = None,
) -> Deduplicated:
    """Finds images of a pool that are copies of each other, and which of them stay.

    By pixels, files of the same content are found, and what small versions or features
    take for alike is laid over each other, mirrored and cropped, too (see `pixels`): an
    agreement counts that copies made of some of the images reach, where light and dark
    agree as well. By features, everything that is as near as known copies are
    (`extract` makes them with ``leak_copies``), so that what looks alike goes, too.
    Images that others connect are one group.

    Args:
        pool: Images, see `list_images`, or a feature store of them, or its folder.
        by: See `BY`.
        threshold: Agreement of pixels, or similarity of features, from which two images
            are copies; None: learnt.
        keep: Which of a group stays: the one of most pixels, then bytes, or the first.
        neighbours: Of each image, how many of the nearest are looked at.
        root: Folder of the images, if not the one in the store.
        device: Where to search; see `pick_device`.
        progress: Makes, from a title and a number of items, a function that takes how
            many are done.

    Raises:
        UserError: Images or features are needed that are not there, or a bad option.
    """
    checks.one_of("by", by, BY)
    checks.one_of("keep", keep, KEEP)
    checks.finite("threshold", threshold, -1, 1, none=True)
    checks.whole("neighbours", neighbours, 1)
    checks.path_like("root", root, none=True)
    checks.function("progress", progress, none=True)
    if by == "bytes":
        checks.unused("where pixels or features are compared", threshold=threshold)
    found = Pool.open(pool, root)
    inputs = inputs_of_pool(found, by, threshold, keep, neighbours)
    if found.store is None and by == "features":
        raise BadValue(
            "features are compared, and these are images: name a feature store of them"
        )
    finder = Finder(found, threshold, neighbours, device, progress)
    find = {
        "bytes": finder.by_bytes,
        "pixels": finder.by_pixels,
        "features": finder.by_features,
    }
    copies, facts = find[by]()
    absent = frozenset() if found.store is None else found.store.removed_ids
    here = [image not in absent for image in found.image_ids]
    copies = [copy for copy in copies if here[copy.first] and here[copy.second]]
    pairs = np.array([(c.first, c.second) for c in copies], np.int64).reshape(-1, 2)
    groups = components(len(found.image_ids), pairs)
    sizes = finder.sizes(groups) if keep == "largest" else None
    if sizes is None and keep == "largest" and groups:
        facts["notes"].append(
            "warning: the images are not there to tell which of a group is the "
            "largest: the first stays"
        )
        keep = "first"
    kept = [kept_of(group, sizes) for group in groups]
    facts = {"by": by, "keep": keep, **facts}
    return Deduplicated(
        *(found.root, found.image_ids, groups, kept, copies, facts, inputs, absent)
    )
