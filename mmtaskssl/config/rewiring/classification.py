"""Classifiers of mmcls and mmselfsup on exported backbones."""

from typing import Any

from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from .backbone import put_in, replace_backbone
from .whole_network import fit_whole

# Heads that are for a distilled network alone, unless they are told otherwise.
_DISTILLED = ("EfficientFormerClsHead", "LeViTClsHead")


def rewire_classifier(model: dict[str, Any], export: ExportInfo) -> list[str]:
    """Puts an export into a classifier and fits its head to the last feature map.

    A config that freezes its whole backbone, as linear probes do, freezes all stages
    of the export.

    Args:
        model: The config of a model with ``head``, changed in place.
        export: The network and its weights.

    Returns:
        What was changed, a line each.

    Raises:
        UserError: A neck or a head whose input cannot follow.
    """
    neck, head = model.get("neck"), model.get("head")
    if not isinstance(head, dict):
        raise ExportMisfit(
            "the config's model has no head (head=None), so nothing that trains what "
            "an export is for: take a config of a classifier"
        )
    for part in neck if isinstance(neck, list | tuple) else [neck] if neck else []:
        if str(part["type"]).rpartition(".")[2] != "GlobalAveragePooling":
            raise ExportMisfit(
                f"the neck {part['type']} cannot follow an export; use "
                "GlobalAveragePooling"
            )
    if not isinstance(head.get("in_channels"), int):
        raise ExportMisfit(
            f"the head {head['type']} has no in_channels to follow an export"
        )
    kind = str(head["type"]).rpartition(".")[2]
    if kind in _DISTILLED and head.get("distillation", True):
        raise ExportMisfit(
            f"the head {head['type']} does not train with distillation=True: set "
            "model.head.distillation=False"
        )
    old = model["backbone"]
    if export.features is not None:
        put_in(model, fit_whole(old, export, None), export)
        if export.pooled:
            model.pop("neck", None)
        elif not neck:
            model["neck"] = {"type": "mmcls.GlobalAveragePooling"}
        head["in_channels"] = export.features
        return [f"backbone={export.name}", f"head.in_channels={export.features}"]
    # The hosts count differently (mmselfsup's stem is output 0), but mean the last.
    old["out_indices"] = (len(export.pyramid) - 1,)
    if not neck or export.features is None:  # whatever it pooled was not such a map
        model["neck"] = {"type": "mmcls.GlobalAveragePooling"}
    if old.get("frozen_stages", -1) >= len(export.pyramid):
        old["frozen_stages"] = len(export.out_channels)
    (channels,) = replace_backbone(model, export)
    head["in_channels"] = channels
    return [f"backbone={export.name}", f"head.in_channels={channels}"]
