"""How many directions tell images apart, against their own views (LiDAR)."""

from mmtaskssl.evaluation.label_free import lidar
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, required


@SEARCH_SCORES.register_module()
class Lidar(Score):
    """After LiDAR (Thilak et al., ICLR 2024, arXiv 2312.04000), see `lidar`."""

    name = "lidar"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns the effective rank of the discriminant, at least 0."""
        return lidar(required(seen.views, self, "views of the images"))
