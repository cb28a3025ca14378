"""Segmentors of mmseg on exported backbones."""

from typing import Any

from ...utils.errors import UserError
from ..export_info import ExportInfo
from .backbone import replace_backbone


def rewire_segmentor(model: dict[str, Any], export: ExportInfo) -> list[str]:
    """Puts an export into a segmentor and fits the heads that read its feature maps.

    Args:
        model: An mmseg model's config, changed in place.
        export: The network and its weights.

    Returns:
        What was changed, a line each.

    Raises:
        UserError: A head reads a feature map that the export does not have.
    """
    wanted = len(model["backbone"].get("out_indices", range(4)))
    channels = replace_backbone(model, export)
    missing = wanted - len(channels)
    changes = [f"backbone={export.name}"]
    neck = model.get("neck")
    if neck:
        neck["in_channels"] = channels
        return [*changes, f"neck.in_channels={channels}"]
    for name in ("decode_head", "auxiliary_head"):
        heads = model.get(name) or []
        several = isinstance(heads, list | tuple)
        for number, head in enumerate(heads if several else [heads]):
            place = f"{name}[{number}]" if several else name
            try:
                fitted = _fit(head, channels, missing)
            except IndexError as error:
                raise UserError(
                    f"{place} reads feature map {head['in_index']} of the backbone, "
                    f"but export {export.name} gives {len(channels)}"
                ) from error
            changes += [f"{place}.{change}" for change in fitted]
    return changes


def _fit(head: dict[str, Any], channels: list[int], missing: int) -> list[str]:
    changes = []
    index = head.get("in_index", -1)
    if "in_index" not in head and isinstance(head.get("in_channels"), list | tuple):
        index = range(len(channels))  # Mask2Former's reads all
    if not isinstance(index, int):
        index = list(index)[: len(channels)]
        fitting = [channels[i] for i in index]
    else:  # counted from the end, where a network of fewer stages ends, too
        index = max(index - missing, 0) if index >= 0 else index
        fitting = channels[index]
    if missing and "in_index" in head:
        head["in_index"] = index
        changes.append(f"in_index={index}")
    if "in_channels" in head:
        head["in_channels"] = fitting
        changes.append(f"in_channels={fitting}")
    if head.get("c1_in_channels"):  # DeepLabV3+ also reads the first stage
        head["c1_in_channels"] = channels[0]
        changes.append(f"c1_in_channels={channels[0]}")
    return changes
