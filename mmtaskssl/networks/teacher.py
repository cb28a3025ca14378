"""Any network that can be opened, as a teacher."""

import json
import os
from pathlib import Path

from mmengine.logging import print_log

from ..models.teachers import FrozenTeacher
from ..registry import MODELS
from .door import open_network
from .hugging_face import PREFIX, open_hugging_face
from .labels import labels_of
from .named import split_weights
from .network import Network


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
        UserError: See `open_network`, `open_hugging_face` and `FrozenTeacher`.
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
        size = pixels.image_size if view_size is None else view_size
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


def _name(network: str, opened: Network) -> str:
    file = opened.checkpoint and Path(opened.checkpoint).name
    return f"{network}={file}" if file else f"{network}, untrained"
