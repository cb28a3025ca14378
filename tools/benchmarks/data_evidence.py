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
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import Tensor

from mmtaskssl.datasets.images import list_images
from mmtaskssl.engine.config import load_config
from mmtaskssl.evaluation import rank_statistics as ranks
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.protocol import evaluate
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.export.calibrate import ImageSample, config_transform
from mmtaskssl.export.source import build_elastic, load_source
from mmtaskssl.features.extractor import FeatureExtractor, initialize
from mmtaskssl.features.transform import EvalTransform
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.search.strategies import draw
from mmtaskssl.subnets import Subnet, cost
from mmtaskssl.utils.atomic import write_json, write_text
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps

CONFIG = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)
TARGETS = ["signdigits", "cifar10", "imagenette", "clothing", "dtd10"]
HANDMADE = "R18"
METRICS = ["global", "dense"]
MEASURES = {"knn": knn_method(), "linear": linear_method()}
CHECKPOINTS = 5
# Sub-nets of the curve, of each band, and drawn over the whole space.
CURVE, BAND, SPREAD = 5, 10, 6
# Half the width of a band, as a share of its middle.
NARROW = 0.05
SEARCHED = 200
STAGES = ["train", "curve", "truth", "score", "keys"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """A labelled image set, cropped.

    Attributes:
        samples: Training and test images.
        labels: (N,) class indices of each.
        class_names: The classes.
    """

    samples: dict[str, ImageSample]
    labels: dict[str, Tensor]
    class_names: list[str]

    @classmethod
    def read(cls, folder: Path, transform: EvalTransform) -> "Target":
        """Reads ``folder/{train,test}/CLASS/IMAGE``."""
        samples, folders = {}, {}
        for split in ("train", "test"):
            root, ids = list_images(str(folder / split))
            pixels = [torch.from_numpy(transform.read(root / i).copy()) for i in ids]
            samples[split] = ImageSample(torch.stack(pixels), ids, transform, 128)
            folders[split] = [image_id.split("/")[0] for image_id in ids]
        names = sorted(set(folders["train"]))
        labels = {k: torch.tensor([*map(names.index, v)]) for k, v in folders.items()}
        return cls(samples, labels, names)

    @torch.inference_mode()
    def features(self, network: torch.nn.Module, split: str) -> LabeledFeatures:
        """Returns the features of a split."""
        x = torch.cat([network(images) for images in self.samples[split]])
        return LabeledFeatures(x, self.labels[split], self.class_names)


class Evidence:
    """The stages, and the tables of their results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.config = resolve_config(args.config)
        self.cfg = load_config(str(self.config))
        self.data, self.out = Path(args.data), Path(args.work_dir)
        self.targets, self.seeds, self.iters = args.targets, args.seeds, args.iters
        self.pool = self.data / "pool" / "images"
        for folder in (self.pool, *map(self._folder, self.targets)):
            if not folder.is_dir():
                raise UserError(f"{folder} does not exist: --data names another folder")
        self.steps = Steps(self.out / "logs", show)
        self.transform = config_transform(self.cfg, None)
        self._read: dict[str, Target] = {}

    def _folder(self, target: str) -> Path:
        return self.data / "classification" / target

    def target(self, name: str) -> Target:
        """Reads a target, once."""
        if name not in self._read:
            self._read[name] = Target.read(self._folder(name), self.transform)
        return self._read[name]

    @cached_property
    def backbone(self) -> ElasticBackbone:
        """A network without weights, for its space and costs."""
        return build_elastic(self.cfg, str(self.config))

    def macs(self, subnet: Subnet) -> int:
        """Returns the MACs of a sub-net at the targets' size."""
        return cost(self.backbone.arch, subnet, self.transform.image_size).macs

    # The sub-nets

    def curve_subnets(self) -> list[Subnet]:
        """Returns MAX, MIN and random ones."""
        space = self.backbone.space
        return [space.max, space.min, *space.sample_distinct(CURVE, 0)]

    @cached_property
    def bands(self) -> dict[str, Callable[[Subnet], bool]]:
        """Three narrow bands of MACs; the last is the handmade sub-net's."""
        space = self.backbone.space
        handmade = self.macs(space.resolve(HANDMADE))
        some = sorted(self.macs(space.sample(seed)) for seed in range(500))
        middles = [some[100], some[250], handmade]

        def around(middle: float) -> Callable[[Subnet], bool]:
            return lambda s: abs(self.macs(s) - middle) <= NARROW * middle

        return {f"{middle / 1e6:.1f} M": around(middle) for middle in middles}

    @cached_property
    def candidates(self) -> dict[Subnet, str]:
        """The measured sub-nets, and the band of each, or ``-``."""
        space = self.backbone.space
        found = {space.resolve(HANDMADE): [*self.bands][-1]}
        for name, inside in self.bands.items():
            found |= dict.fromkeys(draw(space, inside, BAND, 0), name)
        others = [space.max, space.min, *space.sample_distinct(SPREAD, 1)]
        return found | {s: "-" for s in others if s not in found}

    # The stages

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
        self.steps.run(
            f"seed {seed} train {arm}", last, "train", *command, options=options
        )

    def curve(self, seed: int) -> None:
        """Measures a few sub-nets over the training."""
        for place in range(CHECKPOINTS + 1):
            iters = place * self.iters // CHECKPOINTS
            self._curve_point(seed, iters)

    def _curve_point(self, seed: int, iters: int, arm: str = "ours") -> None:
        path = self.checkpoint(seed, iters, arm) if iters else None
        for target in self.targets:
            file = self._file(seed, f"curve-{arm}-{iters}", target)
            self._measure(seed, path, self.curve_subnets(), target, ["knn"], file)

    def truth(self, seed: int) -> None:
        """Measures the candidates' accuracy."""
        path = self.checkpoint(seed, self.iters)
        for target in self.targets:
            file = self._file(seed, "truth", target)
            self._measure(seed, path, self.candidates, target, MEASURES, file)

    def score(self, seed: int) -> None:
        """Scores the candidates, and searches the handmade one's band."""
        path = self.checkpoint(seed, self.iters)
        band = [*self.bands.values()][-1]
        pool = draw(self.backbone.space, band, SEARCHED, 2)
        for target in self.targets:
            rows = self._score(seed, path, [*self.candidates, *pool], target)
            drawn = [rows[s.name] for s in pool]
            best = [max(drawn, key=lambda row: row[m]["score"]) for m in METRICS]
            subnets = [Subnet.parse(row["subnet"]) for row in best]
            file = self._file(seed, "searched", target)
            self._measure(seed, path, subnets, target, MEASURES, file)

    def keys(self, seed: int) -> None:
        """Trains by the authors' loop, and times both."""
        self.train(seed, "theirs")
        self._curve_point(seed, self.iters, "theirs")
        file = self.out / "speed.json"
        if not file.exists():
            write_json(file, self._speed())

    # Their parts

    def _file(self, seed: int, stage: str, target: str) -> Path:
        return self.out / f"seed{seed}" / stage / f"{target}.json"

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
                name: evaluate(MEASURES[name], train, test)["metrics"]["top1"]["mean"]
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
        file = self._file(seed, "score", target)
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

    # The tables

    def tables(self) -> str:
        """Returns what there are results for, as markdown."""
        parts = [self._curve_table(), self._rank_table(), self._best_table()]
        return "\n\n".join(part for part in [*parts, self._keys_table()] if part) + "\n"

    def _seeds_with(self, stage: str) -> list[int]:
        return [
            seed
            for seed in range(self.seeds)
            if all(self._file(seed, stage, target).exists() for target in self.targets)
        ]

    def _column(self, seed: int, stage: str, target: str, key: str) -> dict[str, float]:
        return {r["subnet"]: r[key] for r in read(self._file(seed, stage, target))}

    def _curve_table(self) -> str:
        points = [place * self.iters // CHECKPOINTS for place in range(CHECKPOINTS + 1)]
        seeds = self._seeds_with(f"curve-ours-{self.iters}")
        if not seeds:
            return ""
        space = self.backbone.space
        lines = [
            f"kNN top-1 (%) over the training, mean of {', '.join(self.targets)}; "
            f"{spread_note(seeds)}. Last columns: the features' effective rank and "
            "spread (1: as of random directions) at the end.",
            "",
            table_row(["sub-net", "M MACs", *map(str, points), "rank", "spread"]),
            table_row(["---"] * (len(points) + 4)),
        ]
        for subnet in self.curve_subnets():

            def values(stage: str, key: str, name: str = subnet.name) -> list[float]:
                return [
                    statistics.fmean(
                        self._column(seed, stage, target, key)[name]
                        for target in self.targets
                    )
                    for seed in seeds
                ]

            last = f"curve-ours-{self.iters}"
            cells = [spread(values(f"curve-ours-{point}", "knn")) for point in points]
            name = space.name_of(subnet) or subnet.name
            extra = [spread(values(last, "effective_rank"))]
            extra.append(spread(values(last, "spread"), 2))
            macs = f"{self.macs(subnet) / 1e6:.1f}"
            lines.append(table_row([name, macs, *cells, *extra]))
        return "\n".join(lines)

    def _rank_table(self) -> str:
        seeds = [s for s in self._seeds_with("truth") if s in self._seeds_with("score")]
        if not seeds:
            return ""
        names = [s.name for s in self.candidates]
        bands = [*self.candidates.values()]
        macs = np.array([self.macs(s) for s in self.candidates], dtype=float)
        lines = [
            f"How a predictor ranks {len(names)} sub-nets by accuracy; predictor and "
            f"accuracy are means of {len(seeds)} supernet(s), in brackets the 95 % "
            "bootstrap interval over sub-nets. In bands: mean within "
            f"{len(self.bands)} bands of +-{100 * NARROW:.0f} % MACs. Partial: MACs "
            "discounted. p: share of shuffled predictors that do as well in the bands. "
            "Rivals without labels: MACs, and the effective rank of the target's "
            "features. Other supernet: how one supernet's accuracies rank another's, "
            "which is what a perfect predictor could reach.",
            "",
            table_row(
                [
                    *("target", "accuracy", "predictor", "Spearman", "Kendall"),
                    *("Spearman in bands", "Kendall in bands", "partial", "p"),
                ]
            ),
            table_row(["---"] * 9),
        ]
        inside = [place for place, band in enumerate(bands) if band != "-"]
        labels = [bands[place] for place in inside]
        for target in [*self.targets, "mean"]:
            on = self.targets if target == "mean" else [target]
            for measure in MEASURES:
                truth = self._mean(seeds, "truth", on, measure, names)
                predictors = {
                    metric: self._mean(seeds, "score", on, metric, names)
                    for metric in METRICS
                }
                predictors["MACs"] = macs
                predictors["rank"] = self._mean(
                    seeds, "truth", on, "effective_rank", names
                )
                for name, x in predictors.items():
                    cells = correlations(x, truth, macs, inside, labels)
                    if name == "MACs":
                        cells[-2] = ""
                    lines.append(table_row([target, measure, name, *cells]))
                truths = [self._mean([s], "truth", on, measure, names) for s in seeds]
                if len(seeds) > 1:
                    cells = agreement(truths, macs, inside, labels)
                    lines.append(table_row([target, measure, "other supernet", *cells]))
        return "\n".join(lines)

    def _mean(
        self,
        seeds: Sequence[int],
        stage: str,
        targets: Sequence[str],
        key: str,
        names: Sequence[str],
    ) -> np.ndarray:
        """Returns a column over sub-nets, as the mean over seeds and targets."""
        columns = []
        for seed in seeds:
            for target in targets:
                column = self._column(seed, stage, target, key)
                values = [column[name] for name in names]
                if stage == "score":
                    values = [value["score"] for value in values]
                columns.append(values)
        return np.mean(columns, axis=0)

    def _best_table(self) -> str:
        seeds = self._seeds_with("searched")
        if not seeds:
            return ""
        band = [*self.bands][-1]
        handmade = self.backbone.space.resolve(HANDMADE)
        drawn = [s.name for s, b in self.candidates.items() if b == band]
        drawn.remove(handmade.name)
        lines = [
            f"Top-1 (%) in the band of {HANDMADE} ({band}, +-{100 * NARROW:.0f} %): "
            f"the most similar of {SEARCHED} sub-nets, {HANDMADE}, the mean and the "
            f"best of {len(drawn)} random ones, and MAX; {spread_note(seeds)}.",
            "",
            table_row(
                [
                    *("target", "accuracy", *(f"searched, {m}" for m in METRICS)),
                    *(HANDMADE, "random, mean", "random, best", "MAX"),
                ]
            ),
            table_row(["---"] * (6 + len(METRICS))),
        ]
        for target in self.targets:
            for measure in MEASURES:
                cells = [
                    [self._searched(seed, target, metric, measure) for seed in seeds]
                    for metric in METRICS
                ]
                truths = [
                    self._column(seed, "truth", target, measure) for seed in seeds
                ]
                cells += [
                    [truth[handmade.name] for truth in truths],
                    [statistics.fmean(t[n] for n in drawn) for t in truths],
                    [max(truth[name] for name in drawn) for truth in truths],
                    [truth[self.backbone.space.max.name] for truth in truths],
                ]
                lines.append(table_row([target, measure, *map(spread, cells)]))
        return "\n".join(lines)

    def _searched(self, seed: int, target: str, metric: str, measure: str) -> float:
        measured = self._column(seed, "searched", target, measure)
        scores = self._column(seed, "score", target, metric)
        band = [*self.bands.values()][-1]
        drawn = draw(self.backbone.space, band, SEARCHED, 2)
        return measured[max(drawn, key=lambda s: scores[s.name]["score"]).name]

    def _keys_table(self) -> str:
        stages = {arm: f"curve-{arm}-{self.iters}" for arm in ("ours", "theirs")}
        seeds = [
            s
            for s in self._seeds_with(stages["theirs"])
            if s in self._seeds_with(stages["ours"])
        ]
        if not seeds or not (self.out / "speed.json").exists():
            return ""
        times = read(self.out / "speed.json")
        rounds = zip(times["theirs"], times["ours"], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in rounds)
        lines = [
            "Keys, average and queue once a step (ours) or once a sub-net (theirs, the "
            "authors' loop): CPU seconds a step, medians of interleaved steps (ratio "
            f"{ratio:.2f}), and kNN top-1 (%) after {self.iters} iterations, mean of "
            f"{', '.join(self.targets)}; {spread_note(seeds)}.",
            "",
            table_row(["loop", "s/step", "MAX", "MIN", f"{CURVE} random"]),
            table_row(["---"] * 5),
        ]
        largest, smallest, *others = [s.name for s in self.curve_subnets()]
        for arm, stage in stages.items():

            def knn(names: Sequence[str], stage: str = stage) -> list[float]:
                return [
                    statistics.fmean(
                        self._column(seed, stage, target, "knn")[name]
                        for target in self.targets
                        for name in names
                    )
                    for seed in seeds
                ]

            cells = [spread(knn(n)) for n in ([largest], [smallest], others)]
            seconds = f"{statistics.median(times[arm]):.3f}"
            lines.append(table_row([arm, seconds, *cells]))
        return "\n".join(lines)


def correlations(
    x: np.ndarray,
    truth: np.ndarray,
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
) -> list[str]:
    """Returns the cells of one predictor."""

    def cell(statistic: Callable[..., float], *arrays: Any) -> str:
        low, high = ranks.bootstrap_interval(statistic, *arrays, resamples=500)
        return f"{statistic(*arrays):.2f} [{low:.2f}, {high:.2f}]"

    def banded(statistic: Callable[..., float]) -> Callable[..., float]:
        return lambda a, b, bands: ranks.banded(statistic, a, b, bands)

    in_bands = x[inside], truth[inside], np.asarray(labels)
    *_, p = ranks.shuffled_interval(banded(ranks.spearman), *in_bands, resamples=500)
    return [
        cell(ranks.spearman, x, truth),
        cell(ranks.kendall, x, truth),
        cell(banded(ranks.spearman), *in_bands),
        cell(banded(ranks.kendall), *in_bands),
        cell(ranks.partial_spearman, x, truth, macs),
        f"{p:.3f}",
    ]


def agreement(
    truths: Sequence[np.ndarray],
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
) -> list[str]:
    """Returns the cells of supernets as predictors of each other, means of pairs."""
    found = []
    for a, b in itertools.combinations(truths, 2):
        banded = [
            ranks.banded(statistic, a[inside], b[inside], labels)
            for statistic in (ranks.spearman, ranks.kendall)
        ]
        partial = ranks.partial_spearman(a, b, macs)
        found.append([ranks.spearman(a, b), ranks.kendall(a, b), *banded, partial])
    return [*(f"{value:.2f}" for value in np.mean(found, axis=0)), ""]


def read(file: Path) -> Any:
    """Returns what a cache holds; an empty list if there is none."""
    return json.loads(file.read_text()) if file.exists() else []


def table_row(cells: Iterable[str]) -> str:
    """Returns a line of a markdown table."""
    return f"| {' | '.join(cells)} |"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Returns mean and sample standard deviation."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def spread_note(seeds: Sequence[int]) -> str:
    """Says what `spread` is over."""
    if len(seeds) < 2:
        return "one supernet"
    return f"mean ± standard deviation of {len(seeds)} supernets"


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
    evidence = Evidence(args)
    if not args.tables_only:
        for seed in range(args.first_seed, args.seeds):
            stages: Mapping[str, Callable[[int], None]] = {
                stage: getattr(evidence, stage) for stage in STAGES
            }
            for stage in STAGES:
                if stage in args.stages:
                    stages[stage](seed)
        write_text(evidence.out / "tables.md", evidence.tables())
    show(evidence.tables())


if __name__ == "__main__":
    run_tool(main)
