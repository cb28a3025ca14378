"""The public weights, with batch norms that know the pool."""

import dataclasses
from pathlib import Path

from mmengine.config import Config
from torch.nn.modules.batchnorm import _BatchNorm

from ...datasets.image_sample import draw_images
from ...networks import Network
from ...networks.recalibrate import recalibrated
from ..fit.body import Body
from .arm import Arm, Case
from .start import StartAsItIs

_IMAGES = 512


class StartWithNorms(Arm):
    """What re-estimated batch norms alone bring; no training."""

    name = "norms"
    control = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        body = self.serves(case)
        return f"{body.start.name} at {body.side} px with batch norms of the pool"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := StartAsItIs().refuses(case):
            return refused
        modules = self.serves(case).network.backbone.modules()
        if not any(isinstance(module, _BatchNorm) for module in modules):
            return "the start has no batch norms"
        return None

    def serves(self, case: Case) -> Body:
        """See `Arm`."""
        return StartAsItIs().serves(case)

    def network(
        self, case: Case, config: Config | None, checkpoint: Path | None, seed: int
    ) -> Network:
        """See `Arm`."""
        body = self.serves(case)
        pixels = body.transform
        images = draw_images(
            [f"{case.found.pool_root}/{image}" for image in case.found.pool_ids],
            pixels,
            min(_IMAGES, len(case.found.pool_ids)),
        )
        known = recalibrated(body.network, images)
        return dataclasses.replace(known, preprocessing=pixels)
