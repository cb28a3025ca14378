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
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from mmtaskssl.utils.errors import UserError, run_tool

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


def training(
    config: str,
    work_dir: Path,
    resume: bool,
    told: int,
    before_save: Callable[[], None],
) -> None:
    """One training, in a process of its own; tells when saves begin and end."""
    from mmtaskssl.engine.config import load_config
    from mmtaskssl.engine.run import train
    from mmtaskssl.engine.runner import ResumableRunner

    images = {"type": "SyntheticImages", "num_images": 12}
    cfg = load_config(config, {"log_level": "WARNING"})
    cfg.work_dir, cfg.launcher, cfg.resume = str(work_dir), "none", resume
    cfg.default_hooks.checkpoint.update(
        interval=3, max_keep_ckpts=1, save_best="knn_top1"
    )
    cfg.default_hooks.knn = {
        "type": "KNNHook",
        "train": images,
        "test": {**images, "seed": 1},
        "interval": 3,
        "by_epoch": False,
    }
    inner = ResumableRunner.save_checkpoint

    def save(self, *args, **kwargs):
        os.write(told, b".")
        before_save()
        inner(self, *args, **kwargs)
        os.write(told, b",")

    ResumableRunner.save_checkpoint = save
    train(cfg)


class Child:
    """A forked training."""

    def __init__(self, log: Path, work: Callable[[int], None]) -> None:
        self.pipe, told = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(told)
            return
        status = 1
        try:
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            work(told)
            status = 0
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 2
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def saves(self, wait: float) -> bytes:
        """Returns what was told since, waiting for at most ``wait`` seconds."""
        ready, _, _ = select.select([self.pipe], [], [], max(0.0, wait))
        return os.read(self.pipe, 1) if ready else b""

    def end(self, kill: bool = False) -> int:
        """Returns the status: negative of a signal."""
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        return os.waitstatus_to_exitcode(status)


def kill_once(child: Child, rng: random.Random, seconds: float, aimed: bool) -> bool:
    """Kills a child; False if it ended before.

    Args:
        child: Of a training.
        rng: Draws the moment.
        seconds: That a training takes, or with ``aimed`` a save.
        aimed: At a save: drawn which one.
    """
    if aimed:
        number = rng.randrange(4)
        while number >= 0:
            told = child.saves(60)
            if not told:
                break
            number -= told == b"."
    time.sleep(rng.random() * seconds)
    return child.end(kill=True) == -signal.SIGKILL


def state(work_dir: Path) -> dict:
    """Returns all of a finished training that must not differ."""
    from mmtaskssl.weights import read_checkpoint

    name = Path((work_dir / "last_checkpoint").read_text()).name
    content = read_checkpoint(work_dir / name)
    info = content["message_hub"]["runtime_info"]
    kept = {key: content[key] for key in ("state_dict", "optimizer")}
    kept["schedules"] = content["param_schedulers"]
    kept["best"] = info["best_score"], Path(info["best_ckpt"]).name
    kept["files"] = sorted(p.name for p in work_dir.iterdir() if p.is_file())
    return kept


def same(a, b) -> bool:
    """Compares bit for bit."""
    import torch

    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


class Disk:
    """A small file system in memory; without the right to mount, a limit on files.

    Args:
        folder: Where.
        size: Bytes that suffice until it is filled.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
            self.mounted = done.returncode == 0
        except OSError:
            self.mounted = False

    @property
    def kind(self) -> str:
        """In words."""
        return f"full disk ({'tmpfs' if self.mounted else 'limit on file size'})"

    def fill(self, free: int) -> None:
        """Leaves ``free`` bytes; in the process that is to find it full."""
        if not self.mounted:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))
            return
        found = os.statvfs(self.folder)
        rest = found.f_bavail * found.f_frsize - free
        (self.folder / "ballast").write_bytes(bytes(max(0, rest)))

    def empty(self) -> None:
        """Takes the filling away."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        """Gives it back."""
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


def main(argv=None):
    args = parse_args(argv)
    if args.out.exists():
        raise UserError(f"{args.out} exists: name a new folder with --out")
    args.out.mkdir(parents=True)
    import torch
    from mmengine.config import Config

    import mmtaskssl.datasets
    import mmtaskssl.engine
    import mmtaskssl.engine.run
    import mmtaskssl.models  # noqa: F401  so that the forks need not

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
        raise UserError(f"the undisturbed training failed, see {log}")
    seconds, save_seconds = time.monotonic() - began, sum(saves) / len(saves)
    reference = state(whole)
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
        return same(state(work_dir), reference)

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
        status = start(place / "run", False, _at_save(number, disk, free)).end()
        disk.empty()
        count(disk.kind, status == 2 and finish(place / "run"), f"disk {trial}")
        disk.close()
        shutil.rmtree(place.parent)
    print("\n| ended by | resumed to the same end |\n| --- | --- |")
    for kind, (fine, trials) in good.items():
        print(f"| {kind} | {fine}/{trials} |")
    return int(any(fine < trials for fine, trials in good.values()))


def _at_save(number: int, disk: Disk, free: int) -> Callable[[], None]:
    """Returns what fills the disk when the given save begins."""
    seen = iter(range(1_000_000))
    return lambda: disk.fill(free) if next(seen) == number else None


if __name__ == "__main__":
    run_tool(main)
