"""Features of many paths, what their beginnings have in common computed once."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence

import torch
from torch import Tensor

from ..models.backbones import ElasticResNet
from ..models.elastic import View, conv_norm, uncalibrated
from ..subnets import Subnet


class _Node:
    """A stem or a stage, and the stages behind it."""

    def __init__(self, view: View | None = None, depth: int = -1):
        self.view, self.depth = view, depth
        self.children: dict[Hashable, _Node] = {}
        self.places: list[int] = []


class SharedPaths:
    """Runs paths of a routed network depth first, each common beginning once.

    A batch goes down the tree of all paths: stem, first stages, second stages ... Two
    paths share a stage if they run the same groups up to it *and* all its norms up to
    it have the same statistics. `calibrate_paths` makes statistics that are equal
    where groups are; with those of `calibrate_paths_alone` nothing is shared, and the
    result is right all the same. Of 256 paths of a ResNet-50 at 224 px, one per pool
    image, that is 320 instead of 1,046 GMAC (export style). Only one feature map per
    stage is held at a time.

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
        self._root = _Node()
        for place, subnet in enumerate(self.subnets):
            view = backbone.view(subnet)
            if not view.ready:
                raise uncalibrated(view.name)
            node = self._root
            keys = _keys(backbone, subnet, view)
            self.stages_alone += len(keys)
            for depth, key in enumerate(keys):
                if key not in node.children:
                    node.children[key] = _Node(view, depth)
                    self.stages_run += 1
                node = node.children[key]
            node.places.append(place)

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
            part = out[:, done : done + len(images)]
            self._descend(self._root, images.to(device, non_blocking=True), part)
            done += len(images)
            if progress:
                progress(done)
        return out

    def _descend(self, node: _Node, x: Tensor, out: Tensor) -> None:
        for child in node.children.values():
            y = self._run(child, x)
            if child.places:
                out[child.places] = y.float().mean(dim=(2, 3)).to(out.device)
            self._descend(child, y, out)

    def _run(self, node: _Node, x: Tensor) -> Tensor:
        backbone, view = self.backbone, node.view
        if node.depth == 0:
            x = conv_norm(x, backbone.conv1, backbone.bn1, view.units["conv1"])
            return backbone.maxpool(backbone.relu(x))
        blocks = backbone.get_submodule(f"layer{node.depth}")
        for block in blocks[: view.depths[node.depth - 1]]:
            x = block(x, view.units)
        return x


def _keys(backbone: ElasticResNet, subnet: Subnet, view: View) -> list[Hashable]:
    """Returns what the stem and each stage compute, given those before."""
    path = subnet.path or (None,) * len(subnet.depths)
    digests = [hashlib.sha256() for _ in range(len(path) + 1)]
    for unit in view.units.values():
        first = unit.conv.split(".")[0]
        stage = int(first.removeprefix("layer")) if first.startswith("layer") else 0
        if unit.view.mean is None:  # the statistics in the norm itself
            digests[stage].update(b"own")
        else:
            for tensor in (unit.view.mean, unit.view.var):
                digests[stage].update(tensor.detach().cpu().float().numpy().tobytes())
    return [
        (group, depth, digest.digest())
        for group, depth, digest in zip(
            (None, *path), (0, *subnet.depths), digests, strict=True
        )
    ]
