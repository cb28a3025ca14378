from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_reduce, broadcast_object_list, is_main_process
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmtaskssl.engine.feature_pass import (
    common_dim,
    features_of,
    mine,
    share_buffers,
)
from mmtaskssl.evaluation.label_free import label_free
from mmtaskssl.registry import DATASETS, HOOKS
from mmtaskssl.utils.families import BadConfigValue, TooFewImages

from .measuring import MeasuringHook


@HOOKS.register_module()
class RepresentationHook(MeasuringHook):
    """Measures the backbone in training by what needs no labels.

    On images that are held out of the training (the option ``held_out`` of a
    pre-training config holds them out, and adds this hook): of their plain views
    ``rankme``, ``alpha_req`` and ``uniformity``; of random views ``alignment`` and
    ``lidar``. These are drawn once and for all, every measurement sees the same pixels,
    by the algorithm's own recipes, or by those of MoCo v2 where its views are the
    host's affair. See `label_free` for papers and ranges.

    The features are those of kNN: pooled from the backbone's last map. Several
    processes share the batches, and the first one measures. A sub-net that shares batch
    norms gets statistics from the plain views of the same images.

    Args:
        dataset: Config of the images to measure on.
        interval: See `MeasuringHook`.
        by_epoch: See `MeasuringHook`.
        source: See `MeasuringHook`.
        subnets: See `MeasuringHook`.
        views: Random views of each image, a multiple of what the algorithm makes; 0
            measures plain ones alone.
        seed: Of the views.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    what = "representation"

    def __init__(
        self,
        dataset: dict,
        interval: int = 10,
        by_epoch: bool = True,
        source: str = "online",
        subnets: Sequence[str | int] | str | None = None,
        views: int = 4,
        seed: int = 0,
        batch_size: int = 128,
        num_workers: int = 0,
    ) -> None:
        super().__init__(interval, by_epoch, source, subnets, batch_size, num_workers)
        if views < 0 or views == 1:
            raise BadConfigValue(
                f"RepresentationHook's views are 0 or several, not {views}"
            )
        self.dataset, self.views, self.seed = dataset, views, seed

    def prepare(self, runner: Runner) -> None:
        """Builds the data set, so that a bad one shows before training.

        Args:
            runner: Ignored.

        Raises:
            UserError: Too few images.
        """
        self.data = DATASETS.build(self.dataset)
        if len(self.data) < 2:
            raise TooFewImages(
                f"RepresentationHook needs several images, not {len(self.data)}"
            )
        getattr(self.data, "full_init", lambda: None)()

    def calibration_set(self) -> Dataset:
        """Returns the images that are measured on."""
        return self.data

    def describe(self) -> str:
        """Returns the number of images."""
        return f"{len(self.data)} held-out images"

    def scores(self, network: nn.Module, preprocessor: nn.Module) -> dict[str, float]:
        """Returns what `label_free` measures.

        Args:
            network: In evaluation mode.
            preprocessor: Makes its images.
        """
        share_buffers(network)
        batches = self.feature_pass.cut(range(len(self.data)))
        features = self._features(network, preprocessor, batches)
        found = None
        if is_main_process():
            plain, views = features[:, 0], features[:, 1:]
            found = label_free(plain, views if views.shape[1] else None)
        box = [found]
        broadcast_object_list(box)
        return box[0]

    def _features(
        self, network: nn.Module, preprocessor: nn.Module, batches: list[list[int]]
    ) -> Tensor:
        """Returns (N, 1 + V, D) of all processes: the plain view's first."""
        own = mine([*enumerate(batches)])
        rows = [row for _, batch in own for row in batch]
        parts = []
        loader = self.feature_pass.loaded(self.data, [batch for _, batch in own])
        for (number, _), batch in zip(own, loader, strict=True):
            (plain,) = preprocessor(batch, training=False)["inputs"]
            made = [features_of(network, plain)]
            for view in self._random_views(preprocessor, batch, number):
                made.append(features_of(network, view))
            parts.append(torch.stack(made, 1))
        features = torch.cat(parts) if parts else None
        return _gathered(features, rows, len(self.data), preprocessor.device)

    def _random_views(
        self, preprocessor: nn.Module, batch: dict, number: int
    ) -> list[Tensor]:
        """Returns the views of a batch, which depend on its number alone."""
        views: list[Tensor] = []
        if not hasattr(preprocessor, "random_views"):
            return views
        generator = np.random.default_rng([self.seed, number])
        while len(views) < self.views:
            views += preprocessor.random_views(batch, generator)
        return views[: self.views]


def _gathered(
    features: Tensor | None, rows: list[int], count: int, device: torch.device
) -> Tensor:
    """Puts the rows of all processes together, (N, V, D); each has some of them."""
    views = common_dim(features, device)
    dim = common_dim(None if features is None else features.flatten(1), device)
    everyone = torch.zeros(count, dim, device=device)
    if features is not None:
        everyone[torch.tensor(rows, device=device)] = features.flatten(1)
    all_reduce(everyone)  # one of them has a row, all others have zeros
    return everyone.view(count, views, -1)
