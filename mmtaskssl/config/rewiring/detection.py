"""Detectors of mmdet on exported backbones."""

from collections.abc import Sequence
from typing import Any

from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from .backbone import replace_backbone
from .shapes import Maps

# Parts of a detector that read feature maps, where it has no neck.
HEADS = ("rpn_head", "bbox_head", "mask_head", "panoptic_head", "track_head")
# Networks that lead their maps on themselves: of which part, and how.
_ONE_WITH = {
    "SSDNeck": "goes on from the last map of the network that it is made for",
    "RFP": "leads its maps back into a backbone that reads them (DetectoRS)",
}


def rewire_detector(
    model: dict[str, Any], export: ExportInfo, old: Sequence[Maps] = ()
) -> list[str]:
    """Puts an export into a detector and fits what reads its feature maps.

    With a neck (FPN and its like) only the neck's input follows. Without one, as in
    the R50-C4 detectors, the first three stages are the backbone and the last one is
    the shared head of the regions, with weights of the export, too.

    Args:
        model: An mmdet model's config, changed in place.
        export: The network and its weights.
        old: Maps of the config's own backbone and behind its neck, where known.

    Returns:
        What was changed, a line each.

    Raises:
        UserError: The export cannot be split for a C4 detector, or its maps are not of
            strides 4 to 32.
    """
    arch = export.plain_network.get("arch")  # of mmcls' networks maybe a name
    if isinstance(arch, dict) and arch.get("stem_kernel", 7) != 7:
        raise ExportMisfit(
            f"export {export.name} keeps the resolution of very small images (a stem "
            "of 3x3, without pooling): its maps do not have the strides 4 to 32 that "
            "a detector's anchors are made for"
        )
    if "num_branch" in model["backbone"]:
        raise ExportMisfit(
            f"{model['type']} is one with its backbone, whose branches share weights: "
            "take another detector"
        )
    neck = model.get("neck")
    first = neck[0] if isinstance(neck, list | tuple) else neck
    kind = str((first or {}).get("type")).rpartition(".")[2]
    if kind in _ONE_WITH:
        raise ExportMisfit(
            f"{model['type']} is one with its backbone: its neck {kind} "
            f"{_ONE_WITH[kind]}; take another detector"
        )
    channels = replace_backbone(model, export, old[0] if old else None)
    changes = [f"backbone={export.name}"]
    if neck:
        given = first.get("in_channels")
        first["in_channels"] = _like(given, channels)
        if isinstance(given, list | tuple) and _falling(given):
            first["in_channels"].reverse()  # YOLOv3's begins with the last map
        return [*changes, f"neck.in_channels={first['in_channels']}"]
    if "shared_head" in (model.get("roi_head") or {}):
        return changes + _rewire_c4(model, export, channels[-1])
    for name in HEADS:
        if "in_channels" in (model.get(name) or {}):
            head = model[name]
            head["in_channels"] = _like(head["in_channels"], channels)
            changes.append(f"{name}.in_channels={head['in_channels']}")
    return changes + _fit_regions(model.get("roi_head") or {}, channels[-1])


def _fit_regions(roi_head: dict[str, Any], channels: int) -> list[str]:
    """Fits what reads regions of the last map itself, as of a dilated network (DC5)."""
    changes = []
    for name in ("bbox", "mask"):
        extractor = roi_head.get(f"{name}_roi_extractor")
        if extractor and "out_channels" in extractor:
            extractor["out_channels"] = channels
            changes.append(f"roi_head.{name}_roi_extractor.out_channels={channels}")
        heads = roi_head.get(f"{name}_head") or []
        for head in heads if isinstance(heads, list | tuple) else [heads]:
            if "in_channels" in head:
                head["in_channels"] = channels
                changes.append(f"roi_head.{name}_head.in_channels={channels}")
    return changes


def _like(old: Any, channels: list[int]) -> list[int] | int:
    return channels[-1] if isinstance(old, int) else channels


def _falling(numbers: Sequence[int]) -> bool:
    return len(numbers) > 1 and list(numbers) == sorted(set(numbers), reverse=True)


def _rewire_c4(model: dict[str, Any], export: ExportInfo, channels: int) -> list[str]:
    network = export.plain_network
    if not network["type"].endswith("SubnetResNet"):
        raise ExportMisfit(
            f"export {export.name} has no last stage that a C4 detector could use; "
            "take a config with an FPN"
        )
    model["backbone"]["num_stages"] = len(export.pyramid) - 1
    roi_head, last = model["roi_head"], export.out_channels[-1]
    old = roi_head["shared_head"]
    head = {"type": "mmtaskssl.LastStage", "network": network}
    head |= {k: old[k] for k in ("extra_norm", "norm_eval") if k in old}
    norm = model["backbone"].get("norm_cfg")
    if norm:
        head["network"] = {**network, "norm_cfg": norm}
    init = export.init_cfg()
    if init is not None:
        stage = f"layer{len(export.pyramid)}"
        model["backbone"]["init_cfg"]["skip"] = [f"{stage}."]
        partial = model["backbone"]["init_cfg"].get("allow_partial", False)
        head["init_cfg"] = {**init, "only": [stage], "allow_partial": partial}
    roi_head["shared_head"] = head
    changes = ["roi_head.shared_head=the last stage"]
    places = {
        "rpn_head.in_channels": (model["rpn_head"], channels),
        "roi_head.bbox_head.in_channels": (roi_head["bbox_head"], last),
    }
    if roi_head.get("mask_head"):
        places["roi_head.mask_head.in_channels"] = (roi_head["mask_head"], last)
    for name, (part, value) in places.items():
        part["in_channels"] = value
        changes.append(f"{name}={value}")
    roi_head["bbox_roi_extractor"]["out_channels"] = channels
    return [*changes, f"roi_head.bbox_roi_extractor.out_channels={channels}"]
