"""The masks of PSANet (Zhao et al., ECCV 2018, section 3.3) as tensor views.

Each place (h, w) of a feature map predicts a mask of hm x wm weights centred on
itself. Collecting lays them out as (y, x) -> (h, w), distributing as (h, w) -> (y, x);
what falls outside the map is dropped and what no mask reaches is 0.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_COLLECT = 0


def psamask_forward(
    input: Tensor,
    output: Tensor,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Writes the masks, laid out over the map, to ``output``.

    Args:
        input: (N, h_mask * w_mask, H, W).
        output: (N, H * W, H, W), out.
        psa_type: 0 collects, 1 distributes.
        num_: N.
        h_feature: H.
        w_feature: W.
        h_mask: Height of a mask.
        w_mask: Width of a mask.
        half_h_mask: Row of a mask's centre.
        half_w_mask: Column of a mask's centre.
    """
    masks = input.unflatten(1, (h_mask, w_mask))
    masks = _resize(masks, _margins(h_feature, h_mask, half_h_mask), 1)
    masks = _resize(masks, _margins(w_feature, w_mask, half_w_mask), 2)
    places = _over_map(masks.flip(3, 4)).flip(3, 4)
    if psa_type != _COLLECT:
        places = places.permute(0, 3, 4, 1, 2)
    output.copy_(places.reshape(output.shape))


def psamask_backward(
    grad_output: Tensor,
    grad_input: Tensor,
    psa_type: int,
    num_: int,
    h_feature: int,
    w_feature: int,
    h_mask: int,
    w_mask: int,
    half_h_mask: int,
    half_w_mask: int,
) -> None:
    """Adds the gradient of `psamask_forward` to ``grad_input``, shaped as ``input``."""
    size = (h_feature, w_feature)
    grad = grad_output.reshape(num_, *size, *size)
    if psa_type != _COLLECT:
        grad = grad.permute(0, 3, 4, 1, 2)
    masks = grad.new_zeros(num_, 2 * h_feature - 1, 2 * w_feature - 1, *size)
    _over_map(masks).copy_(grad.flip(3, 4))
    masks = masks.flip(3, 4)
    above, below = _margins(h_feature, h_mask, half_h_mask)
    left, right = _margins(w_feature, w_mask, half_w_mask)
    masks = _resize(masks, (-above, -below), 1)
    masks = _resize(masks, (-left, -right), 2)
    grad_input += masks.reshape(grad_input.shape)


def _margins(feature: int, mask: int, half: int) -> tuple[int, int]:
    """What to add before and after so that a mask reaches just every offset.

    Offsets run from ``-(feature - 1)`` to ``feature - 1``; negative margins cut.
    """
    return feature - 1 - half, feature - 1 - (mask - 1 - half)


def _resize(x: Tensor, margins: tuple[int, int], dim: int) -> Tensor:
    return F.pad(x, (0, 0) * (x.dim() - 1 - dim) + margins)


def _over_map(masks: Tensor) -> Tensor:
    """Views (N, 2H-1, 2W-1, H, W) masks as (N, y, x, H, W), places (h, w) flipped.

    The mask row for target y and place h is ``y - h + H - 1``, that is
    ``y + flipped h``: one more step along y, or along flipped h, is one row more.
    Every element of the view is another element of the masks.
    """
    masks = masks.contiguous()
    number, _, _, height, width = masks.shape
    by_number, by_y, by_x, by_h, by_w = masks.stride()
    return torch.as_strided(
        masks,
        (number, height, width, height, width),
        (by_number, by_y, by_x, by_h + by_y, by_w + by_x),
        masks.storage_offset(),
    )
