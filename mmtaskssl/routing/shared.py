"""Features of many paths, what their beginnings have in common computed once."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence

import torch
from torch import Tensor, nn

from ..models.backbones import ElasticResNet
from ..models.elastic import Unit, View, uncalibrated
from ..models.features import pooled_feature
from ..networks import cut_stages, stage_of
from ..subnets import Subnet
from ..utils.copies import to_device

Norm = tuple[nn.Module, Tensor, Tensor]


class _Node:
    """A stem or a stage, and the stages behind it."""

    def __init__(self, stage: nn.Module | None = None, norms: Sequence[Norm] = ()):
        self.stage, self.norms = stage, norms
        self.children: dict[Hashable, _Node] = {}
        self.places: list[int] = []

    def run(self, x: Tensor) -> Tensor:
        # Nodes of equal groups share the weights and differ in their statistics.
        for norm, mean, var in self.norms:
            norm.running_mean, norm.running_var = mean, var
        return self.stage(x)


class SharedPaths:
    """Runs paths of a routed network depth first, each common beginning once.

    A batch goes down the tree of all paths: stem, first stages, second stages ... Two
    paths share a stage if they run the same groups up to it *and* all its norms up to
    it have the same statistics. `calibrate_paths` makes statistics that are equal
    where groups are; with those of `calibrate_paths_alone` nothing is shared, and the
    result is right all the same. Of 256 paths of a ResNet-50 at 224 px, one per pool
    image, that is 320 instead of 1,046 GMAC (export style). Only one feature map per
    stage is held at a time.

    The weights of a stage depend on its group alone, so they are cut out of the
    network once per stage and group, not per path and batch; they are copies, of the
    size of ``groups`` paths.

    Args:
        backbone: In evaluation mode.
        subnets: Paths, and any others.

    Attributes:
        stages_run (int): Stems and stages that one batch runs.
        stages_alone (int): The same without sharing.

    Raises:
        UserError: One of them has not been calibrated.
    """

    def __init__(self, backbone: ElasticResNet, subnets: Sequence[Subnet]):
        self.backbone, self.subnets = backbone, list(subnets)
        self.stages_run = self.stages_alone = 0
        self._plain: dict[Hashable, tuple[nn.Module, dict[str, nn.Module]]] = {}
        self._root = _Node()
        for place, subnet in enumerate(self.subnets):
            view = backbone.view(subnet)
            if not view.ready:
                raise uncalibrated(view.name)
            node = self._root
            for depth, units in enumerate(_stages(view)):
                group = _group(subnet, depth)
                key = (group, _digest(units))
                self.stages_alone += 1
                if key not in node.children:
                    node.children[key] = self._make(subnet, depth, group, units)
                    self.stages_run += 1
                node = node.children[key]
            node.places.append(place)

    def _make(
        self, subnet: Subnet, depth: int, group: Hashable, units: Sequence[Unit]
    ) -> _Node:
        if (depth, group) not in self._plain:
            net = self.backbone.extract(subnet).eval()
            stage = cut_stages(net)[depth]
            norms = {unit.norm: net.get_submodule(unit.norm) for unit in units}
            self._plain[depth, group] = (stage, norms)
        stage, norms = self._plain[depth, group]
        parts = [
            (norms[unit.norm], unit.view.mean, unit.view.var)
            for unit in units
            if unit.view.mean is not None  # else its own, which nobody replaces
        ]
        return _Node(stage, parts)

    @torch.inference_mode()
    def features(
        self,
        batches: Iterable[Tensor],
        count: int,
        progress: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Returns (paths, count, D) float32 global averages of the last feature maps.

        Args:
            batches: Normalised images (N, C, H, W), ``count`` in all.
            count: Images.
            progress: Called with the number of images done.
        """
        dim = self.backbone.stage_channels(self.subnets[0])[-1]
        out = torch.empty(len(self.subnets), count, dim)
        device = next(self.backbone.parameters()).device
        done = 0
        for images in batches:
            # On the device, so that the host waits once a batch and not once a path.
            part = torch.empty(len(out), len(images), dim, device=device)
            _descend(self._root, to_device(images, device), part)
            out[:, done : done + len(images)] = part
            done += len(images)
            if progress:
                progress(done)
        return out


def _descend(node: _Node, x: Tensor, out: Tensor) -> None:
    for child in node.children.values():
        y = child.run(x)
        if child.places:
            features = pooled_feature(y)
            for place in child.places:  # indices as a list would be copied first
                out[place] = features
        _descend(child, y, out)


def _stages(view: View) -> list[list[Unit]]:
    """Returns the units of the stem and of each stage."""
    stages: list[list[Unit]] = [[] for _ in range(len(view.depths) + 1)]
    for unit in view.units.values():
        stages[stage_of(unit.conv)].append(unit)
    return stages


def _group(subnet: Subnet, depth: int) -> Hashable:
    """Returns what the weights of the stem (depth 0) or of a stage depend on.

    The largest sub-net has norms with statistics of their own, so it shares no module.
    """
    if subnet.path is None:
        return "largest"
    return subnet.path[depth - 1] if depth else None


def _digest(units: Sequence[Unit]) -> bytes:
    """Hashes the statistics of norms."""
    digest = hashlib.sha256()
    for unit in units:
        for tensor in (unit.view.mean, unit.view.var):
            if tensor is None:
                digest.update(b"own")
            else:
                digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.digest()
