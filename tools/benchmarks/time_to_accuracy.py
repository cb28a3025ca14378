r"""CPU time to a linear accuracy: our distillation against lightly-train's.

    time_to_accuracy.py --images DIR --target DIR --out DIR --goal PERCENT
        --teacher FOLDER --lightly-train PYTHON [--selection selection.txt]
        [--arms NAME ...]

The same images, teacher, student (ResNet-18) and pixels for both, then ours on the
images of a selection. Each is measured by kNN and logistic regression on the target's
frozen features every so many steps, beside its time, and ends at the goal.
The same command goes on after an interruption: arms that ended are kept.

FOLDER has DINOv3's smallest ViT in both packages' layouts, `teacher.pt` and
`teacher-timm.pt`; without them one is drawn at random, which is for trying this out.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from harness.peers.arms import ARMS, make_arms
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue, PackageMissing

DISTILLED = ("Distillation, ours", "Distillation, lightly-train")
EVALUATED = "selfsup/simsiam/simsiam_resnet18_1xb256-coslr-20k_folder-64px.py"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--target", required=True, help="train/ and test/ with classes")
    parser.add_argument("--out", required=True, help="folder for times.json")
    parser.add_argument("--goal", type=float, required=True, help="per cent, linear")
    parser.add_argument("--teacher", help="folder of its weights")
    parser.add_argument("--lightly-train", metavar="PYTHON", help="of its environment")
    parser.add_argument("--selection", help="file; of our arms, trained once more")
    parser.add_argument("--arms", nargs="+", choices=[*ARMS], default=[*DISTILLED])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=64, help="of the views in pixels")
    parser.add_argument("--steps", type=int, default=500, help="of each, at most")
    parser.add_argument("--every", type=int, default=25, help="steps to a measurement")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if min(args.batch, args.size, args.steps, args.every, args.threads) < 1:
        raise BadValue("--batch, --size, --steps, --every and --threads: at least 1")
    from harness.peers.accuracy import time_to_accuracy
    from mmtaskssl.apis import evaluate
    from mmtaskssl.config import load_config

    network = load_config(EVALUATED, {"model.data_preprocessor.view_size": args.size})

    def measure(file: Path) -> dict[str, float]:
        found = evaluate(
            (network, file), args.target, probe=["knn", "linear"], device="cpu"
        )
        return found.means

    work = Path(tempfile.mkdtemp(prefix="time-to-accuracy-"))
    try:
        found = time_to_accuracy(
            selected(args, work),
            measure,
            args.goal,
            args.steps,
            args.every,
            Path(args.out),
            {"target": str(Path(args.target).resolve()), "selection": args.selection},
            lambda line: print(line, file=sys.stderr, flush=True),
        )
        print(found.table())
    finally:
        shutil.rmtree(work, ignore_errors=True)


def selected(args: argparse.Namespace, work: Path) -> list:
    """Returns the arms, ours once more on a selection's images if one is given.

    Args:
        args: Of the command line.
        work: Folder for what the trainings write.

    Raises:
        UserError: A package is missing.
    """
    if args.teacher:
        from harness.peers.teacher import ready_teacher

        ready_teacher(Path(args.teacher), args.lightly_train)
    arms, missing = make_arms(
        args.arms,
        {
            "ours": sys.executable,
            "lightly_train": args.lightly_train,
            "solo_learn": None,
        },
        str(work),
        args.teacher and str(Path(args.teacher).resolve()),
        images=str(Path(args.images).resolve()),
        batch=args.batch,
        size=args.size,
        threads=args.threads,
    )
    if missing:
        raise PackageMissing(
            "; ".join(f"{name}: {why}" for name, why in missing.items())
        )
    if args.selection:
        ours = [arm for arm in arms if arm.task.package == "ours"]
        chosen = {"selection": str(Path(args.selection).resolve())}
        for arm in ours:
            task = replace(
                arm.task,
                work=f"{arm.task.work}-selected",
                options={**arm.task.options, **chosen},
            )
            arms.append(replace(arm, name=f"{arm.name}, selected", task=task))
    return arms


if __name__ == "__main__":
    run_tool(main)
