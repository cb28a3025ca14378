from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.utils import checks
from mmtaskssl.utils.copies import to_device
from mmtaskssl.utils.families import BadConfigValue, TeacherMisfit

from . import opencv_views, tensor_views
from .draws import ViewDraws, draw_view, plain_view
from .images import as_block, as_list, batch_sizes
from .recipes import build_recipes, change_recipe
from .teacher_views import TeacherView, plain_colours, same_crop

# Multi-crop's small crops (arXiv 2006.09882, section 4.1: 0.05 to 0.14 there).
_LOCAL = {"crop_scale": (0.05, 0.14)}


@MODELS.register_module()
class TwoViewPreprocessor(BaseDataPreprocessor):
    """Makes augmented views, by default two, of every image, on the model's device.

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

    Teachers (`show`) see a student's crop, cut once more from the image, in their own
    size and statistics and without colour changes; their views come behind the
    student's, whose draws are the same without them.

    Args:
        preset: "mocov2", "byol" or "simsiam" (see ``RECIPES``).
        view_size: Side of the views in pixels.
        augment: Fields of ``ViewRecipe`` that differ from the preset: one dict, or one
            for each view.
        mean: Per channel (RGB), of values 0..255.
        std: Per channel (RGB), of values 0..255.
        seed: Of the views. None: the runner's seed.
        eval_crop: Side of the evaluation's centre square, as a share of the short side.
        views: How many; the preset's two take turns.
        one_crop: Whether all views have the first one's crop and flip, and differ in
            their colours alone.
        local_views: Smaller views of parts of the image, behind the whole ones
            (multi-crop, Caron et al., arXiv 2006.09882, section 3.3).
        local_size: Their side in pixels; None: three sevenths of ``view_size``, as 96
            of 224 px there.
        local_augment: Fields of ``ViewRecipe`` in which they differ from the first
            view, by default its crops' share of the area.

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
        views: int = 2,
        one_crop: bool = False,
        local_views: int = 0,
        local_size: int | None = None,
        local_augment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(non_blocking=True)
        checks.whole("views", views)
        checks.whole("view_size", view_size)
        checks.whole("local_views", local_views, 0)
        checks.whole("local_size", local_size, none=True)
        if not 0 < eval_crop <= 1:
            raise BadConfigValue(
                f"eval_crop must be in 0..1 and not 0, not {eval_crop}"
            )
        recipes = build_recipes(preset, augment)
        self.recipes = tuple(recipes[number % 2] for number in range(views))
        self.one_crop = one_crop
        self.view_size = view_size
        self.local_views = local_views
        self.local_size = local_size or max(1, round(view_size * 3 / 7))
        self.local_recipe = change_recipe(
            self.recipes[0], _LOCAL | (local_augment or {})
        )
        self.seed = seed
        self.eval_crop = eval_crop
        scale = 1 / torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
        bias = -torch.tensor(mean, dtype=torch.float32).view(3, 1, 1) * scale
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        # Its value, known without waiting for the device; None: read it.
        self._steps: int | None = None
        self._teachers: list[tuple[TeacherView, int]] = []

    def show(self, view: TeacherView, views: int = 1) -> int:
        """Adds views for a teacher to those of training.

        Args:
            view: How it wants them.
            views: Of how many of the student's views it sees the crop.

        Returns:
            How many it gets: one, if all have one crop.

        Raises:
            UserError: The student has fewer views.
        """
        if views > len(self.recipes):
            raise TeacherMisfit(
                f"{views} views are to be taught, but the data preprocessor makes "
                f"{len(self.recipes)}: set model.data_preprocessor.views"
            )
        number = len(self._teachers)
        scale, bias = view.statistics()
        self.register_buffer(f"teacher_scale{number}", scale, persistent=False)
        self.register_buffer(f"teacher_bias{number}", bias, persistent=False)
        count = 1 if self.one_crop else views
        self._teachers.append((view, count))
        return count

    def statistics(self) -> tuple[list[float], list[float]]:
        """Returns mean and std of the student's pixels, per channel, 0..255."""
        mean, std = -self.bias / self.scale, 1 / self.scale
        return mean.flatten().tolist(), std.flatten().tolist()

    @property
    def teacher_sizes(self) -> list[int]:
        """Sides of the teachers' views, in order."""
        return [view.size for view, count in self._teachers for _ in range(count)]

    @torch.no_grad()
    def forward(self, data: dict, training: bool = False) -> dict:
        """Turns a loaded batch into the model's arguments.

        Args:
            data: As ``pack_images`` or mmengine's ``pseudo_collate`` makes it from
                samples with ``inputs``, uint8 (3, H, W) of any sizes.
            training: Two random views, or one plain one.

        Returns:
            ``inputs``: list of (N, 3, S, S) float32, in training behind them the local
            views (N, 3, s, s) and last the teachers' views, each teacher's in its
            size; ``data_samples``: N
            `BaseDataElement` that carry the other keys (``sample_idx``, ``label``)
            as meta information.
        """
        sizes = batch_sizes(data)
        if training:
            generator = self._next_generator()
            draws, modes = self._draw(sizes, generator)
            recipe = self.local_recipe
            local = [
                draw_view(recipe, sizes, generator) for _ in range(self.local_views)
            ]
        else:
            local = []
            draws, modes = [plain_view(sizes, self.eval_crop)], ["bilinear"]
        images = self._images(data, sizes)
        norm = (self.scale, self.bias)
        views = self._make(images, sizes, draws, modes, self.view_size, norm)
        if local:
            same = [self.local_recipe.interpolation] * len(local)
            views += self._make(images, sizes, local, same, self.local_size, norm)
        for number, (teacher, count) in enumerate(self._teachers if training else ()):
            plain = [plain_colours(draw) for draw in draws[:count]]
            norm = tuple(
                self.get_buffer(f"teacher_{name}{number}") for name in ("scale", "bias")
            )
            shown = self._make(images, sizes, plain, modes[:count], teacher.size, norm)
            views += [x.flip(1) for x in shown] if teacher.order == "bgr" else shown
        return {"inputs": views, "data_samples": self._data_samples(data, len(sizes))}

    @torch.no_grad()
    def random_views(self, data: dict, generator: np.random.Generator) -> list[Tensor]:
        """Makes a random view of each recipe, and counts no step.

        Args:
            data: See `forward`.
            generator: Draws them.

        Returns:
            A normalised view (N, 3, S, S) for each recipe.
        """
        sizes = batch_sizes(data)
        draws, modes = self._draw(sizes, generator)
        images, norm = self._images(data, sizes), (self.scale, self.bias)
        return self._make(images, sizes, draws, modes, self.view_size, norm)

    def _draw(
        self, sizes: np.ndarray, generator: np.random.Generator
    ) -> tuple[list[ViewDraws], list[str]]:
        draws = [draw_view(recipe, sizes, generator) for recipe in self.recipes]
        if self.one_crop:
            draws = [same_crop(draw, draws[0]) for draw in draws]
        return draws, [recipe.interpolation for recipe in self.recipes]

    def _images(self, data: dict, sizes: np.ndarray) -> list[Tensor] | Tensor:
        if self.device.type == "cpu":
            return as_list(data, sizes)
        return to_device(as_block(data), self.device)

    def _make(
        self,
        images: list[Tensor] | Tensor,
        sizes: np.ndarray,
        draws: Sequence[ViewDraws],
        modes: Sequence[str],
        size: int,
        norm: tuple[Tensor, Tensor],
    ) -> list[Tensor]:
        """Returns views (N, 3, S, S) of images, which lie on the device."""
        count = len(sizes)
        out = torch.empty(len(draws) * count, 3, size, size, device=self.device)
        views = list(out.split(count))
        if self.device.type == "cpu":
            for view, draw, mode in zip(views, draws, modes, strict=True):
                opencv_views.fill_views(view, images, draw, mode, *norm)
        else:
            # Products of grey levels in half precision would be off by levels.
            with torch.autocast(self.device.type, enabled=False):
                tensor_views.fill_views(out, images, sizes, draws, modes, *norm)
        return views

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
