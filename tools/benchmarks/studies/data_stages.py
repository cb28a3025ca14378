"""The stages of DATA's evidence, each for one supernet."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from ..evaluation.spectrum import effective_rank, embedding_std
from ..features.extractor import FeatureExtractor
from ..models.backbones import ElasticBackbone
from ..models.elastic import calibrate
from ..networks import open_network
from ..registry import MODELS
from ..search.encoders import load_encoders
from ..search.metrics import get_metrics
from ..search.scorer import MeanInterval, Scorer
from ..subnets import Subnet
from ..utils.atomic import write_json
from .data_study import CHECKPOINTS, MEASURES, METRICS, Study
from .stages import EvidenceStages
from .target import KNN, LINEAR, top1

STAGES = ("train", "curve", "truth", "score", "keys")
_METHODS = dict(zip(MEASURES, (KNN, LINEAR), strict=True))
_ROUNDS, _WARM_UP = 12, 2  # of timing


class Stages(EvidenceStages):
    """Pre-trains, measures and scores the sub-nets of one supernet after another."""

    study: Study

    def checkpoint(self, seed: int, iters: int, arm: str = "ours") -> Path:
        """Returns where a supernet's weights lie after ``iters`` iterations."""
        return self.study.seed_folder(seed, f"pretrain-{arm}", f"iter_{iters}.pth")

    def train(self, seed: int, arm: str = "ours") -> None:
        """Pre-trains a supernet by one of the loops."""
        iters = self.study.iters
        last = self.checkpoint(seed, iters, arm)
        self.steps.run(
            f"seed {seed} train {arm}",
            last,
            "train",
            *(self.study.config, "--work-dir", last.parent, "--resume"),
            options=[
                f"images={self.study.pool}",
                f"max_iters={iters}",
                f"randomness.seed={seed}",
                f"default_hooks.checkpoint.interval={iters // CHECKPOINTS}",
                "default_hooks.checkpoint.max_keep_ckpts=-1",
                f"model.per_subnet_keys={arm == 'theirs'}",
            ],
        )

    def curve(self, seed: int) -> None:
        """Measures a few sub-nets over the training."""
        for iters in self.study.points():
            self._curve_point(seed, iters)

    def _curve_point(self, seed: int, iters: int, arm: str = "ours") -> None:
        path = self.checkpoint(seed, iters, arm) if iters else None
        stage, subnets = self.study.curve_stage(iters, arm), self.study.curve_subnets()
        for target in self.study.targets:
            self._measure(seed, path, subnets, stage, target, MEASURES[:1])

    def truth(self, seed: int) -> None:
        """Measures the candidates' accuracy."""
        path = self.checkpoint(seed, self.study.iters)
        for target in self.study.targets:
            self._measure(seed, path, self.study.candidates, "truth", target)

    def score(self, seed: int) -> None:
        """Scores the candidates, and searches the handmade one's band."""
        path = self.checkpoint(seed, self.study.iters)
        subnets = [*self.study.candidates, *self.study.searched_pool]
        for target in self.study.targets:
            self._score(seed, path, subnets, target)
            best = [self.study.searched(seed, target, m) for m in METRICS]
            self._measure(seed, path, map(Subnet.parse, best), "searched", target)

    def keys(self, seed: int) -> None:
        """Trains by the authors' loop, and times both."""
        self.train(seed, "theirs")
        self._curve_point(seed, self.study.iters, "theirs")
        if not self.study.speed_file.exists():
            write_json(self.study.speed_file, self._speed())

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
        begin, data = time.monotonic(), self.target(target)
        backbone = self._load(seed, checkpoint)
        for subnet in missing:
            calibrate(backbone, subnet, data.samples["train"])
            network = FeatureExtractor(backbone.extract(subnet), subnet.name, "online")
            train, test = data.features(network)
            found = {name: top1(_METHODS[name], train, test) for name in measures}
            rows[subnet.name] = {
                "subnet": subnet.name,
                "macs": self.study.macs(subnet),
                **found,
                "effective_rank": effective_rank(test.x),
                # 1 is the spread of directions drawn at random.
                "spread": embedding_std(test.x) * test.x.shape[1] ** 0.5,
            }
            write_json(file, list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"{file}: {len(missing)} sub-nets, {spent:.0f} s")

    def _kept(
        self, seed: int, stage: str, target: str
    ) -> tuple[dict[str, dict[str, Any]], Path]:
        study = self.study
        return study.rows(seed, stage, target), study.file(seed, stage, target)

    def _load(self, seed: int, checkpoint: Path | None) -> ElasticBackbone:
        network = open_network(
            self.study.cfg, checkpoint or "random", seed=seed, subnets=True
        )
        return network.elastic

    def _score(
        self, seed: int, checkpoint: Path, subnets: Iterable[Subnet], target: str
    ) -> None:
        rows, file = self._kept(seed, "score", target)
        missing = [s for s in dict.fromkeys(subnets) if s.name not in rows]
        if not missing:
            return
        begin, sample = time.monotonic(), self.target(target).samples["train"]
        encoders = load_encoders(open_network(self.study.cfg, checkpoint, subnets=True))
        scorer = Scorer(encoders, sample, get_metrics(METRICS))
        interval = MeanInterval(len(sample.ids))
        for subnet, scores in scorer.score(missing):
            macs = self.study.macs(subnet)
            rows[subnet.name] = {"subnet": subnet.name, "macs": macs} | {
                metric: {"score": float(values.mean()), "interval": interval(values)}
                for metric, values in scores.items()
            }
        write_json(file, list(rows.values()))
        spent = time.monotonic() - begin
        self.show(f"{file}: {len(missing)} scores, {spent:.0f} s")

    def _speed(self) -> dict[str, list[float]]:
        """CPU seconds of the training step of both loops, in turns."""
        init_default_scope("mmtaskssl")
        cfg = self.study.cfg
        size = cfg.train_dataloader.dataset.store_size
        batch = cfg.train_dataloader.batch_size
        data = {"inputs": list(torch.randint(0, 255, (batch, 3, size, size)).byte())}
        arms: dict[str, Callable[[], Any]] = {}
        for arm in ("ours", "theirs"):
            model = MODELS.build({**cfg.model, "per_subnet_keys": arm == "theirs"})
            model.train().to(memory_format=torch.channels_last)
            wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
            arms[arm] = lambda m=model, w=wrapper: m.train_step(data, w)
        times: dict[str, list[float]] = {arm: [] for arm in arms}
        for number in range(_WARM_UP + _ROUNDS):
            for arm, step in arms.items():
                begin = time.process_time()
                step()
                if number >= _WARM_UP:
                    times[arm].append(time.process_time() - begin)
        return times
