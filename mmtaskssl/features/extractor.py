"""Networks that turn images into feature vectors."""

import json
from pathlib import Path

from mmengine.config import Config
from torch import Tensor, nn

from ..datasets.eval_transform import IMAGENET_MEAN, IMAGENET_STD
from ..models.backbones.elastic_backbone import SubnetLike
from ..models.features import pooled_feature
from ..networks import Network, open_network
from ..utils.families import NoSubnets
from ..weights import check_finite, weights_sha256


class FeatureExtractor(nn.Module):
    """A frozen network and what makes a feature of its output, see `pooled_feature`.

    Args:
        body: Returns maps, tokens or vectors.
        name: Says what ``body`` is.
        source: "online", "ema" or "random".
        mean: Pixel mean that the network was trained with, scale 0..255.
        std: Pixel standard deviation, scale 0..255.
        image_size: Side of the images it was trained on; None if not known.
        channel_order: See `EvalTransform`.

    Attributes:
        description (dict): Tells this extractor from any other.
    """

    def __init__(
        self,
        body: nn.Module,
        name: str,
        source: str,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
        image_size: int | None = None,
        channel_order: str = "rgb",
    ):
        super().__init__()
        self.body = body
        self.mean, self.std = mean, std
        self.image_size = image_size
        self.channel_order = channel_order
        self.eval().requires_grad_(False)
        check_finite(body, body.state_dict(), "the network of an extractor", "body")
        self.description = {
            "name": name,
            "source": source,
            "weights_sha256": weights_sha256(body),
        }

    def train(self, mode: bool = True) -> "FeatureExtractor":
        """Stays in evaluation mode, whatever ``mode`` says."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Returns (N, D) float32 features of (N, 3, H, W) normalised images."""
        return pooled_feature(self.body(images), count=len(images))


def build_extractor(
    config_or_name: str | Path | Config,
    checkpoint: str | Path | None,
    source: str = "online",
    seed: int = 0,
    trust: bool = False,
    subnet: SubnetLike | None = None,
) -> FeatureExtractor:
    """Builds the network that extracts features.

    Args:
        config_or_name: See `open_network`.
        checkpoint: See `open_network`; None or "random" leaves the network untrained.
        source: See `open_network`.
        seed: Fixes the weights of an untrained network.
        trust: Load a checkpoint even if that runs code in it.
        subnet: See `extractor_of`.

    Returns:
        The extractor, on the CPU, in evaluation mode.

    Raises:
        UserError: See `open_network` and `extractor_of`.
    """
    network = open_network(
        config_or_name, checkpoint or "random", source=source, seed=seed, trust=trust
    )
    return extractor_of(network, subnet)


def extractor_of(
    network: Network, subnet: SubnetLike | None = None
) -> FeatureExtractor:
    """Returns what extracts features with a network.

    Of an elastic backbone that is the plain network of one of its sub-nets.

    Args:
        network: Any.
        subnet: A sub-net of an elastic backbone, its name, or an anchor's such as
            "MIN"; None: the backbone's default.

    Raises:
        UserError: A sub-net that the network cannot run, or that has no batch-norm
            statistics.
    """
    body = network.body
    if network.space is not None:
        subnet = network.resolve(subnet)
        body = network.elastic.plain_config(subnet)
    elif subnet is not None:
        raise NoSubnets(f"{network.name} has no sub-nets")
    pixels = network.preprocessing
    return FeatureExtractor(
        # Statistics of an untrained network are those of any other untrained one.
        network.plain(subnet, uncalibrated_ok=not network.trained),
        json.dumps(dict(body), sort_keys=True, default=str) if body else network.name,
        network.encoder,
        pixels.mean,
        pixels.std,
        pixels.image_size,
        pixels.channel_order,
    )
