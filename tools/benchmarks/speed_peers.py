r"""Our training step against those of lightly-train and solo-learn, side by side.

    speed_peers.py --images DIR --out DIR [--lightly-train PYTHON] [--solo-learn PYTHON]
                   [--teacher FOLDER] [--arms NAME ...]

ResNet-18 at 64 px, 128 images a step in two views, the same images from disk, float32
on one thread of a CPU; loading and views are part of a step, the start is not. Each
package trains through its own entry point in an environment of its own, which is named
by its interpreter:

    python -m venv lightly && lightly/bin/pip install lightly-train
    python3.9 -m venv solo && solo/bin/pip install solo-learn 'numpy<1.24' \
        'torchmetrics<0.7' 'setuptools<60' 'timm<0.6' 'pillow<10'

All trainings are there at once and take a few steps in turns, another one first in each
round. Seconds are CPU time of the process; ratios are of rounds; the table has medians
and quartiles, result.json all of it so far. With --arms, only those. Distillations have
the same teacher, DINOv3's smallest ViT at the student's 64 px, drawn at random unless
the folder has its weights in both packages' layouts: teacher.pt and teacher-timm.pt.
"""

import argparse
import os
import platform
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from harness.peers.arms import ARMS, make_arms
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.families import BadValue, OutTaken, TooFewImages


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--out", required=True, help="folder for result.json")
    parser.add_argument("--lightly-train", metavar="PYTHON", help="of its environment")
    parser.add_argument("--teacher", help="folder of its weights; made if not there")
    parser.add_argument("--solo-learn", metavar="PYTHON", help="of its environment")
    parser.add_argument("--arms", nargs="+", choices=[*ARMS], help="the first is ours")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=64, help="of the views in pixels")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=2, help="of each in a round")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--overwrite", action="store_true", help="an earlier result")
    return parser.parse_args(argv)


def copy_images(source: str, folder: Path, count: int) -> Path:
    """Copies some images into a folder that every package can read.

    Args:
        source: Folder of images.
        folder: Is made.
        count: Of images, drawn with seed 0.

    Raises:
        UserError: There are not so many.
    """
    from mmtaskssl.datasets import list_images

    root, ids = list_images(source)
    if len(ids) < count:
        raise TooFewImages(
            f"{source} has {len(ids)} images and {count} are needed, so that no epoch "
            "ends meanwhile: fewer --rounds, --steps or --batch, or other --images"
        )
    folder.mkdir(parents=True)
    for number, name in enumerate(random.Random(0).sample(ids, count)):
        source_file = Path(root or "", name)
        shutil.copy(source_file, folder / f"{number:06d}{source_file.suffix}")
    return folder


def machine_kind(threads: int) -> str:
    """Returns a line on the CPU and what PyTorch uses of it."""
    import torch

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(
            x.split(":")[1].strip() for x in lines if x.startswith("model name")
        )
    except (OSError, StopIteration):
        pass
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{name}, {capability}, {threads} of {os.cpu_count()} cores"


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if min(args.batch, args.size, args.rounds, args.steps, args.threads) < 1:
        raise BadValue("--batch, --size, --rounds, --steps and --threads: at least 1")
    if (Path(args.out) / "result.json").exists() and not args.overwrite:
        raise OutTaken(
            f"{args.out} holds an earlier result: name another folder, or replace it "
            "with --overwrite"
        )
    work = Path(tempfile.mkdtemp(prefix="speed-peers-"))
    try:
        speed = measure(args, work)
    except UserError:
        shutil.rmtree(work / "images", ignore_errors=True)
        raise
    print(speed.table())
    if speed.missing:
        print(f"their logs are in {work}", file=sys.stderr)
        shutil.rmtree(work / "images", ignore_errors=True)
    else:
        shutil.rmtree(work, ignore_errors=True)


def measure(args: argparse.Namespace, work: Path):
    """Copies images, and compares.

    Args:
        args: Of the command line.
        work: An empty folder.
    """
    from harness.peers.compare import compare_peers
    from harness.peers.teacher import ready_teacher

    steps = args.warm_up + args.rounds * args.steps
    images = copy_images(args.images, work / "images", (steps + 1) * args.batch)
    pythons = {
        "ours": sys.executable,
        "lightly_train": args.lightly_train,
        "solo_learn": args.solo_learn,
    }
    if args.teacher:
        ready_teacher(Path(args.teacher), args.lightly_train)
    arms, missing = make_arms(
        args.arms or [*ARMS],
        pythons,
        str(work),
        args.teacher and str(Path(args.teacher).resolve()),
        images=str(images),
        batch=args.batch,
        size=args.size,
        threads=args.threads,
    )
    return compare_peers(
        arms,
        args.rounds,
        args.steps,
        args.warm_up,
        machine_kind(args.threads),
        lambda line: print(line, file=sys.stderr, flush=True),
        missing,
        lambda so_far: so_far.save(args.out, overwrite=True),
    )


if __name__ == "__main__":
    run_tool(main)
