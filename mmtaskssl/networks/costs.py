"""What any network costs an image: counted by running it, timed by running it."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..subnets import Cost, Latency, measure_latency
from ..utils.devices import AUTO, pick_device
from ..utils.families import BadBatch, NetworkMisfit


def count(network: nn.Module, shape: int | tuple[int, int]) -> Cost:
    """Counts multiply-accumulates of one image, and learnable values.

    Convolutions, linear layers and products of matrices count; norms, activations and
    pooling do not.

    Args:
        network: Takes (N, C, H, W).
        shape: Height and width of the image, or one number for both.

    Raises:
        UserError: It cannot take such an image.
    """
    images = torch.zeros(1, in_channels(network), *size_of(shape), device=_at(network))
    network = copy.deepcopy(network)
    network.eval()  # of some hosts' networks it returns None
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise NetworkMisfit(
            f"the network cannot take images of {shape}: {reason}"
        ) from None
    params = sum(parameter.numel() for parameter in network.parameters())
    return Cost(counter.get_total_flops() // 2, params)


def time_network(
    network: nn.Module,
    shape: int | tuple[int, int],
    batch_size: int = 1,
    repeats: int = 20,
    device: str | torch.device = AUTO,
    warmup: int = 5,
) -> Latency:
    """Times a network on this machine.

    Args:
        network: Takes (N, C, H, W); it is moved to ``device``.
        shape: Height and width of the images, or one number for both.
        batch_size: N.
        repeats: Timed calls.
        device: See `pick_device`.
        warmup: Calls before those, which are not timed.

    Raises:
        UserError: Images of this size and number cannot be made.
    """
    device = pick_device(device)
    try:
        images = torch.zeros(
            batch_size, in_channels(network), *size_of(shape), device=device
        )
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BadBatch(
            f"a batch of {batch_size} images cannot be used: {reason}"
        ) from None
    wait = torch.cuda.synchronize if device.type == "cuda" else None
    network = network.to(device)
    network.eval()
    with torch.inference_mode():
        return measure_latency(lambda: network(images), repeats, warmup, wait)


def in_channels(network: nn.Module) -> int:
    """Returns the channels of the images that a network takes."""
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    return 3 if first is None else first.in_channels


def size_of(shape: int | tuple[int, int]) -> tuple[int, int]:
    """Returns height and width; one number stands for both."""
    if isinstance(shape, int):
        return shape, shape
    height, width = shape
    return height, width


def _at(network: nn.Module) -> torch.device:
    parameter = next(network.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device
