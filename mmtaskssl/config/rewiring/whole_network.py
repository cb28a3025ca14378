"""Networks without sub-nets, of timm, torchvision and mmcls, in the hosts' places."""

import logging
import math
from typing import Any

import torch
from mmengine.logging import print_log

from ...models.backbones.library_backbone import library_config
from ...registry import MODELS
from ...utils.errors import UserError
from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from ..whole_network import takes

# Of the last map, where nothing is dilated.
_STRIDE = 32


def fit_whole(
    old: dict[str, Any],
    export: ExportInfo,
    indices: tuple[int, ...] | None,
    stride: int | None = None,
) -> dict[str, Any]:
    """Returns the network with the options that a host's config has for any backbone.

    Args:
        old: The backbone's config that gives way. Its ``frozen_stages`` counts as a
            ResNet's do: 0 is what is in front of the map of stride 4, and 1 to 4 end
            with the maps of strides 4 to 32; its ``strides`` say how coarse the last
            map is to be.
        export: Of a network without sub-nets.
        indices: Outputs that are read; None: the network's own, for classification.
        stride: Of the last map; None: as the strides of ``old`` say.

    Raises:
        UserError: It is to be frozen in part, and has no stages, or cannot be.
    """
    network = dict(export.plain_network)
    if old.get("norm_eval") and takes(network, "norm_eval"):
        network["norm_eval"] = True
    frozen = old.get("frozen_stages", -1)
    if frozen >= 0 and not takes(network, "frozen_stages"):
        raise ExportMisfit(
            f"export {export.name} ({network['type']}) has no frozen_stages: set "
            "model.backbone.frozen_stages=-1"
        )
    if frozen >= 0:
        network["frozen_stages"] = _frozen(network, export, frozen, indices is None)
    if indices is not None:
        strides = old.get("strides")
        stride = stride or (4 * math.prod(strides) if strides else _STRIDE)
        _dilate(network, export, stride)
    return network


def _frozen(
    network: dict[str, Any], export: ExportInfo, frozen: int, classifies: bool
) -> int:
    """Returns how the network counts the stages that a ResNet counts otherwise."""
    levels, of_library = export.pyramid, bool(library_config(network))
    if frozen >= max(len(levels), 1) and classifies:
        return _all(network, export)
    if not levels:
        raise ExportMisfit(
            f"export {export.name} has no stages of which frozen_stages={frozen} could "
            "freeze some: freeze all (4) or nothing (-1)"
        )
    level = levels[min(frozen, len(levels)) - 1] if frozen else levels[0] - 1
    # Libraries' networks name the last frozen level, those of mmcls count them.
    return level if of_library else level + 1


def _all(network: dict[str, Any], export: ExportInfo) -> int:
    """Returns the ``frozen_stages`` that leaves nothing to train."""
    if library_config(network):
        # Its levels are numbered from 0, and none of them may be listed.
        return len(MODELS.build(network).levels)
    for count in range(len(export.out_channels) + 2, 0, -1):
        try:
            model = MODELS.build({**network, "frozen_stages": count})
            model.train()
        except (ValueError, AssertionError, TypeError, IndexError, AttributeError):
            continue
        if not any(p.requires_grad for p in model.parameters()):
            return count
    raise ExportMisfit(
        f"export {export.name} ({network['type']}) cannot be frozen as a whole: "
        "fine-tune it, or evaluate it with mmtaskssl evaluate"
    )


def _dilate(network: dict[str, Any], export: ExportInfo, stride: int) -> None:
    """Asks timm for a finer last map, where the host's config does so of a ResNet."""
    if stride >= _STRIDE:
        return
    changed = {**network, "output_stride": stride, "out_indices": export.pyramid}
    expected = tuple(export.out_channels[i] for i in export.pyramid)
    if library_config(network) == "timm":
        try:
            with torch.random.fork_rng(devices=[]):  # construction draws
                if MODELS.build(changed).out_channels == expected:
                    network["output_stride"] = stride
                    return
        except UserError:
            pass
    print_log(
        f"the config asks for a last map of stride {stride}, which {export.name} does "
        f"not have: it stays at {_STRIDE}",
        "current",
        logging.WARNING,
    )
