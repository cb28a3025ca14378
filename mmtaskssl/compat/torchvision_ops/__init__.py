"""Operators of ``mmcv._ext`` on torchvision's kernels and torch, CPU and CUDA alike.

Each has the name, the arguments and the meaning of mmcv's own: results go into the
tensors that the caller passes, gradients are added to them. What is here is what
the models of mmdet and mmseg call. What torchvision has is its kernel; the rest is
plain torch, written from the papers' definitions.
"""

import torch
import torchvision

from .border_align import border_align_backward, border_align_forward
from .carafe import (
    carafe_backward,
    carafe_forward,
    carafe_naive_backward,
    carafe_naive_forward,
)
from .deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from .deform_roi_pool import deform_roi_pool_backward, deform_roi_pool_forward
from .focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from .masked_conv import masked_col2im_forward, masked_im2col_forward
from .ms_deform_attn import ms_deform_attn_backward, ms_deform_attn_forward
from .nms import nms, nms_match, softnms
from .overlaps import bbox_overlaps
from .psa_mask import psamask_backward, psamask_forward
from .roi_align import roi_align_backward, roi_align_forward
from .roi_pool import roi_pool_backward, roi_pool_forward


def get_compiler_version() -> str:
    """Returns what mmcv's environment report shows as its compiler."""
    return f"none (torchvision {torchvision.__version__})"


def get_compiling_cuda_version() -> str:
    """Returns the CUDA version that torch's and torchvision's kernels want."""
    return torch.version.cuda or "not available"


OPS = {
    op.__name__: op
    for op in (
        bbox_overlaps,
        border_align_backward,
        border_align_forward,
        carafe_backward,
        carafe_forward,
        carafe_naive_backward,
        carafe_naive_forward,
        deform_conv_backward_input,
        deform_conv_backward_parameters,
        deform_conv_forward,
        deform_roi_pool_backward,
        deform_roi_pool_forward,
        get_compiler_version,
        get_compiling_cuda_version,
        masked_col2im_forward,
        masked_im2col_forward,
        modulated_deform_conv_backward,
        modulated_deform_conv_forward,
        ms_deform_attn_backward,
        ms_deform_attn_forward,
        nms,
        nms_match,
        psamask_backward,
        psamask_forward,
        roi_align_backward,
        roi_align_forward,
        roi_pool_backward,
        roi_pool_forward,
        sigmoid_focal_loss_backward,
        sigmoid_focal_loss_forward,
        softmax_focal_loss_backward,
        softmax_focal_loss_forward,
        softnms,
    )
}
