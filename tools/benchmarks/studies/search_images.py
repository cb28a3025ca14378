"""The images that a panel of scores sees, and what the teacher makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmtaskssl.datasets.image_sample import ImageSample, draw_images
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.networks import open_network, preprocessing_of
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.panel import Panel
from mmtaskssl.search.scorer import Scorer
from mmtaskssl.search.scores import build_scores

from . import scores as _scores  # noqa: F401  # registers them
from .search_design import SearchDesign

METRICS = ("global", "dense")
SCORES = [
    *({"type": "EffectiveRank"}, {"type": "SpectrumDecay"}, {"type": "Uniformity"}),
    *({"type": "Alignment"}, {"type": "Lidar"}, {"type": "ViewConsistency"}),
    *({"type": "LinearCKA", "against": to} for to in ("largest", "teacher")),
    *({"type": "AffinityLikeness", "against": to} for to in ("largest", "teacher")),
    *({"type": "NeighbourOverlap"}, {"type": "ClusterAgreement"}),
    *({"type": "PseudoClasses"}, {"type": "TeacherCosine"}),
    *({"type": "TeacherRidge"}, {"type": "TeacherNeighbours"}),
]
# Views of an image; images of the pool for the proxy task, and of SEPT's selection.
_VIEWS, _POOL, _SELECTED = 2, 512, 1000
# Side of the images that views are cut from, as in training.
_STORED = 48


@dataclass(frozen=True)
class ScoredImages:
    """Images to score sub-nets on.

    Attributes:
        sample: They, cropped.
        views: Random views of them.
        teacher: (N, T) the teacher's features of them, without the pool's mean.
    """

    sample: ImageSample
    views: list[Tensor]
    teacher: Tensor


class PanelImages:
    """Makes panels of scores for one study; reads images and features once.

    Args:
        study: Says where they are. Its teacher's features have been extracted.
    """

    def __init__(self, study: SearchDesign) -> None:
        self.study = study
        self._known: dict[tuple[str, str], ScoredImages] = {}

    @cached_property
    def _store(self) -> FeatureStore:
        return FeatureStore.open(self.study.teacher)

    @cached_property
    def _mean(self) -> np.ndarray:
        return self._store.read().mean(0)

    @cached_property
    def _pool(self) -> tuple[Tensor, Tensor]:
        """Images of the pool (M, 3, S, S), and the teacher's features of them."""
        transform = preprocessing_of(self.study.cfg, None)
        sample = draw_images(str(self.study.pool), transform, _POOL, seed=1)
        return torch.cat([*sample]), self._taught(self._store, sample.ids)

    def _taught(self, store: FeatureStore, ids: Sequence[str]) -> Tensor:
        row_of = {name: row for row, name in enumerate(store.image_ids)}
        found = store.read([row_of[one] for one in ids])
        return torch.from_numpy(found - self._mean)

    def images(self, target: str, images: str) -> ScoredImages:
        """Returns a target's own images, or those that were selected for it."""
        if (target, images) not in self._known:
            self._known[target, images] = self._read(target, images)
        return self._known[target, images]

    def _read(self, target: str, images: str) -> ScoredImages:
        study = self.study
        folder, source = study.pool, study.selection(target)
        count, store = _SELECTED, self._store
        if images == "own":
            folder = source = study.target_folder(target) / "train"
            count = 10**6  # all
            store = FeatureStore.open(study.out / "features" / target)
        transform = preprocessing_of(study.cfg, None)
        sample = draw_images(str(source), transform, count, 256, root=str(folder))
        return ScoredImages(
            sample, self._views(folder, sample.ids), self._taught(store, sample.ids)
        )

    def _views(self, folder: Path, ids: Sequence[str]) -> list[Tensor]:
        """Views by the training's own recipe, the same for all sub-nets."""
        larger = replace(preprocessing_of(self.study.cfg, None), image_size=_STORED)
        pixels = [torch.from_numpy(larger.read(folder / one).copy()) for one in ids]
        batch = {"inputs": [image.permute(2, 0, 1).contiguous() for image in pixels]}
        views = MODELS.build(self.study.cfg.model.data_preprocessor)
        rng, found = np.random.default_rng(0), []
        while len(found) < _VIEWS:
            found += views.random_views(batch, rng)
        return found[:_VIEWS]

    def panel(self, config: Path, checkpoint: Path, target: str, images: str) -> Panel:
        """Returns the panel of one supernet on one set of images."""
        chosen = self.images(target, images)
        pool, taught = self._pool
        encoders = load_encoders(open_network(config, checkpoint, subnets=True), "cpu")
        return Panel(
            Scorer(encoders, chosen.sample, get_metrics([*METRICS])),
            build_scores(SCORES),
            chosen.views,
            pool,
            chosen.teacher,
            taught,
        )
