"""The plain images that a network in training is measured on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmtaskssl.models.preprocessors import TwoViewPreprocessor
from mmtaskssl.networks.preprocessing import preprocessing_of


def evaluation_views(model: nn.Module, cfg: Config) -> nn.Module:
    """Returns what makes plain, normalised images of a loaded batch.

    The preprocessors of ours do so out of training; those of the hosts, which expect
    what a pipeline has made, get one of ours with their statistics, size and order of
    channels beside them.

    Args:
        model: An algorithm, not wrapped.
        cfg: Its training's.
    """
    own = model.data_preprocessor
    if isinstance(own, TwoViewPreprocessor):
        return own
    pixels = preprocessing_of(cfg)
    turned = pixels.channel_order == "bgr"
    order = slice(None, None, -1) if turned else slice(None)
    views = TwoViewPreprocessor(
        view_size=pixels.image_size, mean=pixels.mean[order], std=pixels.std[order]
    ).to(own.device)
    return _Turned(views) if turned else views


class _Turned(nn.Module):
    """Hands on images in the order blue, green, red."""

    def __init__(self, views: TwoViewPreprocessor) -> None:
        super().__init__()
        self.views = views

    @property
    def device(self) -> torch.device:
        return self.views.device

    def random_views(self, data: dict, generator: np.random.Generator) -> list[Tensor]:
        """As `TwoViewPreprocessor`'s."""
        return [view.flip(1) for view in self.views.random_views(data, generator)]

    def forward(self, data: dict, training: bool = False) -> Mapping[str, Any]:
        batch = self.views(data, training)
        return {**batch, "inputs": [view.flip(1) for view in batch["inputs"]]}
