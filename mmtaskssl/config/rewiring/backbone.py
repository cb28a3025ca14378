"""The host's place for an export: options stay, the network is another."""

import logging
from typing import Any

from mmengine.logging import print_log

from ...utils.families import ExportMisfit
from ..export_info import ExportInfo
from .levels import Levels, fitting_levels, is_resnet
from .shapes import Maps
from .whole_network import fit_whole

# What a host's config decides about any backbone, whichever network it is.
_OPTIONS = ("frozen_stages", "norm_eval", "with_cp", "zero_init_residual")
# Necks and heads of the hosts count the maps of strides 4, 8, 16 and 32.
_LEVELS = range(4)
_COARSEST = 32
_RESNET_OPTIONS = ("strides", "dilations", "contract_dilation", "num_stages")
# Layers that exports do not have.
_EXTRAS = ("dcn", "plugins")


def replace_backbone(
    model: dict[str, Any], export: ExportInfo, maps: Maps | None = None
) -> list[int]:
    """Puts an export in the place of ``model['backbone']``.

    Which stages are returned, strides, dilations, freezing and the mode of the norms
    stay as the host's config has them. The outputs 0 to 3 that the config asks for are
    those of strides 4 to 32 without dilation, whatever their number in the network. Of
    a backbone that is no ResNet the maps are measured, and the stages of the export
    get their strides; where they cannot be measured, only how many there are is taken:
    the last ones.

    Args:
        model: A model's config, changed in place.
        export: The network and its weights.
        maps: Of the config's own backbone; None: unknown.

    Returns:
        Channels of the outputs.

    Raises:
        UserError: The network has none of the outputs.
    """
    old = model["backbone"]
    if export.features is not None and not export.pyramid:
        raise ExportMisfit(
            f"export {export.name} has no feature maps of strides 4 to 32, which "
            "detectors and segmentors read: it serves classification alone"
        )
    # A network of fewer stages has no map of the last strides.
    fitted = None if maps is None or is_resnet(old) else _fitted(old, export, maps)
    wanted = fitted.read if fitted else _levels(model)
    levels = [level for level in wanted if level < len(export.pyramid)]
    if not levels:
        raise ExportMisfit(
            f"export {export.name} has {len(export.pyramid)} feature maps, none of "
            f"those that the config reads: {tuple(_levels(model))}"
        )
    if lost := [key for key in _EXTRAS if old.get(key)]:
        print_log(
            f"the config's backbone has {' and '.join(lost)}, exports have not: "
            "trained without",
            "current",
            logging.WARNING,
        )
    indices = tuple(export.pyramid[level] for level in levels)
    if export.features is None:
        network = _fit_subnet(old, export, fitted)
    else:
        network = fit_whole(old, export, indices, fitted and fitted.strides[-1])
    network["out_indices"] = indices
    put_in(model, network, export)
    return [export.out_channels[index] for index in indices]


def put_in(model: dict[str, Any], network: dict[str, Any], export: ExportInfo) -> None:
    """Gives a model its backbone, with what loads the weights.

    Args:
        model: A model's config, changed in place.
        network: The backbone's, without weights.
        export: Has them.
    """
    old = model["backbone"]
    init = export.init_cfg()
    if init is not None:
        given = old.get("init_cfg")
        ours = init["type"] != "Pretrained"
        if ours and isinstance(given, dict) and "allow_partial" in given:
            init["allow_partial"] = given["allow_partial"]
        network["init_cfg"] = init
        if export.features is None:  # zeroing comes after loading
            network["zero_init_residual"] = False
            # Stages that the config leaves out have weights in the file all the same.
            built, stages = network.get("num_stages"), len(export.pyramid)
            if built is not None:
                init["skip"] = [f"layer{n}." for n in range(built + 1, stages + 1)]
    model["backbone"] = network
    model.pop("pretrained", None)  # mmseg's older way to name weights
    whole = model.get("init_cfg")
    if isinstance(whole, dict) and whole.get("type") == "Pretrained":
        del model["init_cfg"]  # after it mmengine would not initialise the backbone


def _fitted(old: dict[str, Any], export: ExportInfo, maps: Maps) -> Levels:
    """Returns the stages that are as coarse as the maps of another network."""
    wanted = maps.strides
    if len(wanted) > len(export.pyramid) and len(set(wanted)) == len(wanted):
        wanted = wanted[: len(export.pyramid)]  # a network of fewer stages
    fitted = fitting_levels(export, wanted)
    text = ", ".join(map(str, maps.strides))
    if fitted is None:
        raise ExportMisfit(
            f"{old['type']} gives its heads maps of strides {text}: they are no stages "
            f"of one network, such as the {len(export.pyramid)} of export {export.name}"
        )
    if fitted.off:
        given = ", ".join(str(fitted.strides[level]) for level in fitted.read)
        print_log(
            f"{old['type']} has maps of strides {text}, which {export.name} does not "
            f"have: those of strides {given} are read",
            "current",
            logging.WARNING,
        )
    return fitted


def _fit_subnet(
    old: dict[str, Any], export: ExportInfo, fitted: Levels | None
) -> dict[str, Any]:
    """Returns the network of a sub-net with the options of the host's backbone."""
    network = dict(export.plain_network)
    resnet = network["type"].endswith("SubnetResNet")
    kept = _OPTIONS
    if resnet and fitted is None and is_resnet(old):
        kept += _RESNET_OPTIONS
    network |= {key: old[key] for key in kept if key in old}
    if resnet and fitted is not None:
        network |= {"strides": fitted.stage_strides, "dilations": fitted.dilations}
    elif fitted is not None and fitted.strides[-1] < _COARSEST:
        network["output_stride"] = fitted.strides[-1]
    stages = len(export.pyramid)
    for key, rest in (("strides", 2), ("dilations", 1)):
        if key in network:  # the hosts give them for the stages they build
            given = tuple(network[key])[:stages]
            network[key] = given + (rest,) * (stages - len(given))
    if network.get("num_stages", stages) >= stages:
        network.pop("num_stages", None)
    if _norm(old).get("type") == "SyncBN" and _norm(network)["type"] == "BN":
        network["norm_cfg"] = {**_norm(network), "type": "SyncBN"}
    return network


def _levels(model: dict[str, Any]) -> list[int]:
    given = model["backbone"].get("out_indices")
    if given is not None and max(given) in _LEVELS:
        return list(given)
    if given is None:
        neck = model.get("neck")
        first = neck[0] if isinstance(neck, list | tuple) else neck
        given = (first or {}).get("in_channels")
    count = len(given) if isinstance(given, list | tuple) else len(_LEVELS)
    return list(_LEVELS)[-count:]


def _norm(backbone: dict[str, Any]) -> dict[str, Any]:
    return backbone.get("norm_cfg") or {"type": "BN"}
