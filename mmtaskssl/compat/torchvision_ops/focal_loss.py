"""Focal loss (Lin et al., ICCV 2017, eq. 5) of sigmoid and softmax, not reduced."""

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


def softmax_focal_loss_forward(
    softmax: Tensor,
    target: Tensor,
    weight: Tensor,
    output: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the loss of each sample, ``-alpha (1 - p)^gamma log(p)``, to ``output``.

    Args:
        softmax: (N, C), what softmax made of the logits; ``p`` is the target's.
        target: (N,) int64 class; a negative one counts for nothing.
        weight: (C,) weight of a sample by its class, or empty.
        output: (N,), out.
        gamma: Exponent.
        alpha: Factor of all samples.
    """
    p = _of_target(softmax, target)
    loss = -alpha * (1 - p).pow(gamma) * p.clamp(min=_TINY).log()
    output.copy_(loss * _counted(weight, target))


def softmax_focal_loss_backward(
    softmax: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Writes the derivative of each sample's loss by its logits to ``grad_input``.

    Args as in `softmax_focal_loss_forward`; ``buff`` (N,) is not used, ``grad_input``
    (N, C) is out.
    """
    p = _of_target(softmax, target)
    q, log_p = 1 - p, p.clamp(min=_TINY).log()
    # dL/dp times p; the logits' own derivative of p is p (1{c = target} - p_c).
    slope = gamma * q.pow(gamma - 1) * p * log_p if gamma else torch.zeros_like(p)
    slope = alpha * (slope.nan_to_num() - q.pow(gamma)) * _counted(weight, target)
    hit = target[:, None] == torch.arange(softmax.shape[1], device=softmax.device)
    grad_input.copy_(slope[:, None] * (hit.to(p) - computable(softmax)))


def _of_target(softmax: Tensor, target: Tensor) -> Tensor:
    return computable(softmax).gather(1, target.clamp(min=0)[:, None])[:, 0]


def _counted(weight: Tensor, target: Tensor) -> Tensor:
    """Returns the weight of each sample, (N,); 0 without a class."""
    known = target >= 0
    if not weight.numel():
        return known.float()
    return computable(weight)[target.clamp(min=0)] * known


def _probability(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    classes = torch.arange(input.shape[1], device=input.device)
    return computable(input).sigmoid(), target[:, None] == classes


def _sample_weight(weight: Tensor, target: Tensor) -> Tensor | float:
    if not weight.numel():
        return 1.0
    # mmcv reads past the end of the weights for background.
    padded = torch.cat([computable(weight), computable(weight).new_ones(1)])
    return padded[target][:, None]
