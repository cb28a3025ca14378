"""Deformable convolution, v1 (Dai et al., ICCV 2017) and v2 (Zhu et al., CVPR 2019).

mmcv and torchvision agree on the layout of offsets (y before x, per kernel cell) and
on sampling outside the image, so these mostly translate arguments. mmcv's buffers and
its ``im2col_step`` concern its own kernels' memory and are left alone. Two things are
mmcv's own. A sample at exactly -1 has no gradient by its offset, where torchvision's
has that of the side within. And the modulated one takes offsets and masks of a larger
map than its output, as DyHead has them of the next level: the numbers of an image are
read in their order as if they were of the smaller map, and those that are left over
have no effect. Weights that were trained with it rely on that.
"""

import torch
import torchvision  # noqa: F401  (registers torch.ops.torchvision)
from torch import Tensor

from .precision import computable


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **geometry: int,
) -> None:
    """Writes the convolution to ``output``.

    Args:
        input: (N, C, H, W).
        weight: (O, C / group, kH, kW).
        offset: (N, 2 * deformable_group * kH * kW, oH, oW), in cells.
        output: (N, O, oH, oW), out.
        columns: Not used.
        ones: Not used.
        geometry: mmcv's kH, kW, dH, dW (stride), padH, padW, dilationH, dilationW,
            group, deformable_group, im2col_step.
    """
    output.copy_(_convolve(input, weight, offset, None, None, _v1(geometry)))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **geometry: int,
) -> None:
    """Adds the gradients of `deform_conv_forward` by input and offset.

    Args as there; ``grad_input`` and ``grad_offset`` are out.
    """
    grads = _gradients(grad_output, input, weight, offset, None, _v1(geometry))
    grad_input += grads[0]
    grad_offset += grads[2]


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    scale: float,
    **geometry: int,
) -> None:
    """Adds ``scale`` times the gradient of `deform_conv_forward` by the weight.

    Args as there; ``grad_weight`` (O, C / group, kH, kW) is out.
    """
    # The gradient by the weight does not depend on the weight.
    weight = torch.zeros_like(grad_weight)
    grads = _gradients(grad_output, input, weight, offset, None, _v1(geometry))
    grad_weight += scale * grads[1]


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Writes the modulated convolution to ``output``.

    Args:
        input: (N, C, H, W).
        weight: (O, C / group, kH, kW).
        bias: (O,), or anything where ``with_bias`` is false.
        ones: Not used.
        offset: (N, 2 * deformable_group * kH * kW, oH, oW), in cells.
        mask: (N, deformable_group * kH * kW, oH, oW).
        output: (N, O, oH, oW), out.
        columns: Not used.
        with_bias: Whether ``bias`` counts.
        geometry: mmcv's kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w,
            dilation_h, dilation_w, group, deformable_group.
    """
    bias = bias if with_bias else None
    offset, mask = (_as_of_output(x, output) for x in (offset, mask))
    output.copy_(_convolve(input, weight, offset, mask, bias, _v2(geometry)))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Adds the gradients of `modulated_deform_conv_forward`.

    Args as there; every ``grad_`` but ``grad_output`` is out.
    """
    offset, mask = (_as_of_output(x, grad_output) for x in (offset, mask))
    grads = _gradients(grad_output, input, weight, offset, mask, _v2(geometry))
    grad_input += grads[0]
    grad_weight += grads[1]
    for whole, part in ((grad_offset, grads[2]), (grad_mask, grads[3])):
        whole.flatten(1)[:, : part[0].numel()] += part.flatten(1).to(whole)
    if with_bias:
        grad_bias += grads[4]


def _v1(g: dict[str, int]) -> tuple[int, ...]:
    sides = ("dH", "dW", "padH", "padW", "dilationH", "dilationW")
    return (*(g[side] for side in sides), g["group"], g["deformable_group"])


def _v2(g: dict[str, int]) -> tuple[int, ...]:
    sides = ("stride_h", "stride_w", "pad_h", "pad_w", "dilation_h", "dilation_w")
    return (*(g[side] for side in sides), g["group"], g["deformable_group"])


def _operands(input, weight, offset, mask, bias) -> tuple[Tensor, ...]:
    """Every operand in the input's computable type; absent ones as torchvision wants.

    The raw operators want a mask and a bias even where they are not used.
    """
    x = computable(input)
    mask = x.new_zeros(len(x), 1) if mask is None else mask
    bias = x.new_zeros(len(weight)) if bias is None else bias
    return tuple(t.to(x.dtype) for t in (x, weight, offset, mask, bias))


def _convolve(input, weight, offset, mask, bias, geometry) -> Tensor:
    operands = _operands(input, weight, offset, mask, bias)
    return torch.ops.torchvision.deform_conv2d(*operands, *geometry, mask is not None)


def _gradients(grad, input, weight, offset, mask, geometry) -> tuple[Tensor, ...]:
    """Gradients by input, weight, offset, mask and bias."""
    operands = _operands(input, weight, offset, mask, None)
    grads = torch.ops.torchvision._deform_conv2d_backward(
        grad.to(operands[0].dtype), *operands, *geometry, mask is not None
    )
    edge = _at_edge(operands[2], weight.shape[2:], geometry)
    return (*grads[:2], grads[2].masked_fill(edge, 0), *grads[3:])


def _as_of_output(x: Tensor, output: Tensor) -> Tensor:
    """Returns the first numbers of each image's map as one of the output's size."""
    size = output.shape[2:]
    if x.shape[2:] == size or x[0, 0].numel() < size.numel():
        return x  # too few are for torchvision to refuse
    return x.flatten(1)[:, : x.shape[1] * size.numel()].unflatten(1, (-1, *size))


def _at_edge(offset: Tensor, kernel: torch.Size, geometry: tuple[int, ...]) -> Tensor:
    """Returns which samples lie just where nothing is seen, like ``offset``."""
    sizes = offset.shape[2:]
    places = offset.unflatten(1, (-1, *kernel, 2))  # (N, groups, kH, kW, 2, oH, oW)
    edge = torch.zeros_like(places[:, :, :, :, 0], dtype=torch.bool)
    for axis in range(2):
        stride, pad, dilation = (geometry[n + axis] for n in (0, 2, 4))
        cell = torch.arange(sizes[axis], device=offset.device) * stride - pad
        tap = torch.arange(kernel[axis], device=offset.device) * dilation
        start = tap[:, None] + cell
        start = start[:, None, :, None] if axis == 0 else start[None, :, None, :]
        edge |= places[:, :, :, :, axis] + start == -1
    return edge[:, :, :, :, None].expand(places.shape).reshape(offset.shape)
