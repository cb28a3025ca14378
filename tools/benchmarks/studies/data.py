"""The stages of DATA's evidence, each for one supernet."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from harness.clock import Clock, in_turns
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.networks import open_network
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.subnets import Subnet

from .data_design import CHECKPOINTS, MEASURES, METRICS, DataDesign
from .data_tables import tables
from .pool_study import Place
from .study import Cell
from .target import KNN, LINEAR, top1

STAGES = ("train", "curve", "truth", "score", "keys")
_METHODS = dict(zip(MEASURES, (KNN, LINEAR), strict=True))
_ROUNDS, _WARM_UP = 12, 2  # of timing


class Data(DataDesign):
    """Pre-trains, measures and scores the sub-nets of one supernet after another.

    Args:
        place: See `PoolStudy`.
        config: Of the supernet.
        iters: Length of each training.
        stages: Of `STAGES`.
        first_seed: The supernets before it are done by others.
    """

    def __init__(
        self,
        place: Place,
        config: str,
        iters: int,
        stages: Sequence[str] = STAGES,
        first_seed: int = 0,
    ) -> None:
        super().__init__(place, config, iters)
        self.chosen, self.first_seed = stages, first_seed

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for seed in range(self.first_seed, self.seeds):
            for stage in STAGES:
                if stage in self.chosen:
                    yield partial(getattr(self, stage), seed)

    def tables(self) -> str:
        """See `Study`."""
        return tables(self)

    def train(self, seed: int, arm: str = "ours") -> None:
        """Pre-trains a supernet by one of the loops."""
        self.pretrain(
            seed,
            arm,
            options=[
                f"default_hooks.checkpoint.interval={self.iters // CHECKPOINTS}",
                "default_hooks.checkpoint.max_keep_ckpts=-1",
                f"model.per_subnet_keys={arm == 'theirs'}",
            ],
        )

    def curve(self, seed: int) -> None:
        """Measures a few sub-nets over the training."""
        for iters in self.points():
            self._curve_point(seed, iters)

    def _curve_point(self, seed: int, iters: int, arm: str = "ours") -> None:
        path = self.checkpoint(seed, arm, iters) if iters else None
        stage, subnets = self.curve_stage(iters, arm), self.curve_subnets()
        for target in self.targets:
            self._measure(seed, path, subnets, stage, target, MEASURES[:1])

    def truth(self, seed: int) -> None:
        """Measures the candidates' accuracy."""
        path = self.checkpoint(seed, "ours")
        for target in self.targets:
            self._measure(seed, path, self.candidates, "truth", target)

    def score(self, seed: int) -> None:
        """Scores the candidates, and searches the handmade one's band."""
        path = self.checkpoint(seed, "ours")
        subnets = [*self.candidates, *self.searched_pool]
        for target in self.targets:
            self._score(seed, path, subnets, target)
            best = [self.searched(seed, target, m) for m in METRICS]
            self._measure(seed, path, map(Subnet.parse, best), "searched", target)

    def keys(self, seed: int) -> None:
        """Trains by the authors' loop, and times both."""
        self.train(seed, "theirs")
        self._curve_point(seed, self.iters, "theirs")
        self.kept(self.speed_file, "time of both loops", self._speed)

    def _measure(
        self,
        seed: int,
        checkpoint: Path | None,
        subnets: Iterable[Subnet],
        stage: str,
        target: str,
        measures: Iterable[str] = MEASURES,
    ) -> None:
        rows, file = self._kept(seed, stage, target)
        missing = [s for s in dict.fromkeys(subnets) if s.name not in rows]
        if not missing:
            return
        begin, data = time.monotonic(), self.images(target)
        backbone = self._load(seed, checkpoint)
        for subnet in missing:
            calibrate(backbone, subnet, data.samples["train"])
            network = FeatureExtractor(backbone.extract(subnet), subnet.name, "online")
            train, test = data.features(network)
            found = {name: top1(_METHODS[name], train, test) for name in measures}
            rows[subnet.name] = {
                "subnet": subnet.name,
                "macs": self.macs(subnet),
                **found,
                "effective_rank": effective_rank(test.x),
                # 1 is the spread of directions drawn at random.
                "spread": embedding_std(test.x) * test.x.shape[1] ** 0.5,
            }
            self.keep(file, list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"{file}: {len(missing)} sub-nets, {spent:.0f} s")

    def _kept(
        self, seed: int, stage: str, target: str
    ) -> tuple[dict[str, dict[str, Any]], Path]:
        return self.rows(seed, stage, target), self.file(seed, stage, target)

    def _load(self, seed: int, checkpoint: Path | None) -> ElasticBackbone:
        weights = checkpoint or "random"
        return open_network(self.cfg, weights, seed=seed, subnets=True).elastic

    def _score(
        self, seed: int, checkpoint: Path, subnets: Iterable[Subnet], target: str
    ) -> None:
        rows, file = self._kept(seed, "score", target)
        missing = [s for s in dict.fromkeys(subnets) if s.name not in rows]
        if not missing:
            return
        begin, sample = time.monotonic(), self.images(target).samples["train"]
        encoders = load_encoders(open_network(self.cfg, checkpoint, subnets=True))
        scorer = Scorer(encoders, sample, get_metrics(METRICS))
        interval = MeanInterval(len(sample.ids))
        for subnet, scores in scorer.score(missing):
            macs = self.macs(subnet)
            rows[subnet.name] = {"subnet": subnet.name, "macs": macs} | {
                metric: {"score": float(values.mean()), "interval": interval(values)}
                for metric, values in scores.items()
            }
        self.keep(file, list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"{file}: {len(missing)} scores, {spent:.0f} s")

    def _speed(self) -> dict[str, list[float]]:
        """CPU seconds of the training step of both loops, in turns."""
        init_default_scope("mmtaskssl")
        cfg = self.cfg
        size = cfg.train_dataloader.dataset.store_size
        batch = cfg.train_dataloader.batch_size
        data = {"inputs": list(torch.randint(0, 255, (batch, 3, size, size)).byte())}
        arms: dict[str, Callable[[], Any]] = {}
        for arm in ("ours", "theirs"):
            model = MODELS.build({**cfg.model, "per_subnet_keys": arm == "theirs"})
            model.train().to(memory_format=torch.channels_last)
            wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
            arms[arm] = lambda m=model, w=wrapper: m.train_step(data, w)
        return in_turns(arms, _ROUNDS, Clock(), _WARM_UP)
