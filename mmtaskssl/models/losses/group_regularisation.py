"""Weight decay that is weaker for the channels that only wide sub-nets use."""

import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.utils.families import BadConfigValue


class GroupRegularisation(nn.Module):
    """Squared norm of a backbone's weights, by groups of output channels.

    Cao et al., *Three Guidelines You Should Know for Universally Slimmable
    Self-Supervised Learning* (US3L), CVPR 2023, section 3.3. The first of ``groups``
    equal groups, which all widths train, has the factor ``strength``; group g has
    ``strength * (1 - slope * g)``, so that what is needed to keep the later groups,
    which fewer losses train, in use is not decayed away. It stands in for weight decay:
    set the optimizer's to 0 for what it covers.

    The slope is 0 for ``warmup``, rises linearly to its value at half of the training
    and stays. That is what the authors' public code does, whose warm-up is 0 in all its
    settings; the paper's text was not at hand, so whether it says so is open. Ours: the
    time is counted in iterations, not in epochs, and heads are left out, whose linear
    layers the code decays like the first group.

    Covers weights of convolutions, and of batch norms weight and bias.

    Args:
        strength: Factor on the squared norm; half of the weight decay it stands for.
        slope: How much weaker each group is than the one before.
        groups: Groups of output channels in each layer; the last takes the rest.
        warmup: Share of the training, less than half, with equal factors.

    Raises:
        UserError: The last group's factor would be negative, or a warm-up out of range.
    """

    def __init__(
        self,
        strength: float,
        slope: float = 0.05,
        groups: int = 8,
        warmup: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= warmup < 0.5:
            raise BadConfigValue(
                f"the warm-up is a share of the training below 0.5, not {warmup}"
            )
        if groups < 1 or not 0 <= slope * (groups - 1) <= 1:
            raise BadConfigValue(
                f"a slope of {slope} over {groups} groups leaves the range 0..1; lower "
                "one of them"
            )
        self.strength, self.slope, self.groups = strength, slope, groups
        self.warmup = warmup

    def current_slope(self) -> float:
        """The slope at this point of the training; the full one outside a Runner."""
        hub = MessageHub.get_current_instance()
        now, end = hub.get_info("iter"), hub.get_info("max_iters")
        if now is None or not end:
            return self.slope
        risen = (now / end - self.warmup) / (0.5 - self.warmup)
        return self.slope * min(1.0, max(0.0, risen))

    def forward(self, module: nn.Module) -> Tensor:
        """Returns the regularisation of ``module``, a scalar.

        Args:
            module: A backbone.
        """
        slope = self.current_slope()
        total: Tensor | float = 0.0
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                covered = [layer.weight]
            elif isinstance(layer, _BatchNorm) and layer.affine:
                covered = [layer.weight, layer.bias]
            else:
                continue
            for weight in covered:
                if not weight.requires_grad:
                    continue
                squares = weight.float().square()
                if weight.dim() > 1:
                    squares = squares.flatten(1).sum(dim=1)
                total = total + (squares * self._factors(squares, slope)).sum()
        return torch.as_tensor(self.strength * total)

    def _factors(self, squares: Tensor, slope: float) -> Tensor:
        size = max(1, len(squares) // self.groups)
        group = torch.arange(len(squares), device=squares.device) // size
        return 1 - slope * group.clamp_max(self.groups - 1)
