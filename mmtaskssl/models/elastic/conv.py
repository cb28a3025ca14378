"""Convolution whose active channels are arguments."""

import torch.nn.functional as F
from torch import Tensor, nn

from .channels import Channels, take


class ElasticConv2d(nn.Conv2d):
    """A convolution that runs with slices of one dense weight.

    At full width it is `torch.nn.Conv2d`, bit for bit. A depthwise convolution
    (``groups == in_channels == out_channels``) has as many groups as active channels.

    Args:
        in_channels: Input channels of the whole weight.
        out_channels: Output channels of the whole weight.
        kernel_size: As in `torch.nn.Conv2d`, as are all further arguments.

    Raises:
        ValueError: Grouped but not depthwise, or padded with other than zeros.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size, **kwargs):
        super().__init__(in_channels, out_channels, kernel_size, **kwargs)
        self.depthwise = self.groups > 1
        if self.depthwise and not self.groups == in_channels == out_channels:
            raise ValueError("a grouped elastic convolution must be depthwise")
        if self.padding_mode != "zeros":
            raise ValueError("an elastic convolution pads with zeros only")

    def forward(
        self, x: Tensor, out: Channels | None = None, in_: Channels | None = None
    ) -> Tensor:
        """Convolves the active channels.

        Args:
            x: (N, active inputs, H, W).
            out: Active outputs, None: all; a depthwise convolution ignores it.
            in_: Which inputs of the weight ``x`` holds; None: the first ones.

        Returns:
            (N, active outputs, H', W').
        """
        in_ = x.shape[1] if in_ is None else in_
        if self.depthwise:
            out = in_
            weight = take(self.weight, 0, in_)
        else:
            weight = take(take(self.weight, 0, out), 1, in_)
        bias = None if self.bias is None else take(self.bias, 0, out)
        if not self.depthwise:
            return self._conv_forward(x, weight, bias)  # or by taps: `use_taps`
        return F.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, x.shape[1]
        )
