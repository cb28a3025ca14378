r"""Memory and time of a multi-sub-net training step, against its parts.

    speed_step.py [CONFIG | --case small|r50] [--subnets MAX MIN ...] [--device cuda]
    speed_step.py CONFIG --alone

CONFIG is one of an elastic algorithm; its model, preprocessor and optimizer wrapper
run on generated images. Without it a built-in case runs: a DynamicResNet whose
sub-nets regress the features of its averaged self. `small` has the data_basic space
(64 px), `r50` the data_bottleneck space (224 px) of DATA.

Memory. Peak of the step of all sub-nets over the peak of the step of the first one
alone, both with weights, optimizer state and teacher.

Time. The step over the sum of its parts: preprocessing with teacher; each sub-net's
forward and backward; the optimizer's step. Then one step of each optimizer.

--alone, of a slimmable CONFIG: the step as its sampler draws it over the training,
against the steps of the networks that train each width alone by the same recipe: time,
images/s, peak memory, and what the MACs of the backbones say.

Rounds of all parts are interleaved, ratios are taken within a round, and the tables
give medians over rounds. On a CPU the clock counts this process' CPU time, so that
waiting for others does not count; on CUDA it is a clock on the wall, synchronised.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.cli import options
from mmtaskssl.utils.devices import pick_device
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue, OptionConflict

CASES = ("small", "r50")


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
    parser.add_argument(
        "--alone", action="store_true", help="against each width trained alone"
    )
    parser.add_argument("--batch", type=int, help="images a step")
    parser.add_argument("--size", type=int, help="side in pixels, of a built-in case")
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    options.add_device(parser)
    return parser.parse_args(argv)


def check(args: argparse.Namespace) -> None:
    if args.repeats < 2:
        raise BadValue("--repeats must be 2 or more, for a spread")
    if args.config and args.size:
        raise OptionConflict("--size belongs to a built-in case; a config has its own")
    if args.alone and (args.subnets or not args.config):
        raise OptionConflict(
            "--alone needs a CONFIG, and takes the sub-nets of its sampler"
        )
    args.device = str(pick_device(args.device))


def against_parts(setting, repeats: int) -> Iterable[str]:
    from harness.bench import Bench
    from harness.memory import peak_memory
    from harness.parts import report_parts, time_optimizers, time_step

    names = [subnet.name for subnet in Bench(setting).subnets]
    settings = [replace(setting, subnets=some) for some in (names, names[:1])]
    peaks = tuple(map(peak_memory, settings))
    bench = Bench(settings[0])
    rounds = time_step(bench, repeats)
    return report_parts(bench, peaks, rounds, time_optimizers(bench, repeats))


def against_alone(setting, repeats: int) -> Iterable[str]:
    from harness.alone import compare_alone, every_width, report_alone
    from harness.bench import Bench
    from harness.memory import peak_memory

    names = [subnet.name for subnet in every_width(Bench(setting))]
    peaks = {"step": peak_memory(replace(setting, subnets=names))}
    peaks |= {name: peak_memory(replace(setting, alone=name)) for name in names}
    return report_alone(compare_alone(setting, peaks, repeats))


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    check(args)
    # Late, so that --help and wrong arguments answer at once.
    from harness.bench import Setting

    setting = Setting(
        args.config, args.case, args.batch, args.size, args.device, args.subnets
    )
    report = against_alone if args.alone else against_parts
    for line in report(setting, args.repeats):
        print(line)


if __name__ == "__main__":
    run_tool(main)
