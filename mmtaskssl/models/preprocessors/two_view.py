from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.copies import to_device
from mmtaskssl.utils.errors import UserError

from . import opencv_views, tensor_views
from .draws import draw_view, plain_view
from .images import as_block, as_list, batch_sizes
from .recipes import build_recipes


@MODELS.register_module()
class TwoViewPreprocessor(BaseDataPreprocessor):
    """Makes two augmented views of every image of a batch, on the model's device.

    In training, a batch of decoded images becomes
    ``dict(inputs=[view1, view2], data_samples=[...])`` with normalised float views
    (N, 3, S, S); otherwise ``inputs`` is a list of one plain view: the centre square
    of each image, resized.

    Both ways to make views take the same parameters, drawn per sample, and agree to a
    few grey levels: ``tensor_views`` works on whole batches on accelerators,
    ``opencv_views`` image by image on the CPU, where that is the faster one.

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

    Raises:
        UserError: An unknown preset or augmentation, or a value out of range.
    """

    _sample_type = BaseDataElement
    _not_meta = ("inputs", "sizes")

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
        super().__init__(non_blocking=True)
        if view_size < 1:
            raise UserError(f"view_size must be positive, not {view_size}")
        if not 0 < eval_crop <= 1:
            raise UserError(f"eval_crop must be in 0..1 and not 0, not {eval_crop}")
        self.recipes = build_recipes(preset, augment)
        self.view_size = view_size
        self.seed = seed
        self.eval_crop = eval_crop
        scale = 1 / torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
        bias = -torch.tensor(mean, dtype=torch.float32).view(3, 1, 1) * scale
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        # Its value, known without waiting for the device; None: read it.
        self._steps: int | None = None

    @torch.no_grad()
    def forward(self, data: dict, training: bool = False) -> dict:
        """Turns a loaded batch into the model's arguments.

        Args:
            data: As ``pack_images`` or mmengine's ``pseudo_collate`` makes it from
                samples with ``inputs``, uint8 (3, H, W) of any sizes.
            training: Two random views, or one plain one.

        Returns:
            ``inputs``: list of (N, 3, S, S) float32; ``data_samples``: N
            `BaseDataElement` that carry the other keys (``sample_idx``, ``label``)
            as meta information.
        """
        sizes = batch_sizes(data)
        if training:
            generator = self._next_generator()
            draws = [draw_view(recipe, sizes, generator) for recipe in self.recipes]
            modes = [recipe.interpolation for recipe in self.recipes]
        else:
            draws, modes = [plain_view(sizes, self.eval_crop)], ["bilinear"]
        count = len(sizes)
        shape = (len(draws) * count, 3, self.view_size, self.view_size)
        out = torch.empty(shape, device=self.device)
        views = list(out.split(count))
        norm = (self.scale, self.bias)
        if self.device.type == "cpu":
            images = as_list(data, sizes)
            for view, draw, mode in zip(views, draws, modes, strict=True):
                opencv_views.fill_views(view, images, draw, mode, *norm)
        else:
            pixels = to_device(as_block(data), self.device)
            # Products of grey levels in half precision would be off by levels.
            with torch.autocast(self.device.type, enabled=False):
                tensor_views.fill_views(out, pixels, sizes, draws, modes, *norm)
        return {"inputs": views, "data_samples": self._data_samples(data, count)}

    def _next_generator(self) -> np.random.Generator:
        if self._steps is None:
            self._steps = int(self.step)
        seed = torch.initial_seed() if self.seed is None else self.seed
        generator = np.random.default_rng([seed % 2**63, get_rank(), self._steps])
        self._steps += 1
        self.step.fill_(self._steps)
        return generator

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._steps = None

    def _data_samples(self, data: dict, count: int) -> list[BaseDataElement]:
        samples = [self._sample_type() for _ in range(count)]
        for key, values in data.items():
            if key in self._not_meta:
                continue
            if isinstance(values, Tensor):
                values = values.tolist() if values.dim() == 1 else values.unbind()
            for sample, value in zip(samples, values, strict=True):
                sample.set_field(value, key, field_type="metainfo")
        return samples
