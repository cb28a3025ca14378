"""The two halves of a convolution at some places only, as guided anchors use it.

Wang et al., "Region Proposal by Guided Anchoring", CVPR 2019, section 3.4. What lies
between them, a matrix product, is torch's.
"""

import torch.nn.functional as F
from torch import Tensor


def masked_im2col_forward(
    im: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    col: Tensor,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """Writes what a kernel sees at each place to ``col``.

    Args:
        im: (1, C, H, W).
        mask_h_idx: (M,) int64 rows of the places.
        mask_w_idx: (M,) their columns.
        col: (C * kernel_h * kernel_w, M), out.
        kernel_h: Rows of the kernel.
        kernel_w: Its columns.
        pad_h: Rows of zeros above and below.
        pad_w: Columns of zeros at the sides.
    """
    # A place beside the padded map, where the kernel is too large for it, sees zeros.
    padded = F.pad(im[0], (pad_w, pad_w + kernel_w, pad_h, pad_h + kernel_h))
    windows = padded.unfold(1, kernel_h, 1).unfold(2, kernel_w, 1)
    seen = windows[:, mask_h_idx, mask_w_idx]  # (C, M, kernel_h, kernel_w)
    col.copy_(seen.permute(0, 2, 3, 1).reshape(col.shape))


def masked_col2im_forward(
    col: Tensor,
    mask_h_idx: Tensor,
    mask_w_idx: Tensor,
    im: Tensor,
    height: int,
    width: int,
    channels: int,
) -> None:
    """Writes a column for each place to ``im``, which keeps what else it has.

    Args:
        col: (channels, M).
        mask_h_idx: (M,) int64 rows of the places.
        mask_w_idx: (M,) their columns.
        im: (1, channels, height, width), out.
        height: Of ``im``.
        width: Of ``im``.
        channels: Of ``im``.
    """
    im[0, :, mask_h_idx, mask_w_idx] = col.to(im)
