"""What a network's feature is, for each kind of output: the one place that decides."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..utils.families import NetworkMisfit

# Of networks that name their outputs (Hugging Face, DINOv2, torchvision), best first.
_NAMES = (
    "pooler_output",
    "image_embeds",
    "x_norm_clstoken",
    "last_hidden_state",
    "feature_maps",
    "out",
)


def pooled_feature(
    output: Any, *, class_token: bool = False, count: int | None = None
) -> Tensor:
    """Returns the feature of each image, (N, D) float32.

    ==================================  ============================================
    output                              its feature
    ==================================  ============================================
    map (N, D, H, W)                    mean over positions
    tokens (N, L, D)                    mean over tokens; with ``class_token`` the first
    vector (N, D)                       itself
    list of maps, of tokens, of vectors that of the last, the deepest stage
    ``[map, vector]`` of one width      the vector: a vision transformer's class token
    names and outputs                   of the first known name, or of the only one
    ==================================  ============================================

    Lists and names may be nested. Whatever else a network may put beside its feature
    (a mask, indices that restore an order) makes an error, and never a feature.

    Args:
        output: Of a backbone.
        class_token: Whether the first of tokens stands for the whole image.
        count: N, if it is known.

    Raises:
        UserError: It has no feature, or it cannot be told which part is the feature.
    """
    feature = _pick(output)
    # In float32: half precision would round the mean of many cells.
    if feature.dim() == 4:
        feature = feature.float().mean(dim=(2, 3))
    elif feature.dim() == 3:
        tokens = feature.float()
        feature = tokens[:, 0] if class_token else tokens.mean(dim=1)
    feature = feature.float()
    if feature.shape[1] < 2:
        raise NetworkMisfit(f"{_shape(feature)} is a number an image, and no feature")
    if count not in (None, len(feature)):
        raise NetworkMisfit(
            f"a network gives {len(feature)} feature(s) for {count} images: "
            f"{_shape(feature)}"
        )
    return feature


def last_map(output: Any) -> Tensor:
    """Returns the last feature map (N, D, H, W) of a network, for dense uses.

    Args:
        output: A map, or a list that ends with one, or with ``[map, vector]``.

    Raises:
        UserError: It has none.
    """
    while isinstance(output, Sequence) and output:
        _pick(output)  # refuses a mask or indices beside the map
        last = output[-1]
        is_vector = isinstance(last, Tensor) and last.dim() == 2
        output = output[-2] if is_vector and len(output) > 1 else last
    if not isinstance(output, Tensor) or output.dim() != 4:
        raise NetworkMisfit(f"{_shape(output)} is no feature map")
    return output


def _pick(output: Any) -> Tensor:
    """Returns the tensor that holds the features."""
    if isinstance(output, Tensor):
        if not output.is_floating_point() or output.dim() not in (2, 3, 4):
            raise NetworkMisfit(
                "a network's feature is a map (N, D, H, W), tokens (N, L, D) or a "
                f"vector (N, D) of real numbers, but this one gives {_shape(output)}"
            )
        return output
    if isinstance(output, Mapping):
        return _pick(_named(output))
    if not isinstance(output, Sequence) or isinstance(output, str) or not output:
        raise NetworkMisfit(f"a network gives no features, but {_shape(output)}")
    parts = [_pick(part) for part in output]
    last = parts[-1]
    if not all(_follows(last, part, parts) for part in parts[:-1]):
        raise NetworkMisfit(
            "a network gives several things, and it cannot be told which is the "
            f"feature: {', '.join(map(_shape, parts))}; name a backbone that returns "
            "feature maps, or a list that ends with the feature"
        )
    return last


def _follows(last: Tensor, part: Tensor, parts: list[Tensor]) -> bool:
    """Whether a part may stand before the last one."""
    if len(part) != len(last):
        return False
    if part.dim() == last.dim():
        return True
    # A transformer's [map, class token], maybe behind maps of earlier stages.
    before = parts[-2]
    pair = before.dim() == 4 and last.dim() == 2 and before.shape[1] == last.shape[1]
    return pair and part.dim() in (2, 4)


def _named(output: Mapping) -> Any:
    found = [name for name in _NAMES if output.get(name) is not None]
    if found:
        return output[found[0]]
    if len(output) == 1:
        return next(iter(output.values()))
    raise NetworkMisfit(
        f"a network names its outputs {', '.join(map(str, output))}, and none of "
        f"{', '.join(_NAMES)}: it cannot be told which is the feature"
    )


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"{kind} {tuple(value.shape)}"
    return type(value).__name__
