"""A small routed network, its clusters and its images, as files."""

import math
from pathlib import Path

import numpy as np
import torch

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.models.backbones import RoutedResNet
from mmtaskssl.models.elastic import ElasticBatchNorm2d
from tests._images import make_image_folder

OPTIONS = {"depth": 10, "groups": 2, "base_width": 8, "stem_kernel": 3}
CONFIG = f"""
model = dict(
    type='Anything',
    data_preprocessor=dict(view_size=16, mean=[127.5] * 3, std=[64.0] * 3),
    backbone=dict(type='mmtaskssl.RoutedResNet', **{OPTIONS!r}))
"""
TREE = (2, 2, 2, 2)


def make_net(seed: int = 0, groups: int | tuple[int, ...] = 2) -> RoutedResNet:
    """Returns a network whose norms are far from the identity."""
    torch.manual_seed(seed)
    net = RoutedResNet(**{**OPTIONS, "groups": groups}, zero_init_residual=False)
    net.init_weights()
    for module in net.modules():
        if isinstance(module, ElasticBatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.3, 0.3)
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def make_clusters(
    folder: Path, per_leaf: int = 4, broken: int = 0, tree: tuple[int, ...] = TREE
) -> Clusters:
    """Writes a class of images for each leaf, and clusters that are the classes."""
    names = [f"{i:02d}" for i in range(math.prod(tree))]
    images = make_image_folder(folder / "pool", per_leaf, names, size=18)
    ids = sorted(p.relative_to(images).as_posix() for p in images.rglob("*.png"))
    leaf = np.array([int(name[:2]) for name in ids], dtype=np.int32)
    for name in ids[:broken]:
        (images / name).write_bytes(b"no image")
    clusters = Clusters(tree, ids, str(images), leaf, make_paths(tree))
    clusters.save(folder / "clusters")
    return Clusters.open(folder / "clusters")


def write_files(folder: Path) -> tuple[str, str, RoutedResNet]:
    """Writes config.py and net.pth; returns them and the network."""
    config, checkpoint = folder / "config.py", folder / "net.pth"
    config.write_text(CONFIG)
    net = make_net()
    state = {f"backbone.{name}": value for name, value in net.state_dict().items()}
    torch.save({"state_dict": state}, checkpoint)
    return str(config), str(checkpoint), net
