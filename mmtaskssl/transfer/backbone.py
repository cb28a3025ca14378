"""The host's place for an export: options stay, the network is another."""

from typing import Any

from .export_info import ExportInfo

# What a host's config decides about any backbone, whichever network it is.
_OPTIONS = ("frozen_stages", "norm_eval", "with_cp", "zero_init_residual")
_RESNET_OPTIONS = ("strides", "dilations", "contract_dilation", "num_stages")


def replace_backbone(model: dict[str, Any], export: ExportInfo) -> list[int]:
    """Puts an export in the place of ``model['backbone']``.

    Which stages are returned, strides, dilations, freezing and the mode of the norms
    stay as the host's config has them. The outputs 0 to 3 that the config asks for are
    those of strides 4 to 32 without dilation, whatever their number in the network.

    Args:
        model: A model's config, changed in place.
        export: The network and its weights.

    Returns:
        Channels of the outputs.
    """
    old = model["backbone"]
    network = dict(export.plain_network)
    levels = old.get("out_indices", range(len(export.pyramid)))
    # A network of fewer stages has no map of the last strides.
    levels = [level for level in levels if level < len(export.pyramid)]
    kept = _OPTIONS
    if network["type"].endswith("SubnetResNet"):
        kept += _RESNET_OPTIONS
    network |= {key: old[key] for key in kept if key in old}
    stages = len(export.pyramid)
    for key, rest in (("strides", 2), ("dilations", 1)):
        if key in network:  # the hosts give them for the stages they build
            given = tuple(network[key])[:stages]
            network[key] = given + (rest,) * (stages - len(given))
    if network.get("num_stages", stages) >= stages:
        network.pop("num_stages", None)
    if _norm(old).get("type") == "SyncBN" and _norm(network)["type"] == "BN":
        network["norm_cfg"] = {**_norm(network), "type": "SyncBN"}
    network["out_indices"] = tuple(export.pyramid[level] for level in levels)
    init = export.init_cfg()
    if init is not None:
        # Zeroing comes after loading.
        network |= {"init_cfg": init, "zero_init_residual": False}
    model["backbone"] = network
    model.pop("pretrained", None)  # mmseg's older way to name weights
    return [export.out_channels[index] for index in network["out_indices"]]


def _norm(backbone: dict[str, Any]) -> dict[str, Any]:
    return backbone.get("norm_cfg") or {"type": "BN"}
