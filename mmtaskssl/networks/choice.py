"""Which sub-nets a tool works on."""

from collections.abc import Sequence

from ..models.backbones import ElasticBackbone
from ..models.backbones.elastic_backbone import SubnetLike
from ..subnets import Subnet
from ..utils import checks
from ..utils.errors import UserError, option
from ..utils.families import OptionMissing
from .build import with_subnets
from .network import Network

# 256 paths and their union; a space of more is searched, not listed.
_LISTABLE = 512


def choose_subnets(
    backbone: ElasticBackbone, names: Sequence[SubnetLike] | None, every: bool
) -> list[Subnet]:
    """Returns the sub-nets that a user named, each once.

    Args:
        backbone: Runs them.
        names: Names or anchors; used unless ``every``. None are needed where there is
            one sub-net only, as of a plain ResNet.
        every: All members of the search space and the largest. Of a space too large to
            list, those that were calibrated, and the largest.

    Raises:
        UserError: Nothing was named, or this network cannot run one of them.
    """
    if not every:
        if not names and len(backbone.space) == 1:
            return [backbone.space.max]
        if not names:
            raise OptionMissing(
                f"name sub-nets with {option('subnets', '--subnet')}, or ask for "
                f"{option('all', '--all')}"
            )
        checks.listed("subnets", names, "sub-nets, or their names")
        return list(dict.fromkeys(backbone.resolve(name) for name in names))
    space = backbone.space
    if len(space) <= _LISTABLE:
        return list(dict.fromkeys([space.max, *space]))
    calibrated = map(Subnet.parse, backbone.subnet_statistics.names())
    return list(dict.fromkeys([space.max, *calibrated]))


def has_subnets(network: Network) -> bool:
    """Whether ``subnets=True`` would open a network: a plain ResNet counts as one.

    Args:
        network: Opened.
    """
    try:
        with_subnets(network.backbone, network.name)
    except UserError:
        return False
    return True
