r"""Kills `mmtaskssl customize` at random moments, and looks whether it ends the same.

    python tools/benchmarks/kill_customize.py --out OUT [--kills 20] [--seed 0]

An undisturbed run on a few built-in images, with drawn weights of a small network of
timm as the start, is the reference. Then another folder: the same command is started,
killed with all its processes (SIGKILL) after a random time, and started again, until
it has been killed so often; the last start goes on to the end. It counts if verdict and
every figure of every arm are those of the reference. The time to the next kill counts
from the first line that a run prints, and is drawn from an eighth of what the whole run
takes: kills fall into all stages.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import OutTaken, StepFailed

_START = "test_efficientnet"
# Of an arm, and of each of its trainings: another folder's, and another run's.
_OWN = ("seconds", "command", "checkpoint")
_ARMS = ("start", "norms", "continued")


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def prepare(out: Path) -> list[str]:
    """Writes images and weights; returns the command but for its folder."""
    import timm
    import torch

    from mmtaskssl.quickstart import builtin

    builtin.CROPS = 40
    pool, target = builtin.write_builtin(out / "images")
    for folder in (target / "test").iterdir():
        for place in sorted(folder.iterdir())[8:]:  # seconds, not minutes
            place.unlink()
    torch.manual_seed(0)
    weights = out / "start.pth"
    torch.save(timm.create_model(_START, pretrained=False).state_dict(), weights)
    return [
        *(sys.executable, "-m", "mmtaskssl", "customize"),
        *("--pool", str(pool), "--target", str(target)),
        *("--start", f"timm:{_START}={weights}", "--budget", "3M-6M"),
        *("--scale", "0.05", "--select", "64", "--workers", "0", "--arms", *_ARMS),
    ]


def figures(folder: Path) -> dict:
    """Returns all of a record that must not depend on kills."""
    from mmtaskssl.apis import Customized

    record = Customized.open(folder).record
    return _less({"verdict": record["verdict"], "arms": record["arms"]})


def _less(value: Any) -> Any:
    """Leaves out what says where and how fast it was, at any depth."""
    if isinstance(value, dict):
        return {k: _less(v) for k, v in value.items() if k not in _OWN}
    return [_less(one) for one in value] if isinstance(value, list) else value


def main(argv=None):
    args = parse_args(argv)
    if args.out.exists():
        raise OutTaken(f"{args.out} exists: name a new folder with --out")
    args.out.mkdir(parents=True)
    command, log = prepare(args.out), args.out / "log.txt"

    def start(folder: str) -> subprocess.Popen:
        with open(log, "ab") as file:
            return subprocess.Popen(
                [*command, "--out", str(args.out / folder)],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    begin = time.monotonic()
    if start("whole").wait() != 0:
        raise StepFailed(f"the undisturbed run failed, see {log}")
    seconds = time.monotonic() - begin
    print(f"undisturbed: {seconds:.0f} s", flush=True)
    reference, rng, kills = figures(args.out / "whole"), random.Random(args.seed), 0
    while True:
        size = log.stat().st_size
        process = start("killed")
        while log.stat().st_size == size and process.poll() is None:
            time.sleep(0.05)  # until it says its first word: imports teach nothing
        try:
            wait = rng.uniform(0, seconds / 8) if kills < args.kills else None
            status = process.wait(wait)
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            done = sorted((args.out / "killed").rglob("*"))
            print(f"kill {kills}, {len(done)} files there", flush=True)
    same = status == 0 and figures(args.out / "killed") == reference
    print(f"{kills} kills, {'the same end' if same else 'ANOTHER END'}")
    return int(not same)


if __name__ == "__main__":
    run_tool(main)
