"""Trainings that are killed, or whose disk is full, and what they end as."""

import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import train
from mmtaskssl.engine.runner import ResumableRunner
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import read_checkpoint


def training(
    config: str,
    work_dir: Path,
    resume: bool,
    told: int,
    before_save: Callable[[], None],
) -> None:
    """One training, in a process of its own; tells when saves begin and end."""
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


def end_state(work_dir: Path) -> dict:
    """Returns all of a finished training that must not differ."""
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


def fill_at_save(number: int, disk: Disk, free: int) -> Callable[[], None]:
    """Returns what fills the disk when the given save begins."""
    seen = iter(range(1_000_000))
    return lambda: disk.fill(free) if next(seen) == number else None
