"""Sigmoid focal loss (Lin et al., ICCV 2017, eq. 5), per element, no reduction."""

import torch
from torch import Tensor

from .precision import computable

# The kernels' floor of a logarithm's argument.
_TINY = torch.finfo(torch.float32).tiny


def sigmoid_focal_loss_forward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the loss of each sample and class to ``output``.

    Args:
        input: (N, C) logits.
        target: (N,) int64 class; C is the background, negative for every class.
        weight: (C,) weight of a sample by its class, or empty. Background weighs 1.
        output: (N, C), out.
        gamma: Exponent.
        alpha: Weight of positives; negatives get ``1 - alpha``.
    """
    p, positive = _probability(input, target)
    loss = torch.where(
        positive,
        -alpha * (1 - p).pow(gamma) * p.clamp(min=_TINY).log(),
        -(1 - alpha) * p.pow(gamma) * (1 - p).clamp(min=_TINY).log(),
    )
    output.copy_(loss * _sample_weight(weight, target))


def sigmoid_focal_loss_backward(
    input: Tensor,
    target: Tensor,
    weight: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the derivative of each element's loss by its logit to ``grad_input``.

    Args as in `sigmoid_focal_loss_forward`; ``grad_input`` (N, C) is out.
    """
    p, positive = _probability(input, target)
    q = 1 - p
    log_p, log_q = p.clamp(min=_TINY).log(), q.clamp(min=_TINY).log()
    grad = torch.where(
        positive,
        -alpha * q.pow(gamma) * (q - gamma * p * log_p),
        -(1 - alpha) * p.pow(gamma) * (gamma * q * log_q - p),
    )
    grad_input.copy_(grad * _sample_weight(weight, target))


def _probability(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    classes = torch.arange(input.shape[1], device=input.device)
    return computable(input).sigmoid(), target[:, None] == classes


def _sample_weight(weight: Tensor, target: Tensor) -> Tensor | float:
    if not weight.numel():
        return 1.0
    # mmcv reads past the end of the weights for background.
    padded = torch.cat([computable(weight), computable(weight).new_ones(1)])
    return padded[target][:, None]
