"""A supernet on the selected images, and the shape in it that a budget pays for."""

import dataclasses
from pathlib import Path
from typing import ClassVar

from ...networks import Network
from ...search.search import search
from ...subnets import Cost
from ...utils.budgets import Budget
from ..fit.own import Own
from .arm import Case, ImageList
from .subnet import SubnetArm

_TAUGHT = "configs/distill/distill-supernet_resnet-basic_1xb128-coslr-2k_folder-40px.py"
_ALONE = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)
_SEARCHED = "searched"
# Images that sub-nets are compared by, and those of them that give norms statistics.
_IMAGES, _NORM_IMAGES = 512, 256


class Searched(SubnetArm):
    """DATA (Chang et al., arXiv 2203.09041): a search that no label is read for."""

    name = "searched"
    images: ClassVar[ImageList | None] = "selected"
    shared = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            "the shape of a supernet that sees the target's images most as the whole "
            f"does, trained on the {case.counts['selected']:,} selected images"
        )

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if not case.budget:
            return "there is no budget to search within"
        band, space = Budget.parse(case.budget), self.elastic(case)
        low, high = (
            dataclasses.replace(space, subnet=name).spends(band.kind)
            for name in ("MIN", "MAX")
        )
        if band.high <= low or high < band.low:
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
        train = case.found.train
        found = search(
            *(network, train.paths, case.budget),
            # Of a taught one the head, which sees the widths, is not kept.
            metrics="global" if case.teacher is None else "dense",
            root=train.root,
            num_images=min(_IMAGES, len(train)),
            bn_images=min(_NORM_IMAGES, len(train)),
            folder=folder / f"{_SEARCHED} {case.budget}",
        )
        return found.best[0]
