"""A rival that trains nothing: how differently an untrained network sees images."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor) -> float:
    """Returns the log-determinant of how alike the ReLUs' patterns of images are.

    Mellor et al., "Neural Architecture Search without Training", ICML 2021, section 3:
    K_ij counts the ReLU outputs that are on, or off, for both images i and j; the
    larger log |det K|, the better the images are told apart.

    Args:
        network: Untrained, plain; is left in training mode, so that its batch norms use
            the images' own statistics.
        images: (N, 3, S, S) normalised.
    """
    total = torch.zeros(len(images), len(images), dtype=torch.float64)

    def add(module: nn.Module, inputs: object, output: Tensor) -> None:
        on = (output.flatten(1) > 0).float()
        off = 1 - on
        total.add_((on @ on.T + off @ off.T).double().cpu())

    handles = [
        module.register_forward_hook(add)
        for module in network.modules()
        if isinstance(module, nn.ReLU)
    ]
    try:
        network.train()(images)
    finally:
        for handle in handles:
            handle.remove()
    return torch.linalg.slogdet(total).logabsdet.item()
