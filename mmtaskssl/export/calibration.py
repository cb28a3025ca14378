"""A calibration: which sub-nets, on which images, and what comes of it."""

import copy
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine.logging import print_log
from torch import Tensor

from ..clustering.cluster_sample import ClusterSample
from ..clustering.clusters import Clusters
from ..datasets.image_sample import ImageSample, draw_images
from ..datasets.images import ImagesLike
from ..models.backbones.elastic_backbone import SubnetLike
from ..models.elastic import collect_statistics
from ..networks import Network, NetworkLike, open_network
from ..networks.choice import choose_subnets
from ..subnets import Subnet
from ..utils import checks
from ..utils.devices import pick_device
from ..utils.errors import option
from ..utils.families import NotFinite, OptionMissing, Uncalibrated
from ..weights import STATISTICS
from .calibrated import Calibrated
from .options import Options
from .paths import Keep, calibrate_paths, calibrate_paths_alone

_IMAGES, _IMAGES_OF_A_CLUSTER = 1024, 256


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A calibration that is about to be made.

    Attributes:
        network: Whose sub-nets.
        subnets: Which.
        sample: Of what images.
        alone: See `calibrate`.
        device: Where to compute.
    """

    network: Network
    subnets: list[Subnet]
    sample: ImageSample | ClusterSample
    alone: bool
    device: torch.device

    @property
    def described(self) -> dict[str, Any]:
        """What tells the images from any others."""
        if isinstance(self.sample, ImageSample):
            return self.sample.describe()
        return {**self.sample.describe(), "shared_beginnings": not self.alone}

    def measure(
        self,
        keep: Keep = lambda name, measure: measure(),
        known: Mapping[str, Tensor] | None = None,
    ) -> Calibrated:
        """Calibrates.

        Args:
            keep: Called with the name of each part and a function that measures it; may
                remember it.
            known: Statistics that are taken as they are, by name of the sub-net.
        """
        known = dict(known or {})
        missing = [subnet for subnet in self.subnets if subnet.name not in known]
        backbone: Any = copy.deepcopy(self.network.backbone).to(self.device)
        if isinstance(self.sample, ImageSample):
            found = self._on_images(backbone, missing, keep)
        else:
            measure = calibrate_paths_alone if self.alone else calibrate_paths
            found = measure(backbone, missing, self.sample, keep)
        return self.result({**known, **found})

    def _on_images(
        self, backbone: Any, subnets: Sequence[Subnet], keep: Keep
    ) -> dict[str, Tensor]:
        found = {}
        for number, subnet in enumerate(subnets, 1):
            measure = functools.partial(
                collect_statistics, backbone, subnet, self.sample
            )
            found[subnet.name] = keep(subnet.name, measure)
            print_log(f"calibrated {number}/{len(subnets)}: {subnet}", "current")
        return found

    def result(self, statistics: Mapping[str, Tensor]) -> Calibrated:
        """Returns the network with statistics, by name of the sub-net."""
        network, described = self.network, self.described
        statistics = {name: value.cpu() for name, value in statistics.items()}
        for name, value in statistics.items():
            if not value.isfinite().all():
                raise NotFinite(
                    f"the statistics of sub-net {name} hold NaN or infinity: its "
                    "activations have left the range of numbers, so its weights are "
                    "of no use"
                )
        backbone = copy.deepcopy(network.elastic)
        for name, value in statistics.items():
            backbone.subnet_statistics.set(name, value)
        prefix, state = network.prefix, dict(network.state)
        if not state:  # it was not read from a file
            prefix = "backbone."
            state = {prefix + k: v for k, v in network.backbone.state_dict().items()}
        state |= {f"{prefix}{STATISTICS}{k}": v for k, v in statistics.items()}
        subnets = tuple(dict.fromkeys([*map(Subnet.parse, statistics), *self.subnets]))
        calibrated = dataclasses.replace(
            network,
            backbone=backbone,
            state=state,
            prefix=prefix,
            calibration={**described, "subnets": [s.name for s in subnets]},
        )
        images = len(self.sample)
        return Calibrated(calibrated, subnets, images, described, network.meta)


def prepare(
    network: NetworkLike,
    subnets: SubnetLike | Sequence[SubnetLike] | Literal["all"],
    images: ImagesLike | ImageSample | None,
    clusters: str | Path | Clusters | None,
    options: Options,
) -> Calibration:
    """Opens and checks what a calibration reads, without measuring.

    Args:
        network: See `calibrate`, as for all but ``options``.
        subnets: See above.
        images: See above.
        clusters: See above.
        options: How to calibrate.

    Raises:
        UserError: See `calibrate`.
    """
    if (images is None) == (clusters is None):
        raise OptionMissing(
            f"name the images, either with {option('images')} or with "
            f"{option('clusters')}"
        )
    if options.alone and clusters is None:
        raise OptionMissing(
            f"{option('alone')} says on which clusters: it needs {option('clusters')}"
        )
    device = pick_device(options.device)
    opened = open_network(
        network,
        source=options.source,
        trust=options.trust,
        cfg_options=options.cfg_options,
        subnets=True,
    )
    transform = opened.preprocessing
    if options.image_size is not None:
        transform = dataclasses.replace(transform, image_size=options.image_size)
    chosen = _chosen(opened, subnets)
    wanted, drawn = options.num_images, (options.batch_size, options.seed)
    sample: ImageSample | ClusterSample
    if clusters is not None:
        if not isinstance(clusters, Clusters):
            checks.path_like("clusters", clusters)
            clusters = Clusters.open(clusters)
        if options.root is not None:
            clusters = dataclasses.replace(clusters, root=str(options.root))
        count = _IMAGES_OF_A_CLUSTER if wanted is None else wanted
        sample = ClusterSample(clusters, transform, count, *drawn)
    elif images is None or isinstance(images, ImageSample):
        assert images is not None  # or clusters are
        sample = images
    else:
        count = _IMAGES if wanted is None else wanted
        root = None if options.root is None else str(options.root)
        sample = draw_images(images, transform, count, *drawn, root)
    return Calibration(opened, chosen, sample, options.alone, device)


def _chosen(
    network: Network, subnets: SubnetLike | Sequence[SubnetLike]
) -> list[Subnet]:
    backbone = network.elastic
    if subnets == "all":
        every = choose_subnets(backbone, None, True)
        chosen = [s for s in every if backbone.needs_calibration(s)]
    else:
        if isinstance(subnets, str | Subnet | Mapping):
            subnets = [subnets]
        chosen = choose_subnets(backbone, subnets, False)
    if not chosen:
        raise Uncalibrated("no sub-net of this network needs calibration")
    return chosen
