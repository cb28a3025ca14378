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
from collections.abc import Callable, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from harness.search_bench import LOOPS, SearchBench, Setting
from mmtaskssl.cli import options
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue


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
    options.add_device(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    return parser.parse_args(argv)


def report(bench: SearchBench, scores: dict[str, dict[Subnet, float]]) -> list[str]:
    setting, seconds, count = bench.setting, bench.seconds, len(bench.candidates)
    kind = "CPU" if setting.clock == "cpu" and setting.device == "cpu" else "clock"
    size = bench.transform.image_size
    lines = [
        f"{count} candidates ({len(bench.some)} for loops and floors), "
        f"{len(bench.sample.ids)} images of {size} px, {setting.metric} metric, "
        f"{setting.device}; {kind} seconds",
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
        raise BadValue("--candidates and --loop-candidates must be at least 1")
    setting = vars(args)
    del setting["max_pixels"]  # has acted already
    bench = SearchBench(Setting(**setting))
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
