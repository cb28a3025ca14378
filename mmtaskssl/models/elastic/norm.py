"""Normalisation whose active channels and statistics are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from ...utils.errors import UserError
from ...utils.families import BadConfigValue, Uncalibrated
from .channels import Channels, num_channels, take


@dataclass(frozen=True, slots=True, eq=False)
class NormView:
    """What one normalisation layer has to know of the active sub-net.

    Attributes:
        channels: The active channels; None: all.
        switch: Index of the batch norm that a switchable layer runs.
        tracked: Whether the layer's own running statistics belong to this sub-net:
            they are updated in training and used in evaluation. Of a shared batch
            norm that is the largest sub-net alone.
        mean: Calibrated mean of the active channels, float32, for evaluation.
        var: Calibrated variance of the active channels, float32.
        subnet: Name of the sub-net, for messages.
    """

    channels: Channels | None = None
    switch: int = 0
    tracked: bool = True
    mean: Tensor | None = None
    var: Tensor | None = None
    subnet: str = ""


WHOLE = NormView()
"""The view of a network at full width."""


def uncalibrated(subnet: str) -> UserError:
    """Returns the error of a sub-net whose batch norm has no statistics."""
    # A path belongs to a cluster of images.
    source = "clusters DIR" if "-p" in subnet else "images SRC"
    return Uncalibrated(
        f"sub-net {subnet} has no batch-norm statistics of its own; calibrate it with "
        f"`mmtaskssl calibrate CONFIG CKPT --subnet {subnet} --{source}`"
    )


def elastic_norm(norm: nn.Module, x: Tensor, view: NormView = WHOLE) -> Tensor:
    """Normalises the active channels with any of the layers of this file.

    A function, not a method, because conversion to synchronised batch norm replaces
    the layer by one that knows nothing of sub-nets: whatever has the attributes of a
    batch norm works here.

    Args:
        norm: `SwitchableBatchNorm2d`, `ElasticGroupNorm`, or any batch norm.
        x: (N, active channels, H, W); (N, active channels) for a 1d batch norm.
        view: The active sub-net's part of this layer.

    Returns:
        A tensor of the shape of ``x``.

    Raises:
        UserError: Evaluation of a sub-net that has not been calibrated.
    """
    if isinstance(norm, SwitchableBatchNorm2d):
        norm = norm[view.switch]
        view = replace(view, channels=None, tracked=True)
    elif isinstance(norm, ElasticGroupNorm):
        return norm(x, view)
    if view.tracked and view.mean is None:
        return _whole(norm, x)
    return _sliced(norm, x, view)


def _whole(norm: nn.Module, x: Tensor) -> Tensor:
    if isinstance(norm, ElasticBatchNorm2d):
        return nn.BatchNorm2d.forward(norm, x)
    return norm(x)


def _sliced(norm: nn.Module, x: Tensor, view: NormView) -> Tensor:
    weight = bias = None
    if norm.affine:
        weight = take(norm.weight, 0, view.channels)
        bias = take(norm.bias, 0, view.channels)
    if not norm.training:
        if view.mean is None:
            raise uncalibrated(view.subnet)
        return F.batch_norm(
            x, view.mean, view.var, weight, bias, training=False, eps=norm.eps
        )
    if view.tracked:
        return _whole(norm, x)
    if isinstance(norm, _BatchNorm) and not isinstance(norm, nn.SyncBatchNorm):
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=norm.eps)
    # A synchronised norm reduces over processes in its own forward, and updates
    # running statistics there: lend it slices, and copies that nobody keeps.
    affine = {"weight": weight, "bias": bias} if norm.affine else {}
    tensors = {
        **affine,
        "running_mean": take(norm.running_mean, 0, view.channels).clone(),
        "running_var": take(norm.running_var, 0, view.channels).clone(),
        "num_batches_tracked": norm.num_batches_tracked.clone(),
    }
    return functional_call(norm, tensors, (x,))


class ElasticBatchNorm2d(nn.BatchNorm2d):
    """One batch norm shared by sub-nets: affine by slices, statistics by calibration.

    In training every sub-net normalises with the statistics of its batch. Running
    statistics are those of the largest sub-net; any other needs its own, given by the
    view (US-Nets, arXiv 1903.05134, section 3.2), because features of fewer channels
    are distributed differently: slices of running statistics are wrong.
    """

    def forward(self, x: Tensor, view: NormView = WHOLE) -> Tensor:
        """Normalises ``x`` (N, active channels, H, W); see `elastic_norm`."""
        return elastic_norm(self, x, view)


class SwitchableBatchNorm2d(nn.ModuleList):
    """One batch norm per width, each with its own affine and statistics.

    Source: Slimmable Neural Networks (arXiv 1812.08928), section 3.3.

    Args:
        widths: Channels at each switch, largest first by custom.
        eps: As in `torch.nn.BatchNorm2d`.
        momentum: As in `torch.nn.BatchNorm2d`.
    """

    def __init__(self, widths: Sequence[int], eps: float = 1e-5, momentum=0.1):
        super().__init__(
            nn.BatchNorm2d(width, eps=eps, momentum=momentum) for width in widths
        )

    def forward(self, x: Tensor, view: NormView = WHOLE) -> Tensor:
        """Normalises ``x`` (N, width of the switch, H, W)."""
        return elastic_norm(self, x, view)


class ElasticGroupNorm(nn.GroupNorm):
    """Group norm with a fixed number of channels in a group.

    A prefix keeps whole groups, so each active group holds the same channels, hence
    the same statistics, at every width, and nothing needs calibration.

    Args:
        num_channels: Channels at full width.
        group_size: Channels in a group; divides every active width.
        eps: As in `torch.nn.GroupNorm`.

    Raises:
        ValueError: ``group_size`` does not divide ``num_channels``.
    """

    def __init__(self, num_channels: int, group_size: int = 16, eps: float = 1e-5):
        if num_channels % group_size:
            raise ValueError(
                f"{num_channels} channels are no multiple of group_size {group_size}"
            )
        super().__init__(num_channels // group_size, num_channels, eps=eps)
        self.group_size = group_size

    def forward(self, x: Tensor, view: NormView = WHOLE) -> Tensor:
        """Normalises ``x`` (N, active channels, ...).

        Raises:
            ValueError: The active width holds a broken group.
        """
        width = x.shape[1]
        if width % self.group_size:
            raise ValueError(
                f"{width} channels are no multiple of group_size {self.group_size}"
            )
        channels = width if view.channels is None else view.channels
        weight, bias = take(self.weight, 0, channels), take(self.bias, 0, channels)
        return F.group_norm(x, width // self.group_size, weight, bias, self.eps)


def build_elastic_norm(cfg: dict, widths: Sequence[int]) -> nn.Module:
    """Builds a normalisation layer from an OpenMMLab ``norm_cfg``.

    Args:
        cfg: ``type`` is ``BN`` (shared), ``SyncBN`` (the same, synchronised),
            ``SwitchableBN`` or ``GN``; ``requires_grad`` as in mmcv; further keys go
            to the layer.
        widths: Channels at each switch; the first is the full width.

    Raises:
        UserError: Unknown type.
    """
    cfg = dict(cfg)
    kind, requires_grad = cfg.pop("type"), cfg.pop("requires_grad", True)
    if kind == "BN":
        norm = ElasticBatchNorm2d(widths[0], **cfg)
    elif kind == "SyncBN":
        norm = nn.SyncBatchNorm(widths[0], **cfg)
    elif kind == "SwitchableBN":
        norm = SwitchableBatchNorm2d(widths, **cfg)
    elif kind == "GN":
        norm = ElasticGroupNorm(widths[0], **cfg)
    else:
        raise BadConfigValue(
            f"norm_cfg type {kind!r} is unknown to elastic networks; write BN, SyncBN, "
            f"SwitchableBN or GN"
        )
    for parameter in norm.parameters():
        parameter.requires_grad = requires_grad
    return norm


def norm_width(norm: nn.Module, view: NormView) -> int:
    """Returns the active channels of a layer under ``view``."""
    if isinstance(norm, SwitchableBatchNorm2d):
        return norm[view.switch].num_features
    if view.channels is not None:
        return num_channels(view.channels)
    return norm.weight.shape[0]
