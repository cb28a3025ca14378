"""A trained elastic network, as its config and checkpoint files."""

from pathlib import Path

import torch

from mmtaskssl.models.backbones import DynamicResNet

from ..test_models.test_backbones._nets import batches, randomize  # noqa: F401

CONFIG = """
space = dict(
    kind='grid',
    arch=dict(kind='resnet', block='basic'),
    stem=(8, 16),
    widths=((8, 16), (16, 32), (32, 64), (64, 128)),
    depths=((2,), (2,), (2,), (2,)))
model = dict(
    type='Anything',
    data_preprocessor=dict(view_size=32, mean=[127.5] * 3, std=[64.0] * 3),
    backbone=dict(type='mmtaskssl.DynamicResNet', space=space))
"""
STOCK = "s8-w8.16.32.64-d2.2.2.2"
OTHER = "s8-w16.16.32.64-d2.2.2.2"


def write_files(folder: Path, prepare=None) -> tuple[str, str, DynamicResNet]:
    """Writes config.py and net.pth; returns them and the network.

    Args:
        folder: Where to.
        prepare: Called with the network before it is saved.
    """
    config, checkpoint = folder / "config.py", folder / "net.pth"
    config.write_text(CONFIG)
    space: dict = {}
    exec(CONFIG, space)
    net = randomize(DynamicResNet(space["space"])).eval()
    if prepare is not None:
        prepare(net)
    state = {f"backbone.{name}": value for name, value in net.state_dict().items()}
    average = randomize(DynamicResNet(space["space"]), seed=1)
    for name, value in average.state_dict().items():
        state[f"encoder_k.module.0.{name}"] = value
    torch.save({"state_dict": state, "meta": {"epoch": 1}}, checkpoint)
    return str(config), str(checkpoint), net
