"""Fully connected layer whose active features are arguments."""

import torch.nn.functional as F
from torch import Tensor, nn

from .channels import Channels, take


class ElasticLinear(nn.Linear):
    """A linear layer that runs with slices of one dense weight.

    At full width it is `torch.nn.Linear`, bit for bit.
    """

    def forward(
        self, x: Tensor, out: Channels | None = None, in_: Channels | None = None
    ) -> Tensor:
        """Maps the active features.

        Args:
            x: (..., active inputs).
            out: Active outputs; None: all.
            in_: Which inputs of the weight ``x`` holds; None: the first ones.

        Returns:
            (..., active outputs).
        """
        in_ = x.shape[-1] if in_ is None else in_
        weight = take(take(self.weight, 0, out), 1, in_)
        bias = None if self.bias is None else take(self.bias, 0, out)
        return F.linear(x, weight, bias)
