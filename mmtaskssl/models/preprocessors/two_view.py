from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmtaskssl.registry import MODELS

from .blur import blur
from .colour import grey_, jitter_, solarise_
from .crop import crop_resize
from .draws import ViewDraws, draw_view
from .recipes import ViewRecipe, build_recipes


@MODELS.register_module()
class TwoViewPreprocessor(BaseDataPreprocessor):
    """Makes two augmented views of every image, batched, on the model's device.

    In training, a batch of decoded images becomes
    ``dict(inputs=[view1, view2], data_samples=[...])`` with normalised float views
    (N, 3, S, S); otherwise ``inputs`` is a list of one plain view: the centre square
    of each image, resized.

    The random numbers of a step depend on ``seed``, the rank and the step alone. The
    step is a buffer, so a resumed run sees the same views as one never stopped, and
    the number of loading workers does not matter.

    Args:
        preset: "mocov2", "byol" or "simsiam" (see ``RECIPES``).
        view_size: Side of the views in pixels.
        augment: Fields of ``ViewRecipe`` that differ from the preset: one dict, or one
            for each view.
        mean: Per channel (RGB), of values 0..255.
        std: Per channel (RGB), of values 0..255.
        seed: Of the views. None: the runner's seed.
        eval_crop: Side of the evaluation's centre square, as a share of the short side.
    """

    def __init__(
        self,
        preset: str = "mocov2",
        view_size: int = 224,
        augment: dict[str, Any] | list[dict[str, Any]] | None = None,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        seed: int | None = None,
        eval_crop: float = 0.875,
    ) -> None:
        super().__init__()
        self.recipes = build_recipes(preset, augment)
        self.view_size = view_size
        self.seed = seed
        self.eval_crop = eval_crop
        # float: views are scaled to 0..1 before the colour operations
        self.register_buffer("mean", _channels(mean), persistent=False)
        self.register_buffer("std", _channels(std), persistent=False)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turns a loaded batch into the model's arguments.

        Args:
            data: ``inputs``: N uint8 tensors (3, H, W) of any sizes; every other key
                (``sample_idx``, ``label``) a list or tensor of N values.
            training: Two random views, or one plain one.

        Returns:
            ``inputs``: list of (N, 3, S, S) float32; ``data_samples``: N
            `BaseDataElement` that carry the other keys as meta information.
        """
        images = self.cast_data(list(data["inputs"]))
        sizes = torch.tensor([image.shape[1:] for image in images])
        if training:
            generator = self._generator()
            views = [
                self._augment(images, draw_view(recipe, sizes, generator), recipe)
                for recipe in self.recipes
            ]
            self.step += 1
        else:
            views = [self._plain(images, sizes)]
        return {"inputs": views, "data_samples": _data_samples(data)}

    def _generator(self) -> torch.Generator:
        seed = torch.initial_seed() if self.seed is None else self.seed
        entropy = [seed % 2**63, get_rank(), int(self.step)]
        state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(state >> 1))

    def _augment(
        self, images: Sequence[Tensor], draws: ViewDraws, recipe: ViewRecipe
    ) -> Tensor:
        pixels = crop_resize(
            images, draws.boxes, draws.flip, self.view_size, recipe.interpolation
        )
        x = pixels.float().div_(255)
        factors = draws.factors.to(x.device)
        for order in draws.order.unique().tolist():
            if order >= 0:
                rows = (draws.order == order).nonzero().flatten().to(x.device)
                x[rows] = jitter_(x[rows], factors[rows], order)
        if draws.grey.any():
            rows = draws.grey.nonzero().flatten().to(x.device)
            x[rows] = grey_(x[rows])
        if (draws.sigma > 0).any():
            rows = draws.sigma.nonzero().flatten()
            sigma = draws.sigma[rows].to(x.device)
            rows = rows.to(x.device)
            x[rows] = blur(x[rows], sigma)
        if draws.solarise.any():
            rows = draws.solarise.nonzero().flatten().to(x.device)
            x[rows] = solarise_(x[rows])
        return x.sub_(self.mean / 255).div_(self.std / 255)

    def _plain(self, images: Sequence[Tensor], sizes: Tensor) -> Tensor:
        side = (
            (sizes.amin(1, keepdim=True) * self.eval_crop).round().long().clamp_min(1)
        )
        corner = (sizes - side) // 2
        boxes = torch.cat([corner, side, side], 1)
        flip = torch.zeros(len(images), dtype=torch.bool)
        pixels = crop_resize(images, boxes, flip, self.view_size, "bilinear")
        return pixels.float().sub_(self.mean).div_(self.std)


def _channels(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)


def _data_samples(data: dict) -> list[BaseDataElement]:
    samples = [BaseDataElement() for _ in data["inputs"]]
    for key, values in data.items():
        if key != "inputs":
            for sample, value in zip(samples, values, strict=True):
                sample.set_field(value, key, field_type="metainfo")
    return samples
