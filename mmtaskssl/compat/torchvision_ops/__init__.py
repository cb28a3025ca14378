"""Operators of ``mmcv._ext`` on torchvision's kernels and torch, CPU and CUDA alike.

Each has the name, the arguments and the meaning of mmcv's own: results go into the
tensors that the caller passes, gradients are added to them. What is here is what
mmdet's Faster R-CNN, Mask R-CNN and RetinaNet and mmseg's FCN, DeepLabV3+, UPerNet
and PSANet call, plus deformable convolution.
"""

import torch
import torchvision

from .deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from .focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from .nms import nms, softnms
from .psa_mask import psamask_backward, psamask_forward
from .roi_align import roi_align_backward, roi_align_forward


def get_compiler_version() -> str:
    """Returns what mmcv's environment report shows as its compiler."""
    return f"none (torchvision {torchvision.__version__})"


def get_compiling_cuda_version() -> str:
    """Returns the CUDA version that torch's and torchvision's kernels want."""
    return torch.version.cuda or "not available"


OPS = {
    op.__name__: op
    for op in (
        deform_conv_backward_input,
        deform_conv_backward_parameters,
        deform_conv_forward,
        get_compiler_version,
        get_compiling_cuda_version,
        modulated_deform_conv_backward,
        modulated_deform_conv_forward,
        nms,
        psamask_backward,
        psamask_forward,
        roi_align_backward,
        roi_align_forward,
        sigmoid_focal_loss_backward,
        sigmoid_focal_loss_forward,
        softnms,
    )
}
