"""Batch-norm statistics of a plain network, taken anew from images."""

import copy
import dataclasses
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..models.backbones.elastic_backbone import SubnetLike
from ..utils.copies import to_device
from ..utils.devices import AUTO, pick_device
from .network import Network


def recalibrated(
    network: Network,
    images: Iterable[Tensor],
    subnet: SubnetLike | None = None,
    device: str | torch.device = AUTO,
) -> Network:
    """Returns a network whose batch norms know other images than those it is from.

    Its weights are kept. Each norm's mean and variance are the averages over the
    batches, normalised by batch on the way (AdaBN, Li et al., arXiv 1603.04779).

    Args:
        network: Any; left as it is.
        images: Normalised batches (N, 3, H, W), of two images or more each.
        subnet: Of an elastic network, which one; the result is its plain network.
        device: Where it runs, see `pick_device`.

    Returns:
        The network on the CPU; without batch norms, as it was.
    """
    body = copy.deepcopy(network.plain(subnet, uncalibrated_ok=True))
    body.eval()  # in its own line: the hosts' ResNet returns None from it
    norms = [m for m in body.modules() if isinstance(m, _BatchNorm)]
    if norms:
        _take_statistics(body, norms, images, pick_device(device))
    return dataclasses.replace(network, backbone=body.cpu())


@torch.no_grad()
def _take_statistics(
    body: nn.Module,
    norms: list[_BatchNorm],
    images: Iterable[Tensor],
    device: torch.device,
) -> None:
    body.to(device)
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        nn.Module.train(norm)  # backbones may override it
    for batch in images:
        body(to_device(batch, device))
    for norm, momentum in zip(norms, kept, strict=True):
        norm.momentum = momentum
        norm.eval()
