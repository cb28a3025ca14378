"""What of an elastic norm goes into a plain network."""

import torch
from torch import Tensor, nn

from ..elastic import SwitchableBatchNorm2d, Unit, take


def norm_state(norm: nn.Module, unit: Unit) -> dict[str, Tensor]:
    """Returns the part of a norm that a sub-net runs, as a plain norm's state.

    Args:
        norm: Elastic, switchable, or of groups.
        unit: The sub-net's part of the convolution in front of it.
    """
    view, channels, name = unit.view, unit.view.channels, unit.norm
    if isinstance(norm, SwitchableBatchNorm2d):
        norm, channels = norm[view.switch], None
    state = {
        f"{name}.weight": take(norm.weight, 0, channels),
        f"{name}.bias": take(norm.bias, 0, channels),
    }
    if not hasattr(norm, "running_mean"):
        return state
    if view.mean is not None:
        mean, var = view.mean, view.var
    elif view.tracked:
        mean, var = norm.running_mean, norm.running_var
    else:
        mean = torch.zeros_like(state[f"{name}.bias"])
        var = torch.ones_like(mean)
    return state | {
        f"{name}.running_mean": mean,
        f"{name}.running_var": var,
        f"{name}.num_batches_tracked": norm.num_batches_tracked,
    }
