"""Builds and runs the models of transfer configs."""

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS, init_default_scope

from mmtaskssl.config import load_config


def load(name, **options):
    return load_config(f"transfer/{name}", options)


def build(cfg):
    """Builds a config's model with its initial weights."""
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def loss_of(model, cfg):
    """Returns the losses of one batch of the generated images of ``cfg``."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), True)
    losses = model.train()(**batch, mode="loss")
    total, _ = model.parse_losses(losses)
    return total


def exported(folder):
    return torch.load(folder / "weights.pth", weights_only=True)


def assert_equal(module, weights):
    own = module.state_dict()
    assert own.keys() == weights.keys()
    assert all(torch.equal(own[key], weights[key]) for key in own)
