"""The stages of the evidence of a search that ranks, each resumable by sub-net."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.splits import stratified_folds
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.networks import open_network
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.atomic import write_text

from .pool_study import Place
from .search_averaged import IMAGES as AVERAGED_ON
from .search_averaged import AveragedDesign
from .search_choice import Found, best_of, chosen_scores, images_of, scores_of
from .search_dense import DenseDesign
from .search_design import ARMS, AVERAGED, CONFIG, IMAGES, MEASURES
from .search_images import PanelImages
from .search_tables import gates, tables
from .study import Cell
from .target import KNN, LINEAR
from .zero_cost import naswot

_ONCE = ("zero", "alone", "dense", "arms", "mean")
STAGES = ("prepare", "train", "truth", "score", *_ONCE, "gain")
#: Parts of the test images, for split halves.
FOLDS = 10
_METHODS = dict(zip(MEASURES, (KNN, LINEAR), strict=True))
# Images that an untrained network is judged on.
_ZERO_IMAGES = 128
_RESAMPLES = 300


class SearchStudy(DenseDesign, AveragedDesign):
    """Distils supernets and single nets, measures and scores sub-nets.

    Args:
        place: See `SearchDesign`, as for ``weights``, ``iters``, ``nets``, ``budget``.
        weights: See above.
        iters: See above.
        nets: See above.
        budget: See above.
        stages: Of `STAGES`.
        first_seed: The supernets before it are done by others.
        config: See above.
        images: Of `IMAGES`, what scores are computed on.
    """

    def __init__(
        self,
        place: Place,
        weights: str | Path,
        iters: int = 2400,
        nets: int = 40,
        budget: int = 1000,
        stages: Sequence[str] = STAGES,
        first_seed: int = 0,
        config: str = CONFIG,
        images: Sequence[str] = IMAGES,
    ) -> None:
        super().__init__(place, weights, iters, nets, budget, config)
        self.chosen_stages, self.first_seed = stages, first_seed
        self.scored_images = images
        self.panels = PanelImages(self)

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        if "prepare" in self.chosen_stages:
            yield self.prepare
        seeds = range(self.first_seed, self.seeds)
        for stage in ("train", "truth"):
            if stage in self.chosen_stages:
                yield from (partial(getattr(self, stage), seed) for seed in seeds)
        if "score" in self.chosen_stages:
            yield self.gate
            yield from (partial(self.score, seed) for seed in seeds)
        for stage in _ONCE:
            if stage in self.chosen_stages and self.first_seed == 0:
                yield from getattr(self, stage)()
        if "gain" in self.chosen_stages:
            yield from (partial(self.gain, seed) for seed in seeds)

    def tables(self) -> str:
        """See `Study`; written, too, with the intervals that interim ones lack."""
        text = tables(self, _RESAMPLES)
        write_text(self.out / "tables.md", text)
        return text

    def write_tables(self) -> None:
        """Writes ``tables.md`` without intervals, which take longer than a cell."""
        write_text(self.out / "tables.md", tables(self, 0))

    def prepare(self) -> None:
        """Extracts the teacher's features, and selects each target's images."""
        for target in self.targets:
            self.select(target)

    def train(self, seed: int) -> Path:
        """Distils a supernet; returns its checkpoint."""
        return self._train(seed, "supernet", {})

    def supernet(self) -> Path:
        """See `DenseDesign`."""
        return self.train(0)

    def _train(self, seed: int, name: str, model: Mapping[str, Any]) -> Path:
        return self.pretrain(
            *(seed, name, "--teacher", self.teacher), config=self.training(name, model)
        )

    def truth(self, seed: int) -> None:
        """Measures the accuracies of the supernet's sub-nets."""
        for target in self.targets:
            self._truth(seed, target, self.names)

    def _truth(self, seed: int, target: str, names: Sequence[str]) -> None:
        def load() -> ElasticBackbone:
            config = self.training("supernet", {})
            return open_network(config, self.train(seed), subnets=True).elastic

        self._measure(seed, "truth", target, names, load)

    def gate(self) -> None:
        """Shows, before anything is ranked, whether there is an order to find."""
        self.show(gates([Found(self, measure) for measure in MEASURES]))

    def score(self, seed: int) -> None:
        """Computes the scores of the supernet's sub-nets."""
        for target in self.targets:
            for images in self.scored_images:
                self._score(seed, target, images, self.names)

    def zero(self) -> Iterator[Cell]:
        """Yields the scores of untrained sub-nets."""
        for target in self.targets:
            yield partial(self._zero, target)

    def alone(self) -> Iterator[Cell]:
        """Yields a training, and the accuracies, of each net by itself."""
        for subnet in self.alone_nets:
            model = self.alone_model(subnet)
            yield partial(self._trained, "alone", f"alone-{subnet}", model, [subnet])

    def arms(self) -> Iterator[Cell]:
        """Yields a training with each fairness switch, and its sub-nets' accuracies."""
        for arm, model in ARMS.items():
            name = f"arm-{arm}"
            yield partial(self._trained, name, name, model, self.alone_nets)

    def mean(self) -> Iterator[Cell]:
        """Yields the scores of the first supernet's averaged weights."""
        for target in self.targets:
            yield partial(self._score, 0, target, AVERAGED_ON, self.names, True)

    def _trained(
        self, stage: str, name: str, model: Mapping[str, Any], subnets: Sequence[Subnet]
    ) -> None:
        """Trains with changes of the model, and measures, with the first seed."""

        def load() -> ElasticBackbone:
            checkpoint = self._train(0, name, model)
            config = self.training(name, model)
            return open_network(config, checkpoint, subnets=True).elastic

        for target in self.targets:
            self._measure(0, stage, target, [s.name for s in subnets], load)

    def gain(self, seed: int) -> None:
        """Searches R18's band by the scores that the other targets choose.

        Of targets that pass the gate: on others no choice can be told from another.
        """
        pool = [subnet.name for subnet in self.searched_pool]
        known = [Found(self, measure) for measure in MEASURES]
        gated = {target for one in known for target in one.gated}
        for target in (t for t in self.targets if t in gated):
            found = set()
            for score in chosen_scores(known, target):
                for images in images_of(score):
                    self._score(seed, target, images, pool)
                values = scores_of(self, seed, target, score, pool)
                found.add(best_of(values, pool))
            self._truth(seed, target, sorted(found))

    def _measure(
        self,
        seed: int,
        stage: str,
        target: str,
        names: Sequence[str],
        load: Callable[[], ElasticBackbone],
    ) -> None:
        """Adds the accuracies of sub-nets to a file, each as soon as it is found."""
        missing = self.lacking(seed, stage, target, names)
        if not missing:
            return
        backbone, data = load(), self.images(target)
        begin, rows = time.monotonic(), self.rows(seed, stage, target)
        for name in missing:
            subnet = Subnet.parse(name)
            calibrate(backbone, subnet, data.samples["train"])
            network = FeatureExtractor(backbone.extract(subnet), name, "online")
            rows[name] = {"subnet": name, **accuracies(*data.features(network))}
            self.keep(self.file(seed, stage, target), list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"seed {seed} {stage} {target}: {len(missing)} nets, {spent:.0f} s")

    def _score(
        self,
        seed: int,
        target: str,
        images: str,
        names: Sequence[str],
        averaged: bool = False,
    ) -> None:
        """Adds the scores of sub-nets to a file, each as soon as it is found."""
        stage = AVERAGED if averaged else f"score-{images}"
        missing = self.lacking(seed, stage, target, names)
        if not missing:
            return
        config = self.training("supernet", {})
        checkpoint = self.averaged() if averaged else self.train(seed)
        begin, rows = time.monotonic(), self.rows(seed, stage, target)
        panel = self.panels.panel(config, checkpoint, target, images)
        for subnet, found in panel.score([*map(Subnet.parse, missing)]):
            # JSON has no NaN, which a spectrum of two values gives.
            values = {k: v if math.isfinite(v) else None for k, v in found.items()}
            rows[subnet.name] = {"subnet": subnet.name, **values}
            self.keep(self.file(seed, stage, target), list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"seed {seed} {stage} {target}: {len(missing)} nets, {spent:.0f} s")

    def _zero(self, target: str) -> None:
        missing = self.lacking(0, "zero", target, self.names)
        if not missing:
            return
        rows = self.rows(0, "zero", target)
        backbone = open_network(self.cfg, "random", seed=0, subnets=True).elastic
        sample = self.images(target).samples["train"]
        images = torch.cat([*sample])[:_ZERO_IMAGES]
        for name in missing:
            plain = backbone.extract(Subnet.parse(name), uncalibrated_ok=True)
            rows[name] = {"subnet": name, "naswot": naswot(plain, images)}
        self.keep(self.file(0, "zero", target), list(rows.values()))


def accuracies(train: LabeledFeatures, test: LabeledFeatures) -> dict[str, Any]:
    """Returns top-1 in per cent by each classifier, and of parts of the test images.

    Args:
        train: What they learn from.
        test: What they are tried on.

    Returns:
        By `MEASURES`, and ``NAME_folds``: of each of ten parts with nearly equal shares
        of the classes, the same for all networks.
    """
    folds, found = stratified_folds(test.y, FOLDS, seed=0), {}
    for name, method in _METHODS.items():
        scores, _ = method(train, test, 0)
        right = (scores.argmax(1) == test.y).double()
        found[name] = 100 * right.mean().item()
        parts = [round(100 * right[fold].mean().item(), 4) for fold in folds]
        found[f"{name}_folds"] = parts
    return found
