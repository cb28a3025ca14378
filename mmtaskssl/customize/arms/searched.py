"""A supernet on the selected images, and the shape in it that a budget pays for."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from ...features.opening import open_runner
from ...networks import Network
from ...search.names import AUTO
from ...search.scorer import MIN_IMAGES
from ...search.search import search
from ...subnets import Cost
from ...utils.budgets import Budget
from ..fit.body import Body
from ..fit.kept import kept
from ..fit.own import Own
from ..inspection.inspected import DENSE
from .arm import Case, ImageList
from .recipes import Images
from .subnet import SubnetArm

# Of its networks a second training repeats the order; of the narrower space's, not.
_TAUGHT = (
    "configs/distill/distill-supernet_resnet-basic-wide_1xb128-coslr-2k_folder-40px.py"
)
_ALONE = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)
_SEARCHED = "searched"
# Images that sub-nets are compared by, and those of them that give norms statistics.
_IMAGES, _NORM_IMAGES = 512, 256
# Selected images, of which there are more than a target has.
_SELECTED = 1000


def _overlaps(space: Own, case: Case) -> bool:
    """Whether a budget begins below the largest shape and ends above the smallest."""
    band = Budget.parse(case.budget)
    low, high = (
        dataclasses.replace(space, subnet=name).spends(band.kind)
        for name in ("MIN", "MAX")
    )
    return low < band.high and band.low <= high


def _teacher(case: Case) -> Body | None:
    """Returns what sub-nets are compared with, in place of the largest of them."""
    return None if case.found.kind in DENSE else case.teacher


class Searched(SubnetArm):
    """DATA (Chang et al., arXiv 2203.09041): a search that no label is read for."""

    name = "searched"
    images: ClassVar[ImageList | None] = "selected"
    shared = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        wanted = "sees the target's images most as the whole does"
        teacher = _teacher(case)
        if teacher is not None:
            wanted = f"agrees most with {teacher.start.name} about images"
        images = self.told_images(case)
        return f"the shape of a supernet that {wanted}, trained on {images}"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if not case.budget:
            return "there is no budget to search within"
        if len(case.found.train) < MIN_IMAGES:
            return (
                f"a search compares sub-nets by {MIN_IMAGES} images of the target "
                f"or more, and it has {len(case.found.train)} to train on"
            )
        space = self.elastic(case)
        if not kept(
            case.folder, case.budget, "searched", lambda: _overlaps(space, case)
        ):
            return f"no shape of its supernet is within {case.budget}"
        return None

    def elastic(self, case: Case) -> Own:
        """See `SubnetArm`."""
        return Own(_ALONE if case.teacher is None else _TAUGHT)

    def cost(self, case: Case) -> Cost | None:
        """See `Arm`."""
        return None

    def choose(self, case: Case, network: Network, folder: Path) -> str:
        """See `SubnetArm`."""
        place = folder / f"{_SEARCHED} {case.budget}"
        teacher = _teacher(case)
        if teacher is not None:
            images = self.train_images(case)
            return _by_teacher(teacher, case.budget, images, network, place)
        train = case.found.train
        found = search(
            *(network, train.paths, case.budget),
            metrics="dense" if case.found.kind in DENSE else "global",
            root=train.root,
            num_images=min(_IMAGES, len(train)),
            bn_images=min(_NORM_IMAGES, len(train)),
            folder=place,
        )
        return found.best[0]


def _by_teacher(
    teacher: Body, budget: str, images: Images, network: Network, folder: Path
) -> str:
    """Searches by what the teacher makes of the selected images, which are more."""
    found = search(
        *(network, str(images.selection), budget),
        metrics=AUTO,
        teacher=open_runner(teacher.network, image_size=teacher.side),
        root=images.root,
        num_images=min(_SELECTED, images.count),
        bn_images=min(_NORM_IMAGES, images.count),
        folder=folder,
    )
    return found.best[0]
