"""Compares what ``--dry-run`` says of each command with what the command then takes.

    python tools/benchmarks/plan_evidence.py --images SRC --target SRC --out OUT \
        [--count 2000] [--objects IMAGES ANNOTATIONS] [--regions IMAGES MASKS] \
        [--steps extract select ...]

Of SRC, so many images are taken, evenly spaced. Each command is planned and then run,
both as processes of their own, on the cores that this process may use; time is that of
the whole process. A line each: the unit, and what was planned over what was found, of
the count, the bytes that are written, the time and the memory.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path

from harness.command import watched
from mmtaskssl.cli.dry_run import spaced
from mmtaskssl.datasets.images import list_images
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import OutTaken
from mmtaskssl.utils.tables import aligned

CONFIG = "configs/selfsup/mocov2/mocov2_resnet18-w32_1xb256-coslr-20k_folder-64px.py"
SUPERNET = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py"
)
# A target's features with copies come first, which others select by and keep out.
STEPS = ("copies", "extract", "objects", "regions", "select", "guard")
STEPS += ("cluster", "deduplicate", "take", "pretrain", "search")
_NEEDS = dict.fromkeys(("select", "guard"), ("copies", "extract"))
_NEEDS["cluster"] = ("extract",)
# Says a plan as JSON, from the command's own parser.
_PLAN = """
import dataclasses, json, sys, importlib
from mmtaskssl.cli import plans
command, plan, argv = sys.argv[1], sys.argv[2], sys.argv[3:]
module = importlib.import_module(f"mmtaskssl.cli.{command}")
args = module.make_parser().parse_args(argv)
print(json.dumps(dataclasses.asdict(getattr(plans, plan)(args, argv))))
"""


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--objects", nargs=2, metavar=("IMAGES", "ANNOTATIONS"))
    parser.add_argument("--regions", nargs=2, metavar=("IMAGES", "MASKS"))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    return parser.parse_args(argv)


def commands(args) -> dict[str, tuple[str, str, list[str], Path]]:
    """Returns the module, plan, arguments and output of each step."""
    out, root = args.out, list_images(args.images)[0]
    pool, images = out / "pool", str(out / "images.txt")
    network = ["--model", "torchvision:resnet18", "--weights", "random"]
    network += ["--image-size", "64", "--device", "cpu"]
    named = ["--images", images, "--root", str(root)]
    listed = [f"images={out / 'absolute.txt'}"]
    short = ["batch_size=64", "max_iters=30", "num_workers=0"]
    objects, regions = args.objects or ("", ""), args.regions or ("", "")
    by_target = ["--pool", str(pool), "--target", str(out / "target")]
    return {
        "copies": (
            *("extract_features", "of_extract"),
            [
                *(*network, "--images", args.target, "--leak-copies"),
                *("--out", str(out / "target")),
            ],
            out / "target",
        ),
        "objects": (
            *("extract_features", "of_extract"),
            [
                *(*network, "--images", objects[0], "--boxes", objects[1]),
                *("--out", str(out / "objects")),
            ],
            out / "objects",
        ),
        "regions": (
            *("extract_features", "of_extract"),
            [
                *(*network, "--images", regions[0], "--regions", regions[1]),
                *("--void", "0", "--around", "grey", "--out", str(out / "regions")),
            ],
            out / "regions",
        ),
        "guard": (
            *("select_data", "of_select"),
            [
                *(*by_target, "--budget", "20%", "--out", str(out / "guarded")),
                *("--exclude", str(out / "target")),
            ],
            out / "guarded",
        ),
        "extract": (
            *("extract_features", "of_extract"),
            [*network, *named, "--out", str(pool), "--rows-per-shard", "512"],
            pool,
        ),
        "select": (
            *("select_data", "of_select"),
            [*by_target, "--budget", "20%", "--out", str(out / "selection")],
            out / "selection",
        ),
        "cluster": (
            *("cluster_data", "of_cluster"),
            [
                *("--pool", str(pool), "--tree", "4x4"),
                *("--out", str(out / "clusters")),
            ],
            out / "clusters",
        ),
        "deduplicate": (
            *("deduplicate", "of_deduplicate"),
            [images, "--pool-root", str(root), "--out", str(out / "kept")],
            out / "kept",
        ),
        "take": (
            *("take", "of_take"),
            [images, "--images", str(root), "--out", str(out / "taken")],
            out / "taken",
        ),
        "pretrain": (
            *("train", "of_pretrain"),
            [
                *(CONFIG, "--work-dir", str(out / "work")),
                *("--cfg-options", *listed, *short),
            ],
            out / "work",
        ),
        "search": (
            *("search_subnet", "of_search"),
            [
                *(
                    SUPERNET,
                    str(out / "supernet" / "iter_2.pth"),
                    *named,
                    "--out",
                    str(out / "search"),
                ),
                *("--budget", "0-10G", "--candidates", "30", "--num-images", "256"),
                *("--device", "cpu"),
            ],
            out / "search",
        ),
    }


def size_of(folder: Path) -> int:
    """Adds up the bytes of a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def count_of(step: str, out: Path) -> int | None:
    """Returns what a finished step counts, of those whose count is its result."""
    if step in ("extract", "objects", "regions", "copies"):
        found = [*out.glob("manifest.json"), *out.glob("copies/manifest.json")]
        return sum(json.loads(one.read_text())["rows"] for one in found)
    if step in ("select", "guard"):
        return len((out / "selection.txt").read_text().splitlines())
    if step == "search":
        lines = (out / "results.jsonl").read_text().splitlines()
        return sum('"score' in line for line in lines) or len(lines)
    return None


def main(argv=None):
    args = parse_args(argv)
    if args.out.exists():
        raise OutTaken(f"{args.out} exists: name a new folder with --out")
    args.out.mkdir(parents=True)
    chosen = spaced(list_images(args.images)[1], args.count)
    (args.out / "images.txt").write_text("".join(f"{image}\n" for image in chosen))
    root = list_images(args.images)[0].absolute()
    lines = "".join(f"{root / image}\n" for image in chosen)
    (args.out / "absolute.txt").write_text(lines)
    steps = commands(args)
    python, tool = sys.executable, [sys.executable, "-m", "mmtaskssl"]
    head = ["step", "count", "written", "time", "memory", "found", "plan took"]
    if "search" in args.steps:  # which compares trained sub-nets
        trained = ["--work-dir", str(args.out / "supernet")]
        options = ["--cfg-options", "max_iters=2"]
        watched([*tool, "pretrain", SUPERNET, *trained, *options], args.out / "s.log")
    asked = {*args.steps}.union(*(_NEEDS.get(step, ()) for step in args.steps))
    if not args.objects:
        asked.discard("objects")
    if not args.regions:
        asked.discard("regions")
    rows = [head]
    for step in STEPS:
        command, plan, line, out = steps[step]
        if step not in asked:
            continue
        planning = watched(
            [python, "-c", _PLAN, command, plan, *line], args.out / f"{step}-plan.log"
        )
        planned = json.loads(planning.said.strip().splitlines()[-1])
        found = watched([*tool, command, *line], args.out / f"{step}.log")
        count = count_of(step, out)
        rows.append(
            [
                step,
                "" if count is None else f"{planned['count'] / count:.2f}",
                f"{planned['writes'] / size_of(out):.2f}",
                f"{planned['seconds'] / found.seconds:.2f}",
                f"{planned['memory'] / found.peak:.2f}",
                f"{found.seconds:.1f} s (cpu {found.cpu:.1f}), "
                f"{size_of(out) / 1e6:.2f} MB, "
                f"{found.peak / 1e6:.0f} MB",
                f"{planning.seconds:.1f} s (cpu {planning.cpu:.1f})",
            ]
        )
        print("\n".join(aligned([head, rows[-1]], names=1)), flush=True)
    print("\nplanned over found:")
    print("\n".join(aligned(rows, names=1)))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"load {os.getloadavg()[0]:.1f}; {children.ru_utime:.0f} s of processors")


if __name__ == "__main__":
    run_tool(main)
