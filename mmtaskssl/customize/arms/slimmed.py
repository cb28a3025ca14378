"""A slimmable network on the selected images, whose widths serve all budgets."""

from pathlib import Path
from typing import Any, ClassVar

from ...networks import Network
from ...subnets import Subnet
from ..fit.own import Own
from .arm import Case, ImageList
from .subnet import SubnetArm

_TAUGHT = (
    "configs/distill/distill-slimmable_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
)
_ALONE = (
    "configs/dspnet/dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py"
)


class Slimmed(SubnetArm):
    """DSPNet (Wang et al., arXiv 2207.06075): one training, a width for each budget."""

    name = "slimmed"
    images: ClassVar[ImageList | None] = "selected"
    shared = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            "a width of our slimmable network, trained for "
            f"{len(case.widths)} budgets on {self.told_images(case)}"
        )

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if len(case.widths) < 2:
            return "one width needs no slimmable network"
        return None

    def elastic(self, case: Case) -> Own:
        """See `SubnetArm`."""
        assert case.own is not None
        subnets = list(case.widths)
        options: dict[str, Any] = {
            "model.backbone.space.subnets": subnets,
            "model.backbone.space.anchors": None,
        }
        if case.teacher is not None:
            options["model.distill.head.num_switches"] = len(subnets)
            return Own(_TAUGHT, options, case.own.name)
        options |= {
            "model.neck.in_channels": Subnet.parse(subnets[0]).widths[-1],
            "model.neck.num_switches": len(subnets),
            "model.head.predictor.num_switches": len(subnets),
        }
        return Own(_ALONE, options, case.own.name)

    def choose(self, case: Case, network: Network, folder: Path) -> str:
        """See `SubnetArm`."""
        assert case.own is not None and case.own.name is not None
        return case.own.name
