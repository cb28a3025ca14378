"""Networks of masked image modelling give features of whole images."""

import copy

import pytest
import torch
from torch import nn

from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import Network, open_network
from mmtaskssl.registry import MODELS
from mmtaskssl.weights import weights_sha256

VIT = {
    "model.backbone.arch": {
        "_delete_": True,
        "embed_dims": 16,
        "num_layers": 2,
        "num_heads": 2,
        "feedforward_channels": 32,
    },
    "model.backbone.img_size": 32,
    "model.backbone.patch_size": 8,
}
MIXMIM = {
    "model.backbone.arch": {
        "_delete_": True,
        "embed_dims": 8,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 1, 1, 1],
        "num_layers": 4,
        "feedforward_channels": 16,
    },
    "model.backbone.img_size": 64,
    "model.backbone.window_size": [2, 2, 2, 2],
}
SWIN = {
    "model.backbone.arch": {
        "_delete_": True,
        "embed_dims": 8,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 1, 1, 1],
    },
    "model.backbone.img_size": 64,
    "model.backbone.stage_cfgs": {"block_cfgs": {"window_size": 2}},
}
CONFIGS = {
    "mae/mae_vit-base-p16_8xb512-coslr-400e_in1k.py": (VIT, 16),
    "pixmim/pixmim_vit-base-p16_8xb512-amp-coslr-300e_in1k.py": (VIT, 16),
    "eva/eva-mae-style_vit-base-p16_16xb256-coslr-400e_in1k.py": (VIT, 16),
    "milan/milan_vit-base-p16_16xb256-amp-coslr-400e_in1k.py": (VIT, 16),
    "maskfeat/maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k.py": (VIT, 16),
    "beit/beit_vit-base-p16_8xb256-amp-coslr-300e_in1k.py": (VIT, 16),
    "cae/cae_vit-base-p16_8xb256-amp-coslr-300e_in1k.py": (VIT, 16),
    "mixmim/mixmim-base-p16_16xb128-coslr-300e_in1k.py": (MIXMIM, 64),
    "simmim/simmim_swin-base_8xb256-amp-coslr-100e_in1k-192.py": (SWIN, 64),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_features_are_those_of_each_whole_image(name):
    options, width = CONFIGS[name]
    network = open_network(f"mmselfsup::selfsup/{name}", "random", cfg_options=options)
    extract = extractor_of(network)
    side = options["model.backbone.img_size"]
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    found = extract(images)
    assert found.shape == (4, width)
    assert found.std(0).mean() > 1e-4  # images differ
    # No mask is drawn, and no image sees another.
    assert torch.equal(extract(images), found)
    assert torch.allclose(extract(images.flip(0)).flip(0), found, atol=1e-6)
    # Every part of an image counts.
    quarter = images.clone()
    quarter[:, :, : side // 2, : side // 2] = 0
    assert (extract(quarter) - found).abs().amax(1).min() > 1e-6
    # The weights are the training's own, by name.
    assert weights_sha256(copy.deepcopy(network.backbone)) == network.weights_sha256


def test_an_algorithm_in_memory_keeps_its_mask():
    name = "mmselfsup::selfsup/mae/mae_vit-base-p16_8xb512-coslr-400e_in1k.py"
    backbone = open_network(name, "random", cfg_options=VIT).config.model.backbone
    masking = MODELS.build({**backbone, "type": "mmselfsup.MAEViT"})
    algorithm = nn.Module()
    algorithm.backbone = masking
    network = Network.of(algorithm)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert extractor_of(network)(images).shape == (2, 16)
    assert len(masking(images)) == 3  # tokens, mask, order
    assert masking.training and not network.backbone.training
