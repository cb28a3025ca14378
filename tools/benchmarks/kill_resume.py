r"""Kills trainings and fills their disks, and counts which resume to the same end.

    python tools/benchmarks/kill_resume.py [CONFIG] --out OUT [--kills 50] [--full 20]

An undisturbed training of CONFIG (default: the debug MoCo v2, with one checkpoint kept
and the best one by kNN) is the reference. Then each trial is a training that is ended

- by SIGKILL at a random moment, in every second trial within a save: counted from the
  moment a checkpoint begins to be written, a random share of the time that writing all
  the files takes; or
- by a full disk: a small file system in memory, filled when a random save begins so
  that a random part of the checkpoint fits (where none can be mounted: a limit on the
  size of the process's files);

and is resumed. It counts if weights, optimizer, schedules and best score of the last
checkpoint are bit for bit those of the reference, and the same files are in the folder;
of a full disk also, if the training ended with a sentence. Each training is a fork of
this process, which has imported everything: 140 trainings in minutes.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import OutTaken, StepFailed

CONFIG = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
MIB = 1 << 20


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", default=CONFIG)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--full", type=int, default=20, help="trials with a full disk")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    if args.out.exists():
        raise OutTaken(f"{args.out} exists: name a new folder with --out")
    args.out.mkdir(parents=True)
    import torch
    from mmengine.config import Config

    import mmtaskssl.datasets
    import mmtaskssl.engine
    import mmtaskssl.engine.run
    import mmtaskssl.models  # noqa: F401  so that the forks need not
    from harness.interrupted import (
        Child,
        Disk,
        end_state,
        fill_at_save,
        kill_once,
        same,
        training,
    )

    torch.set_num_threads(1)
    # Formatting the text in each checkpoint takes longer than all else of a save.
    Config.pretty_text = property(lambda self: "")
    rng = random.Random(args.seed)
    log = args.out / "log.txt"

    def start(work_dir: Path, resume: bool, before_save=lambda: None) -> Child:
        return Child(
            log,
            lambda told: training(args.config, work_dir, resume, told, before_save),
        )

    whole = args.out / "whole"
    child, began, saves, opened = start(whole, False), time.monotonic(), [], 0.0
    while told := child.saves(600):
        if told == b".":
            opened = time.monotonic()
        else:
            saves.append(time.monotonic() - opened)
    if child.end() != 0:
        raise StepFailed(f"the undisturbed training failed, see {log}")
    seconds, save_seconds = time.monotonic() - began, sum(saves) / len(saves)
    reference = end_state(whole)
    sizes = [path.stat().st_size for path in whole.glob("*.pth")]
    size = max(sizes)
    print(
        f"undisturbed: {seconds:.1f} s, {len(saves)} saves of {save_seconds:.2f} s, "
        f"{size / MIB:.1f} MiB",
        flush=True,
    )

    def finish(work_dir: Path) -> bool:
        if start(work_dir, True).end() != 0:
            return False
        return same(end_state(work_dir), reference)

    good: dict[str, list[int]] = {}

    def count(kind: str, fine: bool, trial: str) -> None:
        tally = good.setdefault(kind, [0, 0])
        tally[0] += fine
        tally[1] += 1
        print(f"{trial}, {kind}: {'same end' if fine else 'ANOTHER END'}", flush=True)

    for trial in range(args.kills):
        aimed = trial % 2 == 1
        work_dir = args.out / f"kill{trial}"
        window = save_seconds * 1.5 if aimed else seconds
        while not kill_once(start(work_dir, False), rng, window, aimed):
            shutil.rmtree(work_dir, ignore_errors=True)  # it had ended before
        kind = f"SIGKILL {'in a save' if aimed else 'at any moment'}"
        count(kind, finish(work_dir), f"kill {trial}")
        shutil.rmtree(work_dir)
    for trial in range(args.full):
        place = Path(tempfile.mkdtemp(dir=args.out)) / "disk"
        disk = Disk(place, 8 * size + 8 * MIB)
        # Less than the smallest of the files, so that any save finds too little.
        free, number = int(rng.random() * min(sizes)), rng.randrange(len(saves))
        status = start(place / "run", False, fill_at_save(number, disk, free)).end()
        disk.empty()
        count(disk.kind, status == 2 and finish(place / "run"), f"disk {trial}")
        disk.close()
        shutil.rmtree(place.parent)
    print("\n| ended by | resumed to the same end |\n| --- | --- |")
    for kind, (fine, trials) in good.items():
        print(f"| {kind} | {fine}/{trials} |")
    return int(any(fine < trials for fine, trials in good.values()))


if __name__ == "__main__":
    run_tool(main)
