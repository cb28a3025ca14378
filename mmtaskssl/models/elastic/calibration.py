"""Batch-norm statistics of one sub-net, from images."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...utils.copies import to_device
from ...utils.families import BadBatch, TooFewImages, Uncalibrated

if TYPE_CHECKING:
    from ...subnets import Subnet
    from ..backbones import ElasticBackbone


class Moments:
    """Pooled mean and variance of a norm's inputs, summed in float64.

    Args:
        norm: Is watched from now on.
    """

    def __init__(self, norm: nn.Module):
        self.count = 0
        self.total = self.squares = 0.0
        self.hook = norm.register_forward_pre_hook(self.add)

    def add(self, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Takes one batch; a forward pre-hook."""
        x = inputs[0].detach().float()
        count = x.numel() // x.shape[1]
        over = [dim for dim in range(x.dim()) if dim != 1]
        var, mean = torch.var_mean(x, dim=over, correction=0)
        mean, var = mean.double(), var.double()
        self.count += count
        self.total = self.total + count * mean
        self.squares = self.squares + count * (var + mean.square())

    def result(self) -> Tensor:
        """Returns (2, C) float32: mean, and variance without bias as in training."""
        mean = self.total / self.count
        var = (self.squares / self.count - mean.square()).clamp_min(0)
        return torch.stack([mean, var * (self.count / (self.count - 1))]).float()


@torch.no_grad()
def collect_statistics(
    backbone: "ElasticBackbone",
    subnet: "Subnet | str | None",
    batches: Iterable[Tensor],
) -> Tensor:
    """Measures what the norms of a sub-net see, layer inputs normalised by batch.

    The plain network of the sub-net runs in training mode, and the moments of each
    norm's inputs are pooled over all batches (the population statistics of "precise
    BN", Wu and Johnson, arXiv 2105.07576, section 3). The backbone is not changed, so
    neither the order of sub-nets nor earlier calibrations matter.

    Args:
        backbone: The elastic network.
        subnet: Which sub-net; None: the default one.
        batches: Normalised images (N, C, H, W) on any device.

    Returns:
        (2, channels of all norms in order), float32.

    Raises:
        UserError: The network has no batch norm, or there are too few images.
    """
    view = backbone.view(subnet)
    plain = backbone.extract(subnet, uncalibrated_ok=True).train()
    norms = [plain.get_submodule(u.norm) for u in view.units.values() if u.norm]
    if not all(isinstance(norm, _BatchNorm) for norm in norms):
        raise Uncalibrated(
            "this network has no batch norms, so nothing needs calibration"
        )
    moments = [Moments(norm) for norm in norms]
    device = next(plain.parameters()).device
    try:
        for images in batches:
            plain(to_device(images, device))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise BadBatch(
            "a batch has too few images for batch norm; take larger batches or images"
        ) from None
    if moments[0].count == 0:
        raise TooFewImages("calibration got no images")
    return torch.cat([moment.result() for moment in moments], dim=1)


def calibrate(
    backbone: "ElasticBackbone",
    subnet: "Subnet | str | None",
    batches: Iterable[Tensor],
) -> None:
    """Gives a sub-net the batch-norm statistics that `collect_statistics` finds.

    They are kept in ``backbone.subnet_statistics``, used in evaluation and export,
    saved with the state dict, and dropped by the next forward in training mode.
    """
    statistics = collect_statistics(backbone, subnet, batches)
    backbone.subnet_statistics.set(backbone.resolve(subnet).name, statistics)
