"""From a sub-net to the weights of its plain network."""

from torch import Tensor

from ..models.backbones import ElasticBackbone
from ..models.backbones.elastic_backbone import SubnetLike


def export_state_dict(
    backbone: ElasticBackbone, subnet: SubnetLike | None = None
) -> dict[str, Tensor]:
    """Returns the weights of a sub-net as a plain network has them.

    Args:
        backbone: Any elastic backbone.
        subnet: A sub-net, its name, or an anchor's; None: the backbone's default.

    Returns:
        Contiguous copies on the CPU under the names of torchvision and OpenMMLab,
        without prefix. They load strictly into the backbone of
        ``backbone.plain_config(subnet)`` and, where `stock_shape` finds one, into the
        ResNets of torchvision, mmdet, mmseg, mmcls and mmselfsup.

    Raises:
        UserError: This network cannot run the sub-net, or it was not calibrated.
    """
    return {name: t.cpu() for name, t in backbone.state_dict_of(subnet).items()}
