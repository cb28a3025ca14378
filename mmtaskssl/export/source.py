"""The former way to a network with sub-nets: see `mmtaskssl.networks`."""

from mmengine.config import Config

from ..models.backbones import ElasticBackbone
from ..networks import Network, build_backbone, open_network
from ..networks.build import with_subnets

Source = Network


def load_source(
    cfg: Config,
    config_name: str,
    checkpoint: str,
    source: str = "online",
    trust: bool = False,
) -> Network:
    """See `open_network`."""
    return open_network(cfg, checkpoint, source=source, trust=trust, subnets=True)


def build_elastic(cfg: Config, name: str) -> ElasticBackbone:
    """See `build_backbone`."""
    return with_subnets(build_backbone(cfg, name), name).eval()
