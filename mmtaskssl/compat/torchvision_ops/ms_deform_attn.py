"""Multi-scale deformable attention (Zhu et al., Deformable DETR, ICLR 2021, eq. 3).

On the CPU mmcv computes it in plain torch by itself and comes here on CUDA alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import computable


def ms_deform_attn_forward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_loc: Tensor,
    attn_weight: Tensor,
    im2col_step: int,
) -> Tensor:
    """Returns the weighted sums of values at places of several maps, (N, Q, M * D).

    Args:
        value: (N, S, M, D) values of the cells of all maps, M heads of D channels.
        spatial_shapes: (L, 2) int64 height and width of each map.
        level_start_index: (L,) where each map begins among the S cells.
        sampling_loc: (N, Q, M, L, P, 2), x before y, as shares of a map's size.
        attn_weight: (N, Q, M, L, P).
        im2col_step: Not used; it concerns the memory of mmcv's own kernels.
    """
    found = _attend(
        computable(value),
        spatial_shapes,
        level_start_index,
        computable(sampling_loc),
        computable(attn_weight),
    )
    return found.to(value.dtype)


def ms_deform_attn_backward(
    value: Tensor,
    spatial_shapes: Tensor,
    level_start_index: Tensor,
    sampling_loc: Tensor,
    attn_weight: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Adds the gradients of `ms_deform_attn_forward` by values, places and weights.

    Args as there; ``grad_output`` is (N, Q, M * D), the other ``grad_`` are out.
    """
    with torch.enable_grad():
        inputs = [
            computable(x).detach().requires_grad_()
            for x in (value, sampling_loc, attn_weight)
        ]
        found = _attend(inputs[0], spatial_shapes, level_start_index, *inputs[1:])
        grads = torch.autograd.grad(found, inputs, grad_output.to(found))
    for out, grad in zip(
        (grad_value, grad_sampling_loc, grad_attn_weight), grads, strict=True
    ):
        out += grad


def _attend(
    value: Tensor, shapes: Tensor, starts: Tensor, places: Tensor, weights: Tensor
) -> Tensor:
    images, _, heads, depth = value.shape
    queries = places.shape[1]
    total = value.new_zeros(images * heads, depth, queries)
    for level, (height, width) in enumerate(shapes.tolist()):
        start = int(starts[level])
        part = value[:, start : start + height * width]  # (N, H * W, M, D)
        maps = part.permute(0, 2, 3, 1).reshape(-1, depth, height, width)
        # From shares of the size to a grid from -1 to 1 between the outer edges.
        grid = 2 * places[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1
        seen = F.grid_sample(maps, grid, align_corners=False)  # (N * M, D, Q, P)
        share = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)
        total = total + (seen * share[:, None]).sum(dim=-1)
    return total.view(images, heads * depth, queries).transpose(1, 2).contiguous()
