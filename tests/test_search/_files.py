"""A small supernet with an averaged copy, as its config and checkpoint files."""

from copy import deepcopy
from pathlib import Path

import torch

from mmtaskssl.config import load_config
from mmtaskssl.registry import MODELS

from .._images import make_image_folder
from ..test_models.test_backbones._nets import randomize

CONFIG = """
space = dict(
    kind='grid',
    arch=dict(kind='resnet', block='basic', stem_kernel=3),
    stem=(4, 8),
    widths=((4, 8), (8, 12), (8, 16)),
    depths=((1, 2), (1,), (1, 2)),
    anchors=dict(HAND='s8-w4.8.16-d1.1.1'))
model = dict(
    type='Anything',
    data_preprocessor=dict(view_size=16, mean=[127.5] * 3, std=[64.0] * 3),
    backbone=dict(
        type='mmtaskssl.DynamicResNet', space=space, strides=(1, 2, 2),
        dilations=(1, 1, 1), out_indices=(2,)),
    neck=dict(
        type='mmtaskssl.ElasticNonLinearNeck', in_channels=16, hid_channels=12,
        out_channels=8))
"""
MIDDLE = "s8-w8.8.16-d1.1.2"


def write_files(folder: Path, seed: int = 0, name: str = "net.pth") -> tuple[str, str]:
    """Writes config.py and a checkpoint; returns their names."""
    config, checkpoint = folder / "config.py", folder / name
    config.write_text(CONFIG)
    cfg = load_config(str(config))
    backbone = randomize(MODELS.build(cfg.model.backbone), seed)
    neck = randomize(MODELS.build(cfg.model.neck), seed + 1)
    state = {}
    average = deepcopy(torch.nn.ModuleList([backbone, neck]))
    generator = torch.Generator().manual_seed(seed)
    for prefixes, (body, projector) in (
        (("encoder_k.module.0.", "encoder_k.module.1."), average),
        (("backbone.", "neck."), (backbone, neck)),
    ):
        for parameter in (*body.parameters(), *projector.parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.data += 0.05 * parameter.std(correction=0).detach() * noise
        for prefix, module in zip(prefixes, (body, projector), strict=True):
            state |= {prefix + k: v for k, v in module.state_dict().items()}
    torch.save({"state_dict": state, "meta": {}}, checkpoint)
    return str(config), str(checkpoint)


def write_images(folder: Path, count: int = 24) -> str:
    """Writes a folder of unlabelled images."""
    return str(make_image_folder(folder / "images", count, classes=(), size=24))
