"""Parts of images in place of images: objects by their boxes, regions by masks."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_args

from ..datasets.annotations.masks import Unit
from ..datasets.mask_regions import LEAST_AREA, Around, read_mask_regions
from ..datasets.regions import read_region, read_regions
from ..utils import checks
from ..utils.errors import option
from ..utils.families import OptionConflict
from .runner import BatchRunner


class RegionOptions(TypedDict, total=False):
    """How regions are made of masks, see `extract`."""

    regions_of: Unit
    least_area: int
    void: int | None
    around: Around


_DEFAULTS: Mapping[str, Any] = {
    "regions_of": "component",
    "least_area": LEAST_AREA,
    "void": None,
    "around": "kept",
}


@dataclasses.dataclass(frozen=True)
class Parts:
    """Parts of images, as images.

    Attributes:
        labels: The class of each, by its id.
        runner: Reads them.
        masks: A folder, and the files in it that draw them; None: boxes do.
    """

    labels: dict[str, str]
    runner: BatchRunner
    masks: tuple[Path, Sequence[str]] | None = None


def check_parts(
    boxes: str | os.PathLike | None,
    regions: str | os.PathLike | None,
    options: Mapping[str, Any],
    without: Mapping[str, Any],
) -> None:
    """Refuses what contradicts.

    Args:
        boxes: Annotations of objects.
        regions: Masks.
        options: See `RegionOptions`.
        without: Options that only whole images have; None or False where not given.

    Raises:
        UserError: Names the option.
    """
    checks.path_like("boxes", boxes, none=True)
    checks.path_like("regions", regions, none=True)
    checks.one_of("regions_of", options["regions_of"], get_args(Unit))
    checks.whole("least_area", options["least_area"])
    checks.whole("void", options["void"], 0, 255, none=True)
    checks.one_of("around", options["around"], get_args(Around))
    if boxes is not None and regions is not None:
        raise OptionConflict(f"name {option('boxes')} or {option('regions')}, not both")
    if regions is None:
        given = {
            name: value if value != _DEFAULTS[name] else None
            for name, value in options.items()
        }
        checks.unused(f"with {option('regions')}", **given)
    if (boxes or regions) is not None and any(without.values()):
        given_by = "boxes" if regions is None else "regions"
        raise OptionConflict(
            f"objects have the classes of {option(given_by)}, and no copies: leave out "
            + " and ".join(option(name) for name in without)
        )


def parts_of_images(
    runner: BatchRunner,
    root: Path,
    image_ids: Sequence[str],
    boxes: str | os.PathLike | None,
    regions: str | os.PathLike | None,
    options: RegionOptions,
) -> Parts:
    """Finds parts of images.

    Args:
        runner: Reads whole images.
        root: Their folder.
        image_ids: Which ones.
        boxes: Annotations of objects; None: ``regions`` are given.
        regions: Masks.
        options: How regions are made of them.

    Raises:
        UserError: See `read_regions` and `read_mask_regions`.
    """
    if boxes is not None:
        found = read_regions(boxes, image_ids)
        return Parts(found, runner.reading(read_region))
    assert regions is not None
    drawn = read_mask_regions(
        *(regions, root, image_ids),
        unit=options["regions_of"],
        least_area=options["least_area"],
        void=options["void"],
        around=options["around"],
        grey=runner.transform.rgb_mean,
    )
    return Parts(drawn.labels, runner.reading(drawn.read), drawn.files)
