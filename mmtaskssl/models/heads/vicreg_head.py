from typing import Any

from mmengine.dist import get_world_size
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.families import BadConfigValue

from .across_processes import mean_over_processes
from .joint_embedding import JointEmbeddingHead, distance_to_centre

_EPS = 1e-4


@MODELS.register_module()
class VICRegHead(JointEmbeddingHead):
    """VICReg's loss: views agree, features vary, and not together.

    Bardes, Ponce and LeCun, *VICReg*, ICLR 2022 (arXiv 2105.04906), section 4.1: the
    mean squared distance between two views; a hinge that lifts each feature's standard
    deviation to 1; the squared covariances off the diagonal over the number of
    features. Of more than two views each approaches the whole ones' mean.

    For two views the mean distance of both from their mean is a quarter of the distance
    between them, hence the factor four.

    Args:
        match_weight: Of the distance; 25 in the paper.
        std_weight: Of the hinge, mean over views; 25 in the paper.
        cov_weight: Of the covariances, sum over two views in the paper; 1 there.
        init_cfg: As in mmengine.

    Raises:
        UserError: A negative weight.
    """

    def __init__(
        self,
        match_weight: float = 25.0,
        std_weight: float = 25.0,
        cov_weight: float = 1.0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        weights = match_weight, std_weight, cov_weight
        if min(weights) < 0:
            raise BadConfigValue(f"VICReg's weights must be 0 or more, not {weights}")
        self.match_weight, self.std_weight, self.cov_weight = weights

    def match(self, views: Tensor, centre: Tensor | None, num_whole: int) -> Tensor:
        """See `JointEmbeddingHead.match`."""
        distance = distance_to_centre(views, centre, num_whole)
        return self.match_weight * (4 if centre is None else 1) * distance

    def spread(self, views: Tensor, drawn: Tensor | None) -> dict[str, Tensor]:
        """Returns hinge and covariances, weighted.

        Args:
            views: Embeddings (V, N, D).
            drawn: Ignored.
        """
        count = views.shape[1] * get_world_size()
        # The gradients through the mean add up to none, over all images alone.
        mean = mean_over_processes(views.detach().mean(1, keepdim=True))
        centred = views - mean
        products = centred.mT @ centred / views.shape[1]  # (V, D, D)
        covariance = mean_over_processes(products) * (count / max(1, count - 1))
        variance = covariance.diagonal(dim1=1, dim2=2)  # (V, D)
        hinge = (1 - (variance + _EPS).sqrt()).relu().mean()
        features = views.shape[2]
        apart = (covariance.square().sum((1, 2)) - variance.square().sum(1)) / features
        return {
            "std": self.std_weight * hinge,
            "cov": self.cov_weight * 2 * apart.mean(),
        }
