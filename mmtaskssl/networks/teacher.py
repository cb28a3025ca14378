"""Any network that can be opened, as a teacher."""

import json
import os
import re
from pathlib import Path

from mmengine.logging import print_log

from ..models.teachers import FrozenTeacher
from ..registry import MODELS
from ..utils.errors import UserError
from .door import open_network
from .hugging_face import PREFIX, open_hugging_face
from .network import Network

# What the tags of timm's names say of the images, and so of the labels.
_LABELS = {
    "in1k": "ImageNet-1k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "in12k": "ImageNet-12k",
}


@MODELS.register_module()
class NetworkTeacher(FrozenTeacher):
    """A frozen network, from whatever `open_network` opens, or of Hugging Face.

    Args:
        network: A config, an export's folder, ``torchvision:NAME``, ``timm:NAME``; or
            one of these and its weights, ``NETWORK=FILE``; or ``hf:FOLDER``, see
            `open_hugging_face`.
        weights: A file, instead.
        view_size: Side of the images that it is shown, pixels; None: its own.
        subnet: Of a network with sub-nets; None: its default, as a rule the largest.
        source: "online", or "ema" for the averaged encoder of a pre-training.
        labels: See `Teacher`; None: what its name says.
        trust: Load weights even if that runs code in them.

    Raises:
        UserError: See `open_network` and `open_hugging_face`.
    """

    def __init__(
        self,
        network: str | os.PathLike,
        weights: str | os.PathLike | None = None,
        view_size: int | None = None,
        subnet: str | None = None,
        source: str = "online",
        labels: str | None = None,
        trust: bool = False,
    ) -> None:
        network, weights = split_weights(os.fspath(network), weights)
        if network.startswith(PREFIX):
            opened = open_hugging_face(network.removeprefix(PREFIX))
        else:
            opened = open_network(network, weights, source=source, trust=trust)
        pixels = opened.preprocessing
        size = view_size or pixels.image_size
        if size < 1:
            raise UserError(f"a teacher's view_size must be positive, not {size}")
        super().__init__(
            opened.plain(subnet),
            _name(network, opened),
            opened.weights_sha256,
            size,
            pixels.mean,
            pixels.std,
            pixels.channel_order,
            labels or labels_of(network, opened.trained),
        )
        print_log(f"teacher: {json.dumps(self.describe())}", "current")


def split_weights(
    network: str, weights: str | os.PathLike | None = None
) -> tuple[str, str | None]:
    """Splits ``NETWORK=FILE``.

    Args:
        network: Either of both.
        weights: A file that is named apart.

    Raises:
        UserError: Two files of weights.
    """
    found = None if weights is None else os.fspath(weights)
    if "=" in network and not os.path.exists(network):
        network, _, file = network.partition("=")
        if found is not None:
            raise UserError(f"two kinds of weights, {file} and {found}: name one")
        found = file
    return network, found


def labels_of(network: str, trained: bool) -> str | None:
    """Returns which labels a network was trained with, as far as its name says.

    Args:
        network: Such as ``timm:resnet50.a1_in1k``.
        trained: Whether its weights are not drawn.
    """
    if not trained:
        return "none"
    library, _, name = network.partition(":")
    found = _tagged(name)
    if found is None and library == "timm":
        found = _tagged(_default_tag(name))
    if found is None and library == "torchvision":
        found = "ImageNet-1k"
    return found and f"{found}, if they are {library}'s own weights"


def _tagged(text: str) -> str | None:
    tags = [_LABELS[t] for t in re.split(r"[._]", text) if t in _LABELS]
    return " and ".join(dict.fromkeys(tags)) or None


def _default_tag(name: str) -> str:
    import timm

    config = timm.get_pretrained_cfg(name)
    return str(config and config.tag)


def _name(network: str, opened: Network) -> str:
    file = opened.checkpoint and Path(opened.checkpoint).name
    return f"{network}={file}" if file else f"{network}, untrained"
