"""Is a slimmed network as good as one trained alone? DSPNet against its controls.

    dspnet_evidence.py --data DIR --work-dir OUT [--iters N] [--seeds N] [--arms ...]
    dspnet_evidence.py --data DIR --work-dir OUT --tables-only

DIR holds pool/images and classification/NAME/{train,test}/CLASS. For every seed the
slimmable network is trained once (arm `all`), and each of its widths alone by the
config that tools/misc/individual_configs.py would write: the same images, views,
schedule, optimizer and number of iterations. Each network is measured as a plain one,
by weighted kNN and logistic regression on every target; so are untrained ones. The
other arms change one thing of the slimmable training. The cost of a training is the
CPU time of its process, start and decoding included.

Interrupted, it continues with the same command (a training that was interrupted then
has no cost); the tables are in OUT/tables.md after every seed.
"""

import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch

from mmtaskssl.datasets.images import list_images
from mmtaskssl.engine.config import load_config
from mmtaskssl.evaluation.data import LabeledFeatures, labeled_pair
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.protocol import evaluate
from mmtaskssl.evaluation.spectrum import effective_rank
from mmtaskssl.evaluation.subnet_table import short_name
from mmtaskssl.features.cli import folder_labels
from mmtaskssl.features.extractor import FeatureExtractor, build_extractor
from mmtaskssl.features.runner import BatchRunner, ImageFiles, collate
from mmtaskssl.features.transform import EvalTransform
from mmtaskssl.models.algorithms.slimmable_control import (
    individual_config,
    slimmable_backbone,
)
from mmtaskssl.subnets import cost
from mmtaskssl.utils.atomic import write_json, write_text
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps

CONFIG = (
    "configs/dspnet/dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py"
)
METHODS = {"kNN": knn_method(), "linear": linear_method()}


@dataclass(frozen=True)
class Arm:
    """A slimmable training that differs in ``options`` from the config."""

    title: str
    options: dict[str, Any] = field(default_factory=dict)
    calibrated: bool = False


SANDWICH = {"model.subnet_sampler": {"type": "Sandwich", "num_random": 1}}
SHARED_NORMS = {
    "model.backbone.norm_cfg.type": "BN",
    "model.neck.norm": "BN",
    "model.neck.num_switches": 1,
    "model.aux_predictor.norm": "BN",
}
ARMS = {
    "all": Arm("all widths each step, dsp, switchable BN"),
    "dsp_plus": Arm("dsp_plus", {"model.preset": "dsp_plus"}),
    "sandwich": Arm("sandwich(3)", SANDWICH),
    "dynamic": Arm("dynamic", {"model.subnet_sampler": {"type": "Dynamic"}}),
    "calibrated": Arm("shared BN, calibrated", SHARED_NORMS, calibrated=True),
    "sandwich_calibrated": Arm(
        "sandwich(3), shared BN, calibrated", SHARED_NORMS | SANDWICH, calibrated=True
    ),
    "slimclr": Arm("base weighs 1 + other widths", {"model.loss_weights": "slimclr"}),
    "mean": Arm("losses averaged, not summed", {"model.loss_weights": "mean"}),
}
ALONE, UNTRAINED = "alone", "untrained"


class Target:
    """A labelled folder, decoded once for all networks."""

    def __init__(self, folder: Path, image_size: int) -> None:
        self.folder, self.image_size = folder, image_size
        self._splits: dict[str, tuple[torch.Tensor, list[str]]] = {}

    def features(self, runner: BatchRunner, split: str) -> LabeledFeatures:
        """Returns the normalised features of ``split``."""
        if split not in self._splits:
            root, image_ids = list_images(str(self.folder / split))
            files = ImageFiles(root, image_ids, EvalTransform(self.image_size))
            pixels, broken = collate([files[i] for i in range(len(image_ids))])
            if broken:
                raise UserError(f"{root} has {len(broken)} unreadable images")
            self._splits[split] = pixels, folder_labels(image_ids)
        pixels, labels = self._splits[split]
        x = torch.cat([runner.forward(part) for part in pixels.split(128)])
        names = sorted(set(labels))
        y = torch.tensor([names.index(label) for label in labels])
        return LabeledFeatures(torch.nn.functional.normalize(x, dim=1), y, names)

    def measure(self, extractor: FeatureExtractor) -> dict[str, float]:
        """Returns each method's top-1 in per cent, and the effective rank."""
        transform = EvalTransform(self.image_size, extractor.mean, extractor.std)
        runner = BatchRunner(extractor, transform)
        train, test = labeled_pair(
            *(self.features(runner, split) for split in ("train", "test"))
        )
        found = {
            name: evaluate(method, train, test)["metrics"]["top1"]["mean"]
            for name, method in METHODS.items()
        }
        return {**found, "rank": effective_rank(test.x)}


class Evidence:
    """The steps of one run of this script, and the tables of their results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.data, self.out = Path(args.data), Path(args.work_dir)
        self.iters, self.seeds, self.arms = args.iters, args.seeds, args.arms
        self.pool = self.data / "pool" / "images"
        if not self.pool.is_dir():
            raise UserError(f"{self.pool} does not exist: --data is the wrong folder")
        self.base = str(resolve_config(args.config))
        self.cfg = load_config(self.base)
        self.size = self.cfg.model.data_preprocessor.view_size
        self.backbone = slimmable_backbone(self.cfg)
        self.widths = {
            short_name(self.backbone.space, s): s for s in self.backbone.space
        }
        folders = sorted(p for p in (self.data / "classification").iterdir())
        names = args.targets or [p.name for p in folders]
        self.targets = {
            n: Target(self.data / "classification" / n, self.size) for n in names
        }
        env = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.steps = Steps(self.out / "logs", lambda t: print(t, flush=True), env)

    def run(self) -> None:
        """Runs every step that is not done yet; the controls of a seed come first."""
        for seed in range(self.seeds):
            for arm in self.arms[:1]:
                self._run_arm(seed, arm)
            for width in self.widths:
                self._run_alone(seed, width)
            self._write_tables()
        for seed in range(self.seeds):
            for arm in self.arms[1:]:
                self._run_arm(seed, arm)
                self._write_tables()

    def _run_arm(self, seed: int, name: str) -> None:
        arm = ARMS[name]
        config = self._config(name, lambda: load_config(self.base, arm.options))
        checkpoint = self._train(seed, name, config)
        if arm.calibrated:
            trained, checkpoint = checkpoint, checkpoint.with_name("calibrated.pth")
            self.steps.run(
                f"seed {seed} calibrate {name}",
                checkpoint,
                "calibrate_bn",
                *(config, trained, "--all", "--images", self.pool),
                *("--out", checkpoint),
            )
        for width, subnet in self.widths.items():
            self._measure(
                seed,
                name,
                width,
                lambda s=subnet: build_extractor(str(config), checkpoint, subnet=s),
            )

    def _run_alone(self, seed: int, width: str) -> None:
        subnet = self.widths[width]
        name = f"{ALONE}-{width}"
        config = self._config(name, lambda: individual_config(self.cfg, subnet))
        checkpoint = self._train(seed, name, config)
        for arm, weights in ((ALONE, checkpoint), (UNTRAINED, None)):
            self._measure(
                seed,
                arm,
                width,
                lambda w=weights: build_extractor(str(config), w, seed=seed),
            )

    def _config(self, name: str, make: Callable[[], Any]) -> Path:
        path = self.out / "configs" / f"{name}.py"
        text = make().pretty_text
        if not path.exists() or path.read_text() != text:
            write_text(path, text)
        return path

    def _train(self, seed: int, name: str, config: Path) -> Path:
        folder = self.out / f"seed{seed}" / name
        checkpoint = folder / f"iter_{self.iters}.pth"
        fresh = not folder.exists()
        options = [f"images={self.pool}", f"max_iters={self.iters}"]
        options += [f"randomness.seed={seed}"]
        begin, wall = _children_seconds(), time.monotonic()
        self.steps.run(
            f"seed {seed} train {name}",
            checkpoint,
            "train",
            *(config, "--work-dir", folder, "--resume"),
            options=options,
        )
        if fresh:
            spent = {
                "cpu_seconds": _children_seconds() - begin,
                "wall_seconds": time.monotonic() - wall,
            }
            write_json(folder / "cost.json", spent)
        return checkpoint

    def _measure(
        self, seed: int, arm: str, width: str, make: Callable[[], FeatureExtractor]
    ) -> None:
        path = self._result(seed, arm, width)
        found = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in self.targets if name not in found]
        if not missing:
            return
        extractor = make()
        for name in missing:
            found[name] = self.targets[name].measure(extractor)
        write_json(path, found)
        mean = statistics.mean(row["kNN"] for row in found.values())
        print(f"seed {seed} {arm} {width}: kNN {mean:.1f}", flush=True)

    def _result(self, seed: int, arm: str, width: str) -> Path:
        return self.out / f"seed{seed}" / "results" / f"{arm}-{width}.json"

    def _write_tables(self) -> None:
        write_text(self.out / "tables.md", self.tables())

    def tables(self) -> str:
        """Returns all tables as markdown, over what has been measured."""
        lines = [
            f"{self.iters} iterations, batch {self.cfg.train_dataloader.batch_size}, "
            f"{self.size} px, `{Path(self.base).name}`; {len(self.targets)} targets "
            f"({', '.join(self.targets)}); mean ± sample standard deviation over "
            "seeds. The difference is taken seed by seed, ± its standard error.",
        ]
        main = self.arms[0]
        for metric in [*METHODS, "rank"]:
            lines += ["", f"### {metric}, mean over targets", ""]
            lines += self._versus(main, metric, None)
        lines += ["", "### Cost of training (CPU s)", "", *self._costs()]
        for target in self.targets:
            for metric in METHODS:
                lines += ["", f"### {metric} on {target}", ""]
                lines += self._versus(main, metric, target)
        for metric in METHODS:
            lines += ["", f"### Arms: {metric}, mean over targets", ""]
            lines += self._compare_arms(metric)
        return "\n".join(lines) + "\n"

    def _versus(self, arm: str, metric: str, target: str | None) -> Iterable[str]:
        yield (
            "| width | M MACs | M params | seeds | untrained | trained alone | slimmed "
            "| difference |"
        )
        yield "| --- " * 8 + "|"
        for width, subnet in self.widths.items():
            found = {
                name: self._values(name, width, metric, target)
                for name in (UNTRAINED, ALONE, arm)
            }
            both = sorted(found[ALONE].keys() & found[arm].keys())
            price = cost(self.backbone.arch, subnet, self.size)
            cells = [
                width,
                f"{price.macs / 1e6:.1f}",
                f"{price.params / 1e6:.2f}",
                str(len(both)),
                *(_spread(found[name].values()) for name in (UNTRAINED, ALONE, arm)),
                _difference([found[arm][s] - found[ALONE][s] for s in both]),
            ]
            yield f"| {' | '.join(cells)} |"

    def _compare_arms(self, metric: str) -> Iterable[str]:
        yield "| arm | seeds | CPU s | " + " | ".join(self.widths) + " |"
        yield "| --- " * (3 + len(self.widths)) + "|"
        for name in [*self.arms, ALONE, UNTRAINED]:
            values = [self._values(name, w, metric, None) for w in self.widths]
            if not all(values):
                continue
            title = ARMS[name].title if name in ARMS else name
            seconds = _spread(self._seconds(name), ".0f")
            scores = " | ".join(_spread(row.values()) for row in values)
            yield f"| {title} | {len(values[0])} | {seconds} | {scores} |"

    def _costs(self) -> Iterable[str]:
        main = self.arms[0]
        together = self._seconds(main)
        yield "| training | CPU s | share of the sum |"
        yield "| --- | --- | --- |"
        rows = {f"{w} alone": self._seconds(f"{ALONE}-{w}") for w in self.widths}
        rows["sum of the controls"] = self._seconds(ALONE)
        rows[f"slimmable, {ARMS[main].title}"] = together
        total = statistics.mean(rows["sum of the controls"] or [float("nan")])
        for name, seconds in rows.items():
            share = 100 * statistics.mean(seconds) / total if seconds else float("nan")
            yield f"| {name} | {_spread(seconds, '.0f')} | {share:.0f} % |"

    def _seconds(self, name: str) -> list[float]:
        """CPU seconds of each seed's training; of the controls their sum."""
        if name == ALONE:
            parts = [self._cost_by_seed(f"{ALONE}-{w}") for w in self.widths]
            seeds = set.intersection(*(set(part) for part in parts))
            return [sum(part[seed] for part in parts) for seed in sorted(seeds)]
        return [*self._cost_by_seed(name).values()]

    def _cost_by_seed(self, name: str) -> dict[int, float]:
        files = {
            s: self.out / f"seed{s}" / name / "cost.json" for s in range(self.seeds)
        }
        return {
            seed: json.loads(file.read_text())["cpu_seconds"]
            for seed, file in files.items()
            if file.exists()
        }

    def _values(
        self, arm: str, width: str, metric: str, target: str | None
    ) -> dict[int, float]:
        found = {}
        for seed in range(self.seeds):
            path = self._result(seed, arm, width)
            if not path.exists():
                continue
            rows = json.loads(path.read_text())
            names = [target] if target else [*self.targets]
            if all(name in rows for name in names):
                found[seed] = statistics.mean(rows[name][metric] for name in names)
        return found


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _spread(values: Iterable[float], form: str = ".1f") -> str:
    values = list(values)
    if not values:
        return "-"
    mean = f"{statistics.mean(values):{form}}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):{form}}"


def _difference(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = f"{statistics.mean(values):+.1f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values) / len(values) ** 0.5:.1f}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("MMTASKSSL_DATA")
    parser.add_argument("--data", metavar="DIR", default=data, required=not data)
    parser.add_argument("--work-dir", required=True, metavar="OUT")
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--targets", nargs="+", help="default: all")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        default=["all", "dsp_plus", "sandwich", "dynamic", "calibrated"],
        help="the first is compared with the networks trained alone",
    )
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    args = parser.parse_args(argv)
    evidence = Evidence(args)
    if not args.tables_only:
        evidence.run()
    print(evidence.tables())


if __name__ == "__main__":
    run_tool(main)
