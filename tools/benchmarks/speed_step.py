r"""Memory and time of a multi-sub-net training step, against its parts.

    speed_step.py [CONFIG | --case small|r50] [--subnets MAX MIN ...] [--device cuda]

CONFIG is one of an elastic algorithm; its model, preprocessor and optimizer wrapper
run on generated images. Without it a built-in case runs: a DynamicResNet whose
sub-nets regress the features of its averaged self. `small` has the data_basic space
(64 px), `r50` the data_bottleneck space (224 px) of DATA.

Memory. Peak of the step of all sub-nets over the peak of the step of the first one
alone, both with weights, optimizer state and teacher. On CUDA by torch's allocator. On
a CPU each case runs in a process of its own, and the peak of its resident memory over
that before the model was built is taken; large blocks are mapped one by one there, so
that what is freed leaves.

Time. The step over the sum of its parts: preprocessing with teacher; each sub-net's
forward and backward alone, without gradients of others; the optimizer's step. Rounds
of all parts are interleaved, ratios are taken within a round, and the table gives
medians over rounds. On a CPU the clock counts this process' CPU time, so that waiting
for others does not count; on CUDA it is a clock on the wall, synchronised.

Optimizers. One step of each on the gradients of the step, in turns: SafeSGD and
SafeLARS beside the stock ones, which move weights that were not trained.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope
from mmselfsup.engine.optimizers import LARS
from mmselfsup.models.algorithms.base import BaseModel
from torch import Tensor

from mmtaskssl.engine.config import load_config
from mmtaskssl.engine.optimizers import SafeLARS, SafeSGD
from mmtaskssl.models.algorithms import ElasticAlgorithm
from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.elastic import ElasticLinear
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import SearchSpace, Subnet, SubnetSampler
from mmtaskssl.utils.errors import UserError, run_tool

CASES = {
    "small": {"space": "data_basic", "size": 64, "batch": 64},
    "r50": {"space": "data_bottleneck", "size": 224, "batch": 64},
}
MEMORY_TARGET, TIME_TARGET = 1.15, 1.10
_MIB = 2**20


class CaseModel(ElasticAlgorithm, BaseModel):
    """The cheapest loss that has all of a step's parts."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        channels = self.backbone.out_channels("MAX")[-1]
        self.project = ElasticLinear(channels, channels)
        self.teacher = MomentumEncoder(self.backbone, momentum=0.99)

    def prepare(self, inputs: list[Tensor], data_samples=None) -> Tensor:
        """Returns the teacher's features (N, C) of the second view."""
        self.teacher.update(self.backbone)
        return self.teacher(inputs[1])[-1].mean(dim=(2, 3))

    def subnet_loss(self, inputs, shared, subnet) -> dict[str, Tensor]:
        """Negative cosine of the first view's features to the teacher's."""
        z = self.project(self.backbone(inputs[0], subnet)[-1].mean(dim=(2, 3)))
        return {"loss": -F.cosine_similarity(z.float(), shared.float()).mean()}


class FixedSubnets(SubnetSampler):
    """The same sub-nets in every step."""

    def __init__(self, space: SearchSpace, subnets: Sequence[Subnet]) -> None:
        super().__init__(space)
        self.subnets = list(subnets)

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler`."""
        return list(self.subnets)


class Bench:
    """A model, its batch and its optimizer."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.device = torch.device(args.device)
        torch.manual_seed(0)
        if args.config:
            DefaultScope.get_instance("speed_step", scope_name="mmtaskssl")
            cfg = load_config(args.config, {})
            self.model = MODELS.build(cfg.model)
            if not isinstance(self.model, ElasticAlgorithm):
                raise UserError(
                    f"{args.config} trains no sub-nets; name another config"
                )
            optim = dict(cfg.optim_wrapper)
            batch = args.batch or cfg.train_dataloader.batch_size
        else:
            case = CASES[args.case]
            self.model = build_case(case, args.size or case["size"])
            sgd = {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4}
            optim = {"optimizer": {"type": "mmtaskssl.SafeSGD", **sgd}}
            batch = args.batch or case["batch"]
        self.size = self.model.data_preprocessor.view_size
        self.model.to(self.device).train()
        self.wrapper: OptimWrapper = build_optim_wrapper(self.model, optim)
        generator = torch.Generator().manual_seed(0)
        shape = (3, self.size, self.size)
        self.images = [
            torch.randint(256, shape, generator=generator, dtype=torch.uint8)
            for _ in range(batch)
        ]
        space = self.model.backbone.space
        names = args.subnets or ["MAX", "MIN", space.sample(0).name]
        self.subnets = [self.model.backbone.resolve(name) for name in names]

    def run(self, subnets: Sequence[Subnet]) -> None:
        """One whole step."""
        space = self.model.backbone.space
        self.model.subnet_sampler = FixedSubnets(space, subnets)
        self.model.train_step({"inputs": self.images}, self.wrapper)

    def share(self) -> None:
        """The part of a step that all its sub-nets share."""
        with self.wrapper.optim_context(self.model), torch.no_grad():
            batch = self.model.data_preprocessor({"inputs": self.images}, True)
            self.inputs, self.shared = batch["inputs"], self.model.prepare(**batch)

    def run_subnet(self, subnet: Subnet) -> None:
        """Forward and backward of one sub-net, as in an ordinary step."""
        with self.wrapper.optim_context(self.model):
            losses = self.model.subnet_loss(self.inputs, self.shared, subnet)
        loss, _ = self.model.parse_losses(losses)
        self.wrapper.backward(loss)

    def optimize(self) -> None:
        """The optimizer's step."""
        self.wrapper.step()
        self.wrapper.zero_grad()

    def seconds(self, function: Callable[[], object]) -> float:
        """Runs ``function`` on the device's clock."""
        if self.device.type == "cpu":
            begin = time.process_time()
            function()
            return time.process_time() - begin
        torch.cuda.synchronize(self.device)
        begin = time.perf_counter()
        function()
        torch.cuda.synchronize(self.device)
        return time.perf_counter() - begin


def build_case(case: dict, size: int) -> CaseModel:
    return CaseModel(
        backbone={
            "type": "mmtaskssl.DynamicResNet",
            "space": case["space"],
            "out_indices": (3,),
        },
        data_preprocessor={"type": "mmtaskssl.TwoViewPreprocessor", "view_size": size},
        subnet_sampler={"type": "Sandwich"},
    )


def peak_memory(args: argparse.Namespace, names: Sequence[str], bench: Bench) -> float:
    """Returns the peak in MiB of some steps of the named sub-nets."""
    if args.device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        for _ in range(3):
            bench.run([bench.model.backbone.resolve(name) for name in names])
        return torch.cuda.max_memory_allocated() / _MIB
    options = {"config": args.config, "case": args.case, "batch": args.batch}
    options |= {"size": args.size, "device": "cpu", "subnets": list(names)}
    result = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).resolve()),
            "--peak-of",
            json.dumps(options),
        ],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(64 * 1024)},
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise UserError(f"memory cannot be measured: {result.stderr.strip()[-300:]}")
    return float(result.stdout.splitlines()[-1])


def own_peak(options: str) -> float:
    """What the child process measures, in MiB."""
    before = _resident("VmRSS")
    bench = Bench(argparse.Namespace(**json.loads(options)))
    for _ in range(3):
        bench.run(bench.subnets)
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    # Not getrusage's ru_maxrss: it still knows the parent's peak after fork and exec.
    status = Path("/proc/self/status")
    if not status.exists():
        raise UserError("memory on a CPU is read from Linux' /proc, which is not here")
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) / 1024 for words in lines if words[0] == f"{field}:")


def time_step(bench: Bench, repeats: int) -> list[dict[str, float]]:
    """Returns the seconds of the step and of each part, for every round."""
    rounds = []
    for number in range(repeats + 1):
        row = {"step": bench.seconds(lambda: bench.run(bench.subnets))}
        row["shared"] = bench.seconds(bench.share)
        for subnet in reversed(bench.subnets):
            bench.wrapper.zero_grad()
            row[subnet.name] = bench.seconds(lambda s=subnet: bench.run_subnet(s))
        row["optimizer"] = bench.seconds(bench.optimize)
        if number:  # the first one warms up
            rounds.append(row)
    return rounds


def time_optimizers(bench: Bench, repeats: int) -> dict[str, list[float]]:
    """Returns the seconds of one step of each optimizer."""
    params = [p for p in bench.model.parameters() if p.requires_grad]
    options = {"lr": 1e-4, "momentum": 0.9, "weight_decay": 1e-4}
    kinds = {"SGD": torch.optim.SGD, "SafeSGD": SafeSGD, "LARS": LARS}
    kinds |= {"SafeLARS": SafeLARS}
    optimizers = {name: kind(params, **options) for name, kind in kinds.items()}
    bench.share()
    for subnet in bench.subnets:
        bench.run_subnet(subnet)
    seconds: dict[str, list[float]] = {name: [] for name in optimizers}
    for number in range(repeats + 1):
        for name, optimizer in optimizers.items():
            spent = bench.seconds(optimizer.step)
            if number:
                seconds[name].append(spent)
    bench.wrapper.zero_grad()
    return seconds


def report(
    bench: Bench,
    peaks: tuple[float, float],
    rounds: list[dict[str, float]],
    optimizers: dict[str, list[float]],
) -> Iterable[str]:
    space = bench.model.backbone.space
    yield (
        f"{type(bench.model).__name__}, {bench.size} px, batch {len(bench.images)}, "
        f"{_device_name(bench.device)}, torch {torch.__version__}, "
        f"median of {len(rounds)} rounds [quartiles]"
    )
    labels = {
        s.name: f"{space.name_of(s) or ''} {s.name}".strip() for s in bench.subnets
    }
    yield "\nmemory                                              MiB"
    yield f"{'step of ' + str(len(bench.subnets)) + ' sub-nets':44}{peaks[0]:11.0f}"
    yield f"{'step of ' + labels[bench.subnets[0].name]:44}{peaks[1]:11.0f}"
    yield f"{'ratio':44}{peaks[0] / peaks[1]:11.3f}   target {MEMORY_TARGET}"
    yield "\ntime                                                 ms"
    for part in rounds[0]:
        values = [1000 * row[part] for row in rounds]
        yield f"{labels.get(part, part):44}{_spread(values, '.1f')}"
    ratios = [row["step"] / (sum(row.values()) - row["step"]) for row in rounds]
    yield f"{'ratio of the step to the sum of the rest':44}{_spread(ratios, '.3f')}" + (
        f"   target {TIME_TARGET}"
    )
    yield "\noptimizers                                           ms"
    step = statistics.median(row["step"] for row in rounds)
    for name, spent in optimizers.items():
        share = 100 * statistics.median(spent) / step
        values = _spread([1000 * value for value in spent], ".1f")
        yield f"{name:44}{values}   {share:.1f} % of the step"


def _spread(values: Sequence[float], form: str) -> str:
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{statistics.median(values):11{form}} [{low:{form}}, {high:{form}}]"


def _device_name(device: torch.device) -> str:
    if device.type == "cpu":
        return f"CPU ({torch.get_num_threads()} thread(s))"
    return torch.cuda.get_device_name(device)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", help="of an elastic algorithm")
    parser.add_argument("--case", choices=CASES, default="small")
    parser.add_argument(
        "--subnets",
        nargs="+",
        metavar="NAME",
        help="the largest first (default: MAX, MIN and a random one)",
    )
    parser.add_argument("--batch", type=int, help="images a step")
    parser.add_argument("--size", type=int, help="side in pixels, of a built-in case")
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.peak_of:
        print(own_peak(args.peak_of))
        return
    if args.repeats < 2:
        raise UserError("--repeats must be 2 or more, for a spread")
    if args.config and args.size:
        raise UserError("--size belongs to a built-in case; a config has its own")
    if args.device != "cpu" and not torch.cuda.is_available():
        raise UserError(f"--device {args.device}: there is no such device here")
    bench = Bench(args)
    names = [subnet.name for subnet in bench.subnets]
    peaks = peak_memory(args, names, bench), peak_memory(args, names[:1], bench)
    rounds = time_step(bench, args.repeats)
    optimizers = time_optimizers(bench, args.repeats)
    for line in report(bench, peaks, rounds, optimizers):
        print(line)


if __name__ == "__main__":
    run_tool(main)
