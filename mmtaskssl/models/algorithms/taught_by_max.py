"""What the algorithms share in which the whole network teaches its sub-nets."""

from torch import Tensor

from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import TeacherMisfit

from .elastic_base import ElasticAlgorithm


class TaughtByMax(ElasticAlgorithm):
    """A two-view algorithm whose teacher is MAX and whose students are sub-nets.

    To be put before one of our two-view algorithms in the bases. The averages of those
    run the backbone's default sub-net, hence MAX.

    Args:
        *args: The algorithm's.
        **kwargs: The algorithm's and `ElasticAlgorithm`'s.

    Raises:
        UserError: The backbone runs another sub-net than MAX where none is given, which
            would make that one the teacher.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.backbone.subnet != self.backbone.space.max:
            raise TeacherMisfit(
                f"the teacher of {type(self).__name__} is its largest sub-net, but "
                f"model.backbone.subnet is {self.backbone.subnet}; leave it out"
            )

    def project(self, images: Tensor, subnet: Subnet) -> Tensor:
        """Returns a sub-net's embeddings (N, C).

        Args:
            images: (N, 3, H, W).
            subnet: What the backbone runs.
        """
        features = self.backbone(images, subnet)
        return self.neck(features, self.backbone.norm_view(subnet))[0]
