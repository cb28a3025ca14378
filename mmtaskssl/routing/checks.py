"""What a network must have before it is routed."""

from ..models.backbones import ElasticResNet
from ..utils.families import NoSubnets, Uncalibrated


def check_routed(backbone: ElasticResNet) -> None:
    """Checks that a network has paths, and statistics for all of them.

    Raises:
        UserError: It has not.
    """
    if getattr(backbone.arch, "routes", None) is None:
        raise NoSubnets(
            "this network has no paths: routing needs a RoutedResNet (SDR), whose "
            "config is in configs/sdr"
        )
    missing = [path for path in backbone.space if not backbone.is_calibrated(path)]
    if missing:
        raise Uncalibrated(
            f"{len(missing)} of {len(backbone.space)} paths have no batch-norm "
            "statistics of their own, the first: "
            f"{missing[0]}; calibrate them with `mmtaskssl calibrate CONFIG "
            "CKPT --all --clusters DIR`"
        )
