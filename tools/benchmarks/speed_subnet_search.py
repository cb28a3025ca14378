"""Candidates per second of the sub-net search beside straightforward loops.

    speed_subnet_search.py --images DIR [--candidates 40] [--num-images 256]
    speed_subnet_search.py --images DIR --config CONFIG --checkpoint CKPT ...

All contenders score the same candidates on the same images, and their scores are
compared at the end:

  ours           images and teacher once; one pass a candidate that measures batch-norm
                 statistics and gives the features; common beginnings of candidates once
  one-pass loop  for each candidate: images read, the teacher run, the candidate run,
                 each in one pass in which a single batch of all images normalises (as
                 the public code does, with batches that large)
  two-pass loop  the same, but each network is calibrated, then evaluated

and, as floors, what no search of whole candidates can do without:

  forward        one evaluation pass of each candidate, statistics known
  BN + forward   one calibration pass and that

Without a checkpoint the network is an untrained `data_basic` supernet: what a pass
costs does not depend on the weights. Seconds are of the CPU by default, so that waiting
for a busy machine does not count; on a GPU they are of the clock.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from copy import deepcopy

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from mmtaskssl.export.calibrate import ImageSample, config_transform, draw_images
from mmtaskssl.export.source import Source
from mmtaskssl.features.transform import EvalTransform
from mmtaskssl.models.elastic import collect_statistics
from mmtaskssl.registry import MODELS
from mmtaskssl.search.encoders import Encoder, Encoders, load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.prefixes import make_steps
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.search.strategies import draw
from mmtaskssl.subnets import Subnet, cost
from mmtaskssl.utils.errors import UserError, run_tool

# How far their scores may be off ours: by rounding; and by Bessel's correction, which
# calibration keeps and a pass that normalises by its batch does not know.
LOOPS = {"one-pass loop": 1e-4, "two-pass loop": 1e-2}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder or list of images")
    parser.add_argument("--config", help="of a supernet, with --checkpoint")
    parser.add_argument("--checkpoint")
    parser.add_argument("--image-size", type=int, help="default: the config's, or 40")
    parser.add_argument("--num-images", type=int, default=256)
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument(
        "--loop-candidates",
        type=int,
        default=10,
        metavar="N",
        help="how many of them the loops and floors run, small to large alike; what "
        "they cost does not depend on how many there are",
    )
    parser.add_argument(
        "--metric", default="global", choices=("global", "dense", "dense-raw")
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    return parser.parse_args(argv)


def load(args: argparse.Namespace) -> tuple[Encoders, EvalTransform]:
    if (args.config is None) != (args.checkpoint is None):
        raise UserError("--config and --checkpoint go together")
    if args.config is not None:
        from mmtaskssl.engine.config import load_config

        cfg = load_config(args.config)
        encoders = load_encoders(cfg, args.config, args.checkpoint, args.device)
        return encoders, config_transform(cfg, args.image_size)
    torch.manual_seed(args.seed)
    backbone = MODELS.build({"type": "mmtaskssl.DynamicResNet", "space": "data_basic"})
    neck = MODELS.build(
        {
            "type": "mmtaskssl.ElasticNonLinearNeck",
            "in_channels": backbone.stage_channels()[-1],
            "hid_channels": 512,
            "out_channels": 128,
        }
    )
    student = Encoder(backbone.eval().to(args.device), neck.eval().to(args.device))
    encoders = Encoders(deepcopy(student), student, Source(backbone, {}, "", {}), True)
    return encoders, EvalTransform(args.image_size or 40)


class Bench:
    """The contenders, as functions from candidates to scores."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.encoders, self.transform = load(args)
        self.metric = get_metrics([args.metric])[0]
        space = self.encoders.student.backbone.space
        self.largest = space.max
        self.candidates = draw(space, lambda s: True, args.candidates, args.seed)
        count = min(args.loop_candidates, args.candidates)
        sized = sorted(self.candidates, key=lambda s: cost(space.arch, s).macs)
        # The middles of equal parts.
        places = [(2 * i + 1) * len(sized) // (2 * count) for i in range(count)]
        self.some = [sized[place] for place in places]
        self.seconds: dict[str, float] = {}
        self.sample = self.read()

    def read(self) -> ImageSample:
        """Decodes the images, as each search begins with."""
        args = self.args
        return draw_images(
            args.images, self.transform, args.num_images, args.num_images, args.seed
        )

    def now(self) -> float:
        """Returns seconds of the CPU, or of the clock."""
        if self.args.device != "cpu":
            torch.cuda.synchronize()
            return time.perf_counter()
        cpu = self.args.clock == "cpu"
        return time.process_time() if cpu else time.perf_counter()

    def timed(self, name: str, call: Callable[[], object]) -> object:
        """Adds the seconds of a call to those of a name."""
        begin = self.now()
        result = call()
        self.seconds[name] = self.seconds.get(name, 0.0) + self.now() - begin
        return result

    def ours(self) -> dict[Subnet, float]:
        """Runs the package's search."""
        sample = self.timed("read the images", self.read)
        count = len(sample.ids)
        scorer = Scorer(self.encoders, sample, [self.metric], count, count)
        self.timed("run the teacher", lambda: scorer.references)
        interval = MeanInterval(count)
        scores = {}
        begin = self.now()
        for subnet, values in scorer.score(self.candidates):
            scores[subnet] = values[self.metric.name].mean()
            self.timed("intervals", lambda v=values: interval(v[self.metric.name]))
        self.seconds["candidates"] = self.now() - begin - self.seconds["intervals"]
        runner = scorer.runner
        self.shared = runner.steps_shared / (runner.steps_run + runner.steps_shared)
        return scores

    def loop(self, passes: int) -> dict[Subnet, float]:
        """Begins anew with each candidate; see the module."""
        scores = {}
        for subnet in self.some:
            images = self.chunk(self.read())
            outs = [
                self.one_pass(encoder, which, images)
                if passes == 1
                else self.two_passes(encoder, which, images)
                for encoder, which in (
                    (self.encoders.teacher, self.largest),
                    (self.encoders.student, subnet),
                )
            ]
            reference = self.metric.describe(outs[0])
            scores[subnet] = float(self.metric.similarity(outs[1], reference).mean())
        return scores

    def chunk(self, sample: ImageSample) -> Tensor:
        """Returns all images as one normalised batch."""
        pixels = sample.pixels.to(self.args.device)
        return self.transform.normalize(pixels).contiguous(
            memory_format=torch.channels_last
        )

    @torch.inference_mode()
    def one_pass(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> Tensor:
        """Returns features of a network that normalises by the batch."""
        body = encoder.backbone.extract(subnet, uncalibrated_ok=True).train()
        maps = body(images)[-1]
        return self.head(encoder, subnet, maps)

    @torch.inference_mode()
    def two_passes(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> Tensor:
        """Returns features of a network that was calibrated before."""
        body = self.calibrated(encoder, subnet, images)
        return self.head(encoder, subnet, body(images)[-1])

    def calibrated(self, encoder: Encoder, subnet: Subnet, images: Tensor) -> nn.Module:
        """Returns the plain network with statistics of the images."""
        backbone = encoder.backbone
        statistics = collect_statistics(backbone, subnet, [images])
        body = backbone.extract(subnet, uncalibrated_ok=True).eval()
        at = 0
        for unit in backbone.view(subnet).units.values():
            norm = body.get_submodule(unit.norm)
            part = statistics[:, at : at + norm.num_features]
            norm.running_mean, norm.running_var = part[0].clone(), part[1].clone()
            at += norm.num_features
        return body

    def head(self, encoder: Encoder, subnet: Subnet, maps: Tensor) -> Tensor:
        """Runs what the metric needs behind the last feature map."""
        # The neck's few vectors cost nothing; its norms as in the search.
        return self.metric.head(encoder, subnet, maps.shape[1], False)(maps)

    @torch.inference_mode()
    def floors(self) -> None:
        """Times evaluation and calibration passes of the candidates alone."""
        images = self.chunk(self.sample)
        student = self.encoders.student
        for subnet in self.some:
            steps = self.timed(
                "build", lambda s=subnet: make_steps(student.backbone, s)
            )
            # The first pass measures, the second finds everything measured.
            self.timed("measuring pass", lambda p=steps: _through(p, images))
            self.timed("forward", lambda p=steps: _through(p, images))
            self.timed(
                "calibration pass",
                lambda s=subnet: collect_statistics(student.backbone, s, [images]),
            )


def _through(steps, x: Tensor) -> Tensor:
    for step in steps:
        x = step.module(x)
    return x


def report(bench: Bench, scores: dict[str, dict[Subnet, float]]) -> list[str]:
    args, seconds, count = bench.args, bench.seconds, len(bench.candidates)
    kind = "CPU" if args.clock == "cpu" and args.device == "cpu" else "clock"
    size = bench.transform.image_size
    lines = [
        f"{count} candidates ({len(bench.some)} for loops and floors), "
        f"{len(bench.sample.ids)} images of {size} px, {args.metric} metric, "
        f"{args.device}; {kind} seconds",
        "",
        f"{'':<22}{'s/candidate':>12}{'candidates/s':>14}{'of ours':>10}",
    ]
    each = {name: seconds[name] / len(bench.some) for name in seconds}
    ours = each["ours"] = seconds["ours"] / count
    each["floor: forward"] = each["forward"]
    each["floor: BN + forward"] = each["forward"] + each["calibration pass"]
    for name in ("ours", *LOOPS, "floor: forward", "floor: BN + forward"):
        value = each[name]
        lines.append(f"{name:<22}{value:>12.3f}{1 / value:>14.3f}{value / ours:>9.2f}x")
    for name in LOOPS:
        gap = max(abs(v - scores["ours"][s]) for s, v in scores[name].items())
        lines.append(f"largest difference of a score to the {name}'s: {gap:.1e}")
    share = max(0.0, 1 - seconds["forward"] / seconds["measuring pass"])
    build = each["build"] * count
    networks = seconds["candidates"] - build
    parts = {
        "read the images": seconds["read the images"],
        "run the teacher": seconds["run the teacher"],
        "BN recalibration": networks * share,
        "candidate forward": networks * (1 - share),
        "build candidates": build,
        "intervals": seconds["intervals"],
    }
    lines += ["", f"ours: {seconds['ours']:.1f} s, of which"]
    lines += [
        f"  {k:<20}{v:8.2f} s{v / seconds['ours']:>7.1%}" for k, v in parts.items()
    ]
    lines.append(
        f"{bench.shared:.0%} of the candidates' blocks were shared with another"
    )
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if min(args.candidates, args.loop_candidates) < 1:
        raise UserError("--candidates and --loop-candidates must be at least 1")
    bench = Bench(args)
    contenders: dict[str, Callable[[], dict[Subnet, float]]] = {
        "ours": bench.ours,
        "one-pass loop": lambda: bench.loop(1),
        "two-pass loop": lambda: bench.loop(2),
    }
    scores = {name: bench.timed(name, run) for name, run in contenders.items()}
    bench.floors()
    print("\n".join(report(bench, scores)))
    for name, tolerance in LOOPS.items():
        for subnet, value in scores[name].items():
            if abs(value - scores["ours"][subnet]) > tolerance:
                raise RuntimeError(f"the {name} scores {subnet} otherwise")


if __name__ == "__main__":
    run_tool(main)
