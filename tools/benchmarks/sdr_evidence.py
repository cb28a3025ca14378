"""Does routing to a path beat the whole network? SDR against its controls.

    sdr_evidence.py --data DIR --work-dir OUT [--iters N] [--seeds N] [--arms ...]
    sdr_evidence.py --data DIR --work-dir OUT --tables-only

DIR holds pool/images and classification/NAME/{train,test}/CLASS. For every seed MAX
alone trains first, longer than the others, so that it costs as many MACs; its features
cluster the pool. Then the arms train N iterations each: `routed` on these clusters,
`random` on random ones, `no-kd` without distillation, `no-progress` with all paths from
the start. The first phase of the first three is one and the same training, and runs
once. Paths are calibrated as `calibrate_bn.py --clusters` does it.

A target's path is the one of the best kNN on its training images, held out fold by
fold; MAX is a candidate, and wins ties. Test images decide nothing. The planted test
trains paths on two domains, found by name in pool/sources.csv, and routes a target of
each; no other step reads that file.

Interrupted, it continues with the same command; OUT/tables.md is written after every
seed.
"""

import argparse
import csv
import itertools
import json
import math
import os
import random
import shutil
import statistics
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.datasets.images import list_images
from mmtaskssl.engine.config import load_config
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.protocol import evaluate
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.evaluation.splits import stratified_folds
from mmtaskssl.export.calibrate import config_transform
from mmtaskssl.export.source import load_source
from mmtaskssl.features.checkpoint import load_state_dict
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.registry import MODELS
from mmtaskssl.routing.calibrate import calibrate_paths
from mmtaskssl.routing.cluster_sample import ClusterSample
from mmtaskssl.subnets import Subnet, build_space, cost
from mmtaskssl.utils.atomic import atomic_path, write_json, write_text
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps

CONFIG = (
    "configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
)
KNN, LINEAR = knn_method(), linear_method()
CALIBRATION = 128  # images a cluster
LINEAR_PATHS = 3  # paths whose mean is the linear figure of a random path
ARMS = {
    "routed": [],
    "random": [],
    "no-kd": ["model.kd_weight=0"],
    "no-progress": ["model.subnet_sampler.shares=[0,0,0,0,1]"],
}


class Evidence:
    """The steps of one run of this script, and the tables of their results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.config = resolve_config(args.config)
        self.cfg: Config = load_config(str(self.config))
        self.iters, self.seeds, self.arms = args.iters, args.seeds, args.arms
        self.targets, self.planted = args.targets, args.planted
        self.data, self.out = Path(args.data), Path(args.work_dir)
        self.pool = self.data / "pool" / "images"
        folders = [self.pool, *map(self._target, self.targets)]
        for folder in folders:
            if not folder.is_dir():
                raise UserError(f"{folder} does not exist: --data names a wrong folder")
        self.steps = Steps(self.out / "logs", lambda text: print(text, flush=True))
        backbone = dict(self.cfg.model.backbone)
        keys = ("depth", "style", "groups", "base_width", "stem_kernel")
        self.space = build_space(
            {"preset": "routed_resnet"}
            | {key: backbone[key] for key in keys if key in backbone}
        )
        self.groups = self.space.arch.routes.groups
        self.shares = list(self.cfg.model.subnet_sampler.shares)
        self.half = round(self.shares[0] * self.iters)

    def _target(self, name: str) -> Path:
        return self.data / "classification" / name

    def _folder(self, seed: int, name: str) -> Path:
        return self.out / f"seed{seed}" / name

    @property
    def longer(self) -> int:
        """Iterations of MAX alone that cost as many MACs as an arm's.

        A forward and a backward pass count as three forward passes; a step of a path
        also has MAX's forward pass on the path's images.
        """
        size = self.cfg.model.data_preprocessor.view_size
        whole = cost(self.space.arch, self.space.max, size).macs
        total, path = 3.0, [-1] * len(self.groups)
        splits = [s for s in reversed(range(len(self.groups))) if self.groups[s] > 1]
        for share, stage in zip(self.shares[1:], splits, strict=True):
            path[stage] = 0
            largest = self.space.max
            subnet = Subnet(largest.stem, largest.widths, largest.depths, tuple(path))
            part = cost(self.space.arch, subnet, size).macs / whole
            total += share * (3 * part + 1)
        return round(self.iters * total / 3)

    def run(self) -> None:
        """Runs every step that is not done yet, one seed after the other.

        Raises:
            UserError: The folder holds results of other settings.
        """
        file = self.out / "settings.json"
        settings = {"config": self.config.name, "iters": self.iters}
        if (before := read_json(file) or settings) != settings:
            raise UserError(
                f"{self.out} holds results of {before['iters']} iterations of "
                f"{before['config']}; name another --work-dir, or the same settings"
            )
        write_json(file, settings)
        for seed in range(self.seeds):
            plain = self._pretrain_plain(seed)
            clusters = self._cluster(seed, plain)
            self._measure(seed, "plain", plain, clusters["routed"], paths=False)
            for arm in self.arms:
                own = clusters["random" if arm == "random" else "routed"]
                self._measure(seed, arm, self._pretrain(seed, arm, own), own)
            if self.planted:
                self._plant(seed)
            write_text(self.out / "tables.md", self.tables(seed + 1))

    # Training

    def _options(
        self, seed: int, clusters: Path, iters: int, images: Path | None = None
    ) -> list[str]:
        return [
            f"images={images or self.pool}",
            f"clusters={clusters}",
            f"max_iters={iters}",
            f"randomness.seed={seed}",
            f"model.subnet_sampler.seed={seed}",
            f"default_hooks.checkpoint.interval={max(1, self.half)}",
            "default_hooks.checkpoint.max_keep_ckpts=10",
            # A collapse is a result here.
            f"default_hooks.monitor.begin={iters}",
        ]

    def _train(self, name: str, folder: Path, iters: int, options: list[str]) -> Path:
        checkpoint = folder / f"iter_{iters}.pth"
        self.steps.run(
            name,
            checkpoint,
            "train",
            *(self.config, "--work-dir", folder, "--resume"),
            options=options,
        )
        return checkpoint

    def _pretrain_plain(self, seed: int) -> Path:
        # The loader wants clusters, of which MAX alone uses none.
        ids = list_images(str(self.pool))[1]
        folder = self._folder(seed, "clusters-none")
        if not folder.exists():
            leaves = np.arange(len(ids), dtype=np.int32) % math.prod(self.groups)
            self._save(folder, ids, leaves)
        return self._train(
            f"seed {seed} pretrain MAX alone",
            self._folder(seed, "pretrain-plain"),
            self.longer,
            [
                *self._options(seed, folder, self.longer),
                f"model.subnet_sampler.shares={[1] + [0] * (len(self.shares) - 1)}",
            ],
        )

    def _pretrain(self, seed: int, arm: str, clusters: Path) -> Path:
        folder = self._folder(seed, f"pretrain-{arm}")
        first = self._folder(seed, "pretrain-routed") / f"iter_{self.half}.pth"
        if arm != "no-progress" and first.is_file() and not folder.exists():
            # Until the first paths nothing differs: go on from there.
            with atomic_path(folder / first.name) as temporary:
                shutil.copyfile(first, temporary)
            write_text(folder / "last_checkpoint", str(folder / first.name))
        options = self._options(seed, clusters, self.iters) + ARMS[arm]
        return self._train(f"seed {seed} pretrain {arm}", folder, self.iters, options)

    def _save(self, folder: Path, ids: list[str], leaf: np.ndarray) -> None:
        tree = tuple(reversed(self.groups))
        Clusters(tree, ids, str(self.pool), leaf, make_paths(tree)).save(folder)

    def _cluster(self, seed: int, checkpoint: Path) -> dict[str, Path]:
        store = self._folder(seed, "features")
        self.steps.run(
            f"seed {seed} features of the pool",
            lambda: FeatureStore.is_complete(store),
            "extract_features",
            *(self.config, checkpoint, "--images", self.pool, "--out", store),
        )
        tree = "x".join(map(str, reversed(self.groups)))
        found = {}
        for arm, more in (("routed", []), ("random", ["--random"])):
            found[arm] = self._folder(seed, f"clusters-{arm}")
            self.steps.run(
                f"seed {seed} clusters {arm}",
                found[arm] / "manifest.json",
                "cluster_data",
                *("--pool", store, "--tree", tree, "--seed", seed, "--no-report"),
                *("--out", found[arm], *more),
            )
        return found

    def _plant(self, seed: int) -> None:
        """Trains paths on two domains of the pool, and routes a target of each."""
        ids = list_images(str(self.pool))[1]
        with open(self.data / "pool" / "sources.csv", newline="") as file:
            source = {row["image"]: row["source"] for row in csv.DictReader(file)}
        chosen = [name for name in ids if source[name] in self.planted]
        folder = self._folder(seed, "clusters-planted")
        if not folder.exists():
            # The last stage's groups are the domains; within, paths get equal shares.
            below = math.prod(self.groups) // self.groups[-1]
            turns = {domain: itertools.cycle(range(below)) for domain in self.planted}
            leaf = [
                self.planted.index(source[name]) * below + next(turns[source[name]])
                for name in chosen
            ]
            self._save(folder, chosen, np.array(leaf, dtype=np.int32))
        write_text(folder / "selection.txt", "\n".join(chosen) + "\n")
        checkpoint = self._train(
            f"seed {seed} pretrain planted",
            self._folder(seed, "pretrain-planted"),
            self.iters,
            [
                *self._options(seed, folder, self.iters, folder / "selection.txt"),
                f"train_dataloader.dataset.dataset.root={self.pool}",
            ],
        )
        self._measure(seed, "planted", checkpoint, folder)

    # Measuring

    def _result(self, seed: int, arm: str) -> Path:
        return self._folder(seed, f"{arm}.json")

    def _measure(
        self, seed: int, arm: str, checkpoint: Path, folder: Path, paths: bool = True
    ) -> None:
        if self._result(seed, arm).exists():
            return
        source = load_source(self.cfg, str(self.config), str(checkpoint))
        clusters, backbone = Clusters.open(folder), source.backbone
        largest = self.space.max
        subnets, embeddings = [largest], {}
        if paths:
            subnets += list(self.space)
            sample = ClusterSample(clusters, self.transform, CALIBRATION, seed=seed)
            found = calibrate_paths(backbone, subnets[1:], sample)
            for name, values in found.items():
                backbone.subnet_statistics.set(name, values)
            if arm in ARMS:
                embeddings = self._embeddings(checkpoint, subnets, sample)
        rng = random.Random(seed)
        some = rng.sample(subnets[1:], LINEAR_PATHS) if paths else []
        rows: dict[str, dict[str, Any]] = {target: {} for target in self.targets}
        features: dict[tuple[str, str], tuple[LabeledFeatures, LabeledFeatures]] = {}
        for subnet in subnets:
            plain = backbone.extract(subnet).eval()
            for target in self.targets:
                train, test = (
                    self._features(plain, target, split) for split in ("train", "test")
                )
                features[target, subnet.name] = train, test
                rows[target][subnet.name] = {
                    "inner": held_out_knn(train, seed),
                    "knn": top1(KNN, train, test),
                }
        for target, found in rows.items():
            best = max(found, key=lambda name: found[name]["inner"])
            for name in {largest.name, best, *(s.name for s in some)}:
                found[name]["linear"] = top1(LINEAR, *features[target, name])
        result = {"max": largest.name, "linear_paths": [s.name for s in some]}
        result |= {"targets": rows, "embeddings": embeddings}
        write_json(self._result(seed, arm), result)
        print(f"seed {seed} measured {arm}", flush=True)

    @cached_property
    def transform(self):
        """Of every image, in calibration and evaluation."""
        return config_transform(self.cfg, None)

    @cached_property
    def _images(self) -> dict[tuple[str, str], tuple[Tensor, Tensor, list[str]]]:
        """Pixels, labels and class names of each target's splits."""
        found = {}
        for target in self.targets:
            for split in ("train", "test"):
                root, ids = list_images(str(self._target(target) / split))
                pixels = [self.transform.read(root / name).copy() for name in ids]
                classes = sorted({name.split("/")[0] for name in ids})
                labels = [classes.index(name.split("/")[0]) for name in ids]
                stacked = torch.from_numpy(np.stack(pixels))
                found[target, split] = stacked, torch.tensor(labels), classes
        return found

    @torch.no_grad()
    def _features(self, plain: nn.Module, target: str, split: str) -> LabeledFeatures:
        pixels, labels, classes = self._images[target, split]
        parts = [
            plain(self.transform.normalize(part).contiguous())[-1].mean(dim=(2, 3))
            for part in pixels.split(128)
        ]
        return LabeledFeatures(torch.cat(parts), labels, classes)

    @torch.no_grad()
    def _embeddings(
        self, checkpoint: Path, subnets: list[Subnet], sample: ClusterSample
    ) -> dict[str, list[float]]:
        """Spread (1: all over the sphere) and rank on each path's own images."""
        model = MODELS.build({**self.cfg.model, "_scope_": "mmtaskssl"})
        model.load_state_dict(load_state_dict(str(checkpoint)), strict=False)
        model.train()  # batch norm as in training: no statistics of the projector
        found = {}
        for subnet in subnets:
            path = subnet.path or (-1,) * len(self.groups)
            batches = list(sample.batches(sample.clusters.leaves_of(path)))[:2]
            z = model.project(torch.cat(batches), subnet)
            spread = embedding_std(z) * math.sqrt(z.shape[1])
            found[subnet.name] = [spread, effective_rank(z)]
        return found

    # Tables

    def tables(self, seeds: int) -> str:
        """Returns the tables as markdown, over the first ``seeds`` seeds."""
        results = {
            arm: [read_json(self._result(seed, arm)) for seed in range(seeds)]
            for arm in ("plain", *self.arms, "planted")
        }
        results = {arm: runs for arm, runs in results.items() if None not in runs}
        lines = [
            f"{seeds} seed(s), {self.iters} iterations ({self.longer} of MAX alone), "
            f"`{self.config.name}`; mean ± sample standard deviation over seeds.",
        ]
        for measure in ("knn", "linear"):
            lines += ["", f"{measure} top-1 (%)", ""]
            lines += self._compare(results, measure)
        lines += ["", "Embeddings of each path on its own cluster", ""]
        lines += ["| arm | spread, mean | least | effective rank, mean | least |"]
        lines += ["| --- " * 5 + "|"]
        for arm in ARMS:
            if arm in results:
                lines.append(_spread_row(arm, results[arm]))
        if "planted" in results:
            lines += ["", *self._planted_table(results["planted"])]
        return "\n".join(lines) + "\n"

    def _compare(self, results: Mapping[str, list[dict]], measure: str) -> list[str]:
        columns = {}
        if "plain" in results:
            columns["MAX, as many MACs"] = "plain", whole
        if "routed" in results:
            columns["MAX"] = "routed", whole
            columns["random path"] = "routed", random_path
            columns["routed"] = "routed", routed
        names = {
            "random": "routed, random clusters",
            "no-kd": "routed, no distillation",
            "no-progress": "routed, no progress",
        }
        columns |= {n: (arm, routed) for arm, n in names.items() if arm in results}
        lines = [f"| target | {' | '.join(columns)} |"]
        lines += ["| --- " * (len(columns) + 1) + "|"]
        table = {
            name: {
                target: [choose(run, target)[measure] for run in results[arm]]
                for target in self.targets
            }
            for name, (arm, choose) in columns.items()
        }
        for target in self.targets:
            cells = [spread(values[target]) for values in table.values()]
            lines.append(f"| {target} | {' | '.join(cells)} |")
        means = {
            name: [statistics.mean(run) for run in zip(*values.values(), strict=True)]
            for name, values in table.items()
        }
        cells = [spread(values) for values in means.values()]
        lines.append(f"| mean | {' | '.join(cells)} |")
        if "routed" in means:
            lines += ["", "Mean over targets, routed minus the other, paired by seed:"]
            for name, values in means.items():
                if name != "routed":
                    pairs = zip(means["routed"], values, strict=True)
                    difference = spread([a - b for a, b in pairs], sign=True)
                    lines.append(f"- {name}: {difference}")
            wins = [
                routed(run, target)["name"] != run["max"]
                for run in results["routed"]
                for target in self.targets
            ]
            lines.append(f"- a path was chosen over MAX {sum(wins)}/{len(wins)} times")
        return lines

    def _planted_table(self, runs: list[dict]) -> list[str]:
        lines = [
            "Planted domains: best held-out kNN (%) among the paths of each",
            "",
            "| target | " + " | ".join(f"{d} paths" for d in self.planted) + " | MAX |",
            "| --- " * (len(self.planted) + 2) + "|",
        ]
        for target in self.planted:
            cells = []
            for group in range(len(self.planted)):
                cells.append(
                    spread(
                        [
                            max(
                                row["inner"]
                                for name, row in run["targets"][target].items()
                                if name.endswith(f".{group}") and name != run["max"]
                            )
                            for run in runs
                        ]
                    )
                )
            most = [run["targets"][target][run["max"]]["inner"] for run in runs]
            lines.append(f"| {target} | {' | '.join(cells)} | {spread(most)} |")
        return lines


def held_out_knn(train: LabeledFeatures, seed: int) -> float:
    """Top-1 of kNN on training images, each fold classified by the others."""
    right = 0.0
    for fold in stratified_folds(train.y, 5, seed):
        rest = torch.ones(len(train.y), dtype=torch.bool)
        rest[fold] = False
        inner = train.subset(torch.nonzero(rest).squeeze(1)), train.subset(fold)
        right += top1(KNN, *inner) * len(fold)
    return right / len(train.y)


def top1(method, train: LabeledFeatures, test: LabeledFeatures) -> float:
    """Per cent of test images that a classifier gets right."""
    return evaluate(method, train, test)["metrics"]["top1"]["mean"]


def whole(run: dict, target: str) -> dict[str, float]:
    """Returns MAX's figures."""
    return run["targets"][target][run["max"]]


def routed(run: dict, target: str) -> dict[str, Any]:
    """Returns the figures of the sub-net with the best held-out kNN."""
    rows = run["targets"][target]
    name = max(rows, key=lambda name: rows[name]["inner"])
    return {"name": name, **rows[name]}


def random_path(run: dict, target: str) -> dict[str, float]:
    """Returns what a path drawn at random is expected to have."""
    rows = run["targets"][target]
    paths = [row for name, row in rows.items() if name != run["max"]]
    linear = [rows[name]["linear"] for name in run["linear_paths"]]
    return {
        "knn": statistics.mean(row["knn"] for row in paths),
        "linear": statistics.mean(linear),
    }


def spread(values: Sequence[float], sign: bool = False) -> str:
    """Returns mean and sample standard deviation."""
    mean = f"{statistics.mean(values):{'+' if sign else ''}.1f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.1f}"


def read_json(path: Path) -> dict | None:
    """Returns the content, None if there is no such file."""
    return json.loads(path.read_text()) if path.exists() else None


def _spread_row(arm: str, runs: list[dict]) -> str:
    cells = []
    for index in range(2):
        rows = [
            [v[index] for name, v in run["embeddings"].items() if name != run["max"]]
            for run in runs
        ]
        for reduce in (statistics.mean, min):
            values = [reduce(row) for row in rows]
            digits = 2 if index == 0 else 1
            cells.append(f"{statistics.mean(values):.{digits}f}")
    return f"| {arm} | {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--work-dir", required=True, metavar="OUT")
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=[*ARMS])
    parser.add_argument(
        "--targets",
        nargs="+",
        default=["signdigits", "clothing", "imagenette", "dtd10", "cifar10"],
    )
    parser.add_argument(
        "--planted",
        nargs="*",
        default=[],
        metavar="SOURCE",
        help="as many sources of the pool, also targets, as the last stage has groups",
    )
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    args = parser.parse_args(argv)
    evidence = Evidence(args)
    if len(args.planted) not in (0, evidence.groups[-1]):
        raise UserError(f"--planted needs {evidence.groups[-1]} sources")
    if not set(args.planted) <= set(args.targets):
        raise UserError("--planted names sources that are targets, too")
    if not args.tables_only:
        evidence.run()
    print(evidence.tables(args.seeds))


if __name__ == "__main__":
    run_tool(main)
