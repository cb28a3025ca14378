"""Does DATA's label-free search find good sub-nets? Its claims on real images.

    data_evidence.py --data DIR --work-dir DIR [--seeds N] [--stages NAME ...]
                     [--iters N] [--targets NAME ...] [--tables-only]

DIR holds pool/images and classification/NAME/{train,test}/CLASS. Stages, in order:

train   Pre-trains a supernet for each seed on the pool, with five checkpoints.
curve   kNN of MAX, MIN and five random sub-nets at each checkpoint, and untrained.
truth   kNN and linear accuracy of sub-nets in three narrow bands of MACs and over the
        whole space, on each target.
score   The search's similarities of the same sub-nets on the targets' training images,
        without labels; and of many more in the handmade sub-net's band, of which the
        most similar ones are then measured like the others.
keys    The authors' loop, one key forward, average and queue update per sub-net,
        against ours: kNN after as many iterations, and CPU time of interleaved steps.

Every sub-net's batch norms are calibrated on the target's training images. Everything
is kept in the working directory: interrupted, it continues with the same command. The
tables are in WORK_DIR/tables.md.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmtaskssl.benchmarks.data_study import CHECKPOINTS, MEASURES, METRICS, Study, read
from mmtaskssl.benchmarks.data_tables import Tables
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.protocol import evaluate
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.export.source import build_elastic, load_source
from mmtaskssl.features.extractor import FeatureExtractor, initialize
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.atomic import write_json, write_text
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps

CONFIG = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)
TARGETS = ["signdigits", "cifar10", "imagenette", "clothing", "dtd10"]
METHODS = dict(zip(MEASURES, (knn_method(), linear_method()), strict=True))
STAGES = ["train", "curve", "truth", "score", "keys"]

Row = dict[str, Any]


class Evidence(Study):
    """The stages, each for one supernet; what is there is not made again."""

    def checkpoint(self, seed: int, iters: int, arm: str = "ours") -> Path:
        """Returns where a supernet's weights lie after ``iters`` iterations."""
        return self.out / f"seed{seed}" / f"pretrain-{arm}" / f"iter_{iters}.pth"

    def train(self, seed: int, arm: str = "ours") -> None:
        """Pre-trains a supernet by one of the loops."""
        last = self.checkpoint(seed, self.iters, arm)
        options = [
            f"images={self.pool}",
            f"max_iters={self.iters}",
            f"randomness.seed={seed}",
            f"default_hooks.checkpoint.interval={self.iters // CHECKPOINTS}",
            "default_hooks.checkpoint.max_keep_ckpts=-1",
            f"model.per_subnet_keys={arm == 'theirs'}",
        ]
        command = (self.config, "--work-dir", last.parent, "--resume")
        steps = Steps(self.out / "logs", show)
        steps.run(f"seed {seed} train {arm}", last, "train", *command, options=options)

    def curve(self, seed: int) -> None:
        """Measures a few sub-nets over the training."""
        for iters in self.points():
            self._curve_point(seed, iters)

    def _curve_point(self, seed: int, iters: int, arm: str = "ours") -> None:
        path = self.checkpoint(seed, iters, arm) if iters else None
        for target in self.targets:
            file = self.file(seed, f"curve-{arm}-{iters}", target)
            self._measure(seed, path, self.curve_subnets(), target, ["knn"], file)

    def truth(self, seed: int) -> None:
        """Measures the candidates' accuracy."""
        path = self.checkpoint(seed, self.iters)
        for target in self.targets:
            file = self.file(seed, "truth", target)
            self._measure(seed, path, self.candidates, target, MEASURES, file)

    def score(self, seed: int) -> None:
        """Scores the candidates, and searches the handmade one's band."""
        path = self.checkpoint(seed, self.iters)
        pool = self.searched_pool()
        for target in self.targets:
            rows = self._score(seed, path, [*self.candidates, *pool], target)
            drawn = [rows[s.name] for s in pool]
            best = [max(drawn, key=lambda row: row[m]["score"]) for m in METRICS]
            subnets = [Subnet.parse(row["subnet"]) for row in best]
            file = self.file(seed, "searched", target)
            self._measure(seed, path, subnets, target, MEASURES, file)

    def keys(self, seed: int) -> None:
        """Trains by the authors' loop, and times both."""
        self.train(seed, "theirs")
        self._curve_point(seed, self.iters, "theirs")
        file = self.out / "speed.json"
        if not file.exists():
            write_json(file, self._speed())

    def _measure(
        self,
        seed: int,
        checkpoint: Path | None,
        subnets: Iterable[Subnet],
        target: str,
        measures: Iterable[str],
        file: Path,
    ) -> None:
        rows = {row["subnet"]: row for row in read(file)}
        missing = [s for s in dict.fromkeys(subnets) if s.name not in rows]
        if not missing:
            return
        begin, data = time.monotonic(), self.target(target)
        backbone = self._load(seed, checkpoint)
        for subnet in missing:
            calibrate(backbone, subnet, data.samples["train"])
            network = FeatureExtractor(backbone.extract(subnet), subnet.name, "online")
            train, test = (data.features(network, split) for split in data.samples)
            found = {
                name: evaluate(METHODS[name], train, test)["metrics"]["top1"]["mean"]
                for name in measures
            }
            rows[subnet.name] = {
                "subnet": subnet.name,
                "macs": self.macs(subnet),
                **found,
                "effective_rank": effective_rank(test.x),
                # 1 is the spread of directions drawn at random.
                "spread": embedding_std(test.x) * test.x.shape[1] ** 0.5,
            }
            write_json(file, list(rows.values()))
        show(f"{file}: {len(missing)} sub-nets, {time.monotonic() - begin:.0f} s")

    def _load(self, seed: int, checkpoint: Path | None) -> ElasticBackbone:
        if checkpoint is not None:
            return load_source(self.cfg, str(self.config), str(checkpoint)).backbone
        torch.manual_seed(seed)
        backbone = build_elastic(self.cfg, str(self.config))
        initialize(backbone)
        return backbone.eval()

    def _score(
        self, seed: int, checkpoint: Path, subnets: Iterable[Subnet], target: str
    ) -> dict[str, Row]:
        file = self.file(seed, "score", target)
        rows = {row["subnet"]: row for row in read(file)}
        missing = [s for s in dict.fromkeys(subnets) if s.name not in rows]
        if not missing:
            return rows
        begin, sample = time.monotonic(), self.target(target).samples["train"]
        encoders = load_encoders(self.cfg, str(self.config), str(checkpoint))
        scorer = Scorer(encoders, sample, get_metrics(METRICS))
        interval = MeanInterval(len(sample.ids))
        for subnet, scores in scorer.score(missing):
            rows[subnet.name] = {"subnet": subnet.name, "macs": self.macs(subnet)} | {
                metric: {"score": float(values.mean()), "interval": interval(values)}
                for metric, values in scores.items()
            }
        write_json(file, list(rows.values()))
        show(f"{file}: {len(missing)} scores, {time.monotonic() - begin:.0f} s")
        return rows

    def _speed(self, rounds: int = 12) -> dict[str, list[float]]:
        """CPU seconds of the training step of both loops, in turns."""
        init_default_scope("mmtaskssl")
        size = self.cfg.train_dataloader.dataset.store_size
        batch = self.cfg.train_dataloader.batch_size
        data = {"inputs": list(torch.randint(0, 255, (batch, 3, size, size)).byte())}
        arms: dict[str, Callable[[], Any]] = {}
        for arm in ("ours", "theirs"):
            model = MODELS.build({**self.cfg.model, "per_subnet_keys": arm == "theirs"})
            model.train().to(memory_format=torch.channels_last)
            wrapper = build_optim_wrapper(model, self.cfg.optim_wrapper)
            arms[arm] = lambda m=model, w=wrapper: m.train_step(data, w)
        times: dict[str, list[float]] = {arm: [] for arm in arms}
        for number in range(rounds + 2):
            for arm, step in arms.items():
                begin = time.process_time()
                step()
                if number >= 2:
                    times[arm].append(time.process_time() - begin)
        return times


def show(text: str) -> None:
    print(text, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--work-dir", required=True, metavar="DIR")
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--targets", nargs="+", default=TARGETS, metavar="NAME")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    args = parser.parse_args(argv)
    evidence = Evidence(
        resolve_config(args.config),
        *(Path(args.data), Path(args.work_dir)),
        *(args.targets, args.seeds, args.iters),
    )
    tables = Tables(evidence)
    if not args.tables_only:
        for seed in range(args.first_seed, args.seeds):
            for stage in STAGES:
                if stage in args.stages:
                    getattr(evidence, stage)(seed)
    text = tables.tables()
    write_text(evidence.out / "tables.md", text)
    show(text)


if __name__ == "__main__":
    run_tool(main)
