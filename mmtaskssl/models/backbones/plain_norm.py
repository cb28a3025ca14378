"""Static norms."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ...utils.families import BadConfigValue


def build_plain_norm(cfg: Mapping[str, Any], widths: Sequence[int]) -> nn.Module:
    """Builds the static counterpart of an elastic norm.

    Args:
        cfg: The ``norm_cfg`` of an elastic or a plain network.
        widths: Channels of the layer, alone.

    Raises:
        UserError: Unknown type.
    """
    cfg, (channels,) = dict(cfg), widths
    kind, requires_grad = cfg.pop("type"), cfg.pop("requires_grad", True)
    if kind in ("BN", "SwitchableBN"):
        norm = nn.BatchNorm2d(channels, **cfg)
    elif kind == "SyncBN":
        norm = nn.SyncBatchNorm(channels, **cfg)
    elif kind == "GN":
        size = cfg.pop("group_size", 16)
        norm = nn.GroupNorm(channels // size, channels, **cfg)
    else:
        raise BadConfigValue(
            f"norm_cfg type {kind!r} is unknown; write BN, SyncBN or GN"
        )
    return norm.requires_grad_(requires_grad)
