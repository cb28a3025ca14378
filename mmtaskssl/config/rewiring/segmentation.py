"""Segmentors of mmseg on exported backbones."""

from collections.abc import Sequence
from typing import Any

from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from .backbone import replace_backbone
from .shapes import Maps, measured


def rewire_segmentor(
    model: dict[str, Any],
    export: ExportInfo,
    old: Sequence[Maps] = (),
    scope: str = "mmseg",
) -> list[str]:
    """Puts an export into a segmentor and fits the heads that read its feature maps.

    A neck that makes a pyramid of the maps of one stride that a plain transformer has
    is left out: an export has a pyramid.

    Args:
        model: An mmseg model's config, changed in place.
        export: The network and its weights.
        old: Maps of the config's own backbone and behind its neck, where known.
        scope: Of the types, see `scope_of`.

    Returns:
        What was changed, a line each.

    Raises:
        UserError: A head reads a feature map that the export does not have.
    """
    wanted = len(model["backbone"].get("out_indices", range(4)))
    changes = [f"backbone={export.name}"]
    pyramid = _pyramid_of_a_neck(old)
    if pyramid is not None:
        changes.append(f"without the neck {model.pop('neck')['type']}")
    channels = replace_backbone(model, export, pyramid or (old[0] if old else None))
    missing = wanted - len(channels)
    neck = model.get("neck")
    if neck:
        neck["in_channels"] = (  # some insist on a tuple
            tuple(channels) if isinstance(neck.get("in_channels"), tuple) else channels
        )
        changes.append(f"neck.in_channels={channels}")
        behind = measured(model, scope)
        if len(old) < 2 or len(behind) < 2 or old[1].channels == behind[1].channels:
            return changes
        # It hands some of the backbone's maps on as they are.
        channels, missing = list(behind[1].channels), 0
    for name in ("decode_head", "auxiliary_head"):
        heads = model.get(name) or []
        several = isinstance(heads, list | tuple)
        for number, head in enumerate(heads if several else [heads]):
            place = f"{name}[{number}]" if several else name
            inner = "kernel_generate_head"  # of K-Net's, which refines what that says
            if isinstance(head.get(inner), dict):
                head, place = head[inner], f"{place}.{inner}"
            try:
                fitted = _fit(head, channels, missing)
            except IndexError as error:
                raise ExportMisfit(
                    f"{place} reads feature map {head['in_index']} of the backbone, "
                    f"but export {export.name} gives {len(channels)}"
                ) from error
            changes += [f"{place}.{change}" for change in fitted]
    return changes


def _pyramid_of_a_neck(old: Sequence[Maps]) -> Maps | None:
    """Returns the maps of a neck that makes several strides of one, if it does."""
    if len(old) < 2 or len(old[0].strides) < 2 or len(set(old[0].strides)) > 1:
        return None
    return old[1] if len(set(old[1].strides)) > 1 else None


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
        if head.get("num_convs") == 0 and str(head.get("type")).endswith("FCNHead"):
            read = fitting if isinstance(fitting, int) else sum(fitting)
            head["channels"] = read  # which go to its classifier as they are
            changes.append(f"channels={read}")
    if head.get("c1_in_channels"):  # DeepLabV3+ also reads the first stage
        head["c1_in_channels"] = channels[0]
        changes.append(f"c1_in_channels={channels[0]}")
    return changes
