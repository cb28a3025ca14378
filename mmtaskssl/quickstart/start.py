"""Public weights that a package of the index brings along."""

import importlib.util

from ..models.backbones.packaged import packaged_weights

_NETWORK = "tf_efficientnet_lite0"


def public_start() -> str | None:
    """Returns EfficientNet-Lite0 with its ImageNet weights, as a start.

    Returns:
        None: the package, or timm, is not installed.
    """
    file = packaged_weights("timm", _NETWORK)
    if file is None or importlib.util.find_spec("timm") is None:
        return None
    return f"timm:{_NETWORK}={file}"
