"""From other names of the same layers to torchvision's (ResNets) and timm's (ViTs)."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_NUMBERED = re.compile(r"(\d+)\.\d+\.conv1\.weight")
# OpenMMLab's transformers -> timm's.
_MM_VIT = (
    (r"^patch_embed\.projection\.", "patch_embed.proj."),
    (r"^layers\.(\d+)\.ln(\d)\.", r"blocks.\1.norm\2."),
    (r"^layers\.(\d+)\.ffn\.layers\.0\.0\.", r"blocks.\1.mlp.fc1."),
    (r"^layers\.(\d+)\.ffn\.layers\.1\.", r"blocks.\1.mlp.fc2."),
    (r"^layers\.(\d+)\.", r"blocks.\1."),
    (r"^ln1\.", "norm."),
)


def to_our_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames a backbone's weights from schemes that say the same in other words.

    These are detectron2's ResNets, children of a ResNet by their number (as
    ``nn.Sequential(*resnet.children())`` calls them), OpenMMLab's ViTs, and DINOv2's,
    whose blocks may lie in chunks. Others stay as they are.

    Args:
        weights: By the names behind the backbone's prefix.
    """
    if "stem.conv1.norm.weight" in weights:
        named = {from_detectron2(key): value for key, value in weights.items()}
        return _counted({key: value for key, value in named.items() if key})
    if "layers.0.ln1.weight" in weights:
        return {_substituted(key, _MM_VIT): value for key, value in weights.items()}
    if "patch_embed.proj.weight" in weights:
        return _dinov2(weights)
    matches = map(_NUMBERED.fullmatch, weights)
    stages = sorted({int(match[1]) for match in matches if match})
    if stages and "0.weight" in weights:
        table = {"0": "conv1", "1": "bn1"}
        table |= {str(stage): f"layer{i}" for i, stage in enumerate(stages, 1)}
        parts = ((key.partition("."), value) for key, value in weights.items())
        return {
            f"{table.get(first, first)}.{rest}": value
            for (first, _, rest), value in parts
        }
    return dict(weights)


def from_detectron2(name: str) -> str | None:
    """``res2.0.conv2.norm.weight`` becomes ``layer1.0.bn2.weight``; None: a head's.

    Args:
        name: With or without ``backbone.`` and ``bottom_up.`` in front.
    """
    name = re.sub(r"^(backbone\.)?(bottom_up\.)?", "", name)
    stage = re.match(r"res(\d+)\.", name)
    if stage is not None:
        name = f"layer{int(stage[1]) - 1}.{name[stage.end() :]}"
    elif name.startswith("stem.conv1."):
        name = name.removeprefix("stem.")
    else:
        return None
    name = name.replace("shortcut.norm.", "downsample.1.")
    name = name.replace("shortcut.", "downsample.0.")
    return re.sub(r"conv(\d+)\.norm\.", r"bn\1.", name)


def _counted(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adds the counters of batch norms, which detectron2's do not have."""
    for name in [name for name in weights if name.endswith(".running_var")]:
        counter = f"{name.removesuffix('running_var')}num_batches_tracked"
        weights.setdefault(counter, torch.zeros((), dtype=torch.int64))
    return weights


def _dinov2(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of DINOv2 the mask is of its training; timm keeps registers otherwise."""
    chunks = (r"^blocks\.\d+\.(\d+)\.(?=\w)", r"blocks.\1.")
    chunked = any(re.match(r"blocks\.\d+\.\d+\.norm1", key) for key in weights)
    swiglu = ((r"\.mlp\.w12\.", ".mlp.fc1."), (r"\.mlp\.w3\.", ".mlp.fc2."))
    rules = (*((chunks,) if chunked else ()), *swiglu)
    found = {
        _substituted(key, rules): value
        for key, value in weights.items()
        if key != "mask_token"
    }
    if "register_tokens" in found:
        # Timm adds no position to them, so the class token carries its own.
        found["reg_token"] = found.pop("register_tokens")
        position = found["pos_embed"]
        found["cls_token"] = found["cls_token"] + position[:, :1]
        found["pos_embed"] = position[:, 1:]
    return found


def _substituted(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, new in rules:
        name = re.sub(pattern, new, name)
    return name
