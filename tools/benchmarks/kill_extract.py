r"""Kills workers of extractions, and compares the stores with an undisturbed one.

    python tools/benchmarks/kill_extract.py --out OUT [--kills 20] [--engine ray]
    python tools/benchmarks/kill_extract.py --out OUT --images SRC --after 0.3 --kills 1

Two workers fill one store. At random moments, one that holds a shard is ended by
SIGKILL, and another one begins; as long as it takes, store after store. With processes,
one of the two takes itself to be on another machine, whose death is known by its
silence alone (a lease of two seconds). With Ray, they are actors of a local cluster,
which the driver replaces. A store counts if all of its files have the very bytes of
the undisturbed one, and nothing else lies there.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import torch
from PIL import Image

from mmtaskssl.features import claims, extract
from mmtaskssl.features.opening import open_runner
from mmtaskssl.runs import holder
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import OutTaken, StepFailed
from mmtaskssl.utils.hashing import file_sha256

LEASE = 2.0


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--engine", choices=("processes", "ray"), default="processes")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--after", type=float, default=0.0, help="share of a store")
    parser.add_argument("--images", help="default: 192 that are drawn")
    parser.add_argument("--model", default="torchvision:resnet18")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--rows-per-shard", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def draw_images(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(192):
        pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    (folder / "100.png").write_bytes(b"broken")
    return folder


class Job:
    """An extraction that several do."""

    def __init__(self, args):
        self.args, self.source = args, args.images or draw_images(args.out / "images")
        self.runner = open_runner(
            *[(args.model, "random")],
            image_size=args.image_size,
            batch_size=8,
            workers=0,
            device="cpu",
        )
        self.rows = args.rows_per_shard or 16

    def run(self, store: Path, engine: str = "processes", elsewhere: bool = False):
        """Fills a store, or does a part of it."""
        if elsewhere:
            name = f"elsewhere {os.getpid()}"
            holder._host = lambda: name
        claims.Claims.__init__.__defaults__ = (LEASE,)
        extract.extract(
            *(self.runner, self.source),
            out=store,
            rows_per_shard=self.rows,
            engine=engine,
        )


def bytes_of(store: Path) -> dict[str, str]:
    """Hashes all that lies in a store."""
    return {path.name: file_sha256(path) for path in sorted(store.iterdir())}


def holders(store: Path) -> list[int]:
    """Returns the processes that hold a shard."""
    found = []
    for claim in store.glob(".shard-*.claim"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            found.append(json.loads(claim.read_text())["pid"])
    return found


class Killer(threading.Thread):
    """Ends whoever holds a shard, at random moments, until a store is done."""

    def __init__(self, store: Path, rng: random.Random, args, most: int):
        super().__init__(daemon=True)
        self.store, self.rng, self.args, self.most = store, rng, args, most
        self.kills, self.over = 0, threading.Event()

    def run(self):
        """Kills until it is told that the store is done."""
        shards = 0
        while not shards:
            with contextlib.suppress(OSError, ValueError, KeyError):
                manifest = json.loads((self.store / "manifest.json").read_text())
                shards = len(manifest["shard_rows"])
            if self.over.wait(0.01):
                return
        own = {os.getpid()}
        while self.kills < self.most and not self.over.wait(0.002):
            done = len([*self.store.glob("shard-*.npy")])
            pids = [pid for pid in holders(self.store) if pid not in own]
            if done < self.args.after * shards or not pids:
                continue
            # In every third trial at once: while a claim is made, or a shard written.
            if self.rng.random() < 0.67 and self.over.wait(self.rng.random() * 0.4):
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.rng.choice(pids), signal.SIGKILL)
                self.kills += 1
                own.update(pids)  # each once


def by_processes(job: Job, store: Path, killer: Killer) -> None:
    """Two workers; whoever was killed has a successor."""
    fork, number = multiprocessing.get_context("fork"), 0
    workers = []
    while True:
        while len(workers) < 2:
            # Forked: importing everything anew would take longer than the work.
            worker = fork.Process(
                target=job.run, args=(store,), kwargs={"elsewhere": number % 2 == 1}
            )
            worker.start()
            workers.append(worker)
            number += 1
            if number == 2:
                killer.start()
        for worker in [*workers]:
            worker.join(0.01)
            if worker.exitcode == 0:
                for other in workers:
                    other.join()
                if {w.exitcode for w in workers} - {0, -signal.SIGKILL}:
                    raise StepFailed("a worker failed; what it said is above")
                return
            if worker.exitcode is not None:
                workers.remove(worker)
                if worker.exitcode != -signal.SIGKILL:
                    raise StepFailed("a worker failed; what it said is above")


def by_ray(job: Job, store: Path, killer: Killer) -> None:
    killer.start()
    job.run(store, "ray")


def main(argv=None):
    args = parse_args(argv)
    if args.out.exists():
        raise OutTaken(f"{args.out} exists: name a new folder with --out")
    args.out.mkdir(parents=True)
    torch.set_num_threads(1)
    rng = random.Random(args.seed)
    job, begin = Job(args), time.monotonic()
    job.run(args.out / "undisturbed")
    expected = bytes_of(args.out / "undisturbed")
    print(f"undisturbed: {time.monotonic() - begin:.1f} s, {len(expected)} files")
    if args.engine == "ray":
        import ray

        ray.init(num_cpus=2, log_to_driver=False, configure_logging=False)
    kills, stores, equal = 0, 0, 0
    fill = by_ray if args.engine == "ray" else by_processes
    while kills < args.kills:
        store = args.out / f"killed-{stores}"
        killer = Killer(store, rng, args, args.kills - kills)
        begin = time.monotonic()
        fill(job, store, killer)
        killer.over.set()
        killer.join()
        same = bytes_of(store) == expected
        kills, stores, equal = kills + killer.kills, stores + 1, equal + same
        seconds = time.monotonic() - begin
        print(
            f"store {stores}: {killer.kills} kills, {seconds:.1f} s, "
            f"{'same bytes' if same else 'OTHER BYTES'}",
            flush=True,
        )
    print(f"{kills} kills in {stores} stores, {equal} of the bytes of the undisturbed")
    if equal < stores:
        raise StepFailed(f"{stores - equal} stores have other bytes")


if __name__ == "__main__":
    run_tool(main)
