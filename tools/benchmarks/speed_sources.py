"""Images a second from each place that a pool may lie in, measured side by side.

    speed_sources.py [--images FOLDER] [--count 512] [--workers 2] [--rounds 5]

Two ways of reading: a training's epoch (drawn at random, as `UnlabeledImages` reads,
from worker processes that stay, in batches) and an extraction (in order, cropped as a
network asks). No network runs: it would hide what a place costs. Rounds of all places
are interleaved, and the clock's time is counted, since waiting is what a place costs.
The table gives the median over rounds, and the median of each round's ratio to the
folder.

Places: a folder, a tar, a packed tar, Parquet, LMDB (where lmdb is installed), and an
S3 server on this machine (where moto and s3fs are): single images, tars with the
bounded cache, and tars without it. Every place gives the same images in the same order,
or the run fails.
"""

import argparse
import contextlib
import gzip
import importlib.util
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from harness.clock import Clock, in_turns
from mmtaskssl.datasets import UnlabeledImages, list_images, pack_images
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.features.runner import ImageFiles, collate
from mmtaskssl.utils import kept
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue, StepFailed

SHARDS, GROUP = 4, 16


def make_images(folder: Path, count: int) -> None:
    """Writes JPEGs of 320 x 240 with the detail of photos, as noise has it."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        coarse = Image.fromarray(draw.integers(0, 256, (12, 16, 3), np.uint8))
        smooth = np.asarray(coarse.resize((320, 240), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + draw.normal(0, 6, (240, 320, 1)), 0, 255)
        path = folder / f"{number:06d}.jpg"
        Image.fromarray(noisy.astype(np.uint8)).save(path, quality=90)


def take_images(source: str, folder: Path, count: int) -> None:
    """Copies some images of a folder, drawn at random."""
    root, ids = list_images(source)
    folder.mkdir()
    for number, image in enumerate(random.Random(0).sample(ids, min(count, len(ids)))):
        ending = Path(image).suffix
        shutil.copyfile(root / image, folder / f"{number:06d}{ending}")


def pack(files: Sequence[Path], work: Path) -> dict[str, str]:
    """Packs images in every way; returns the sources by name."""
    import pyarrow as pa
    from pyarrow import parquet

    found = {"folder": str(files[0].parent)}
    for name in ("tars", "packed", "tables"):
        (work / name).mkdir()
    size = -(-len(files) // SHARDS)
    for number in range(SHARDS):
        part = files[number * size : (number + 1) * size]
        shard = work / "tars" / f"pool-{number:03d}.tar"
        with tarfile.open(shard, "w") as tar:
            for file in part:
                tar.add(file, file.name)
        packed = work / "packed" / f"pool-{number:03d}.tar.gz"
        packed.write_bytes(gzip.compress(shard.read_bytes(), 1))
        rows = [{"bytes": file.read_bytes(), "path": file.name} for file in part]
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        table = pa.table({"image": pa.array(rows, kind)})
        name = work / "tables" / f"pool-{number:03d}.parquet"
        parquet.write_table(table, name, row_group_size=GROUP)
    found["tars"], found["packed tars"] = str(work / "tars"), str(work / "packed")
    found["Parquet"] = str(work / "tables")
    if importlib.util.find_spec("lmdb"):
        import lmdb

        path = work / "pool.lmdb"
        with (
            lmdb.open(str(path), map_size=1 << 34) as made,
            made.begin(write=True) as writing,
        ):
            for file in files:
                writing.put(file.name.encode(), file.read_bytes())
        found["LMDB"] = str(path)
    return found


@contextlib.contextmanager
def s3_server(folder: Path, tars: Path) -> Iterator[dict[str, str]]:
    """Yields the sources on an S3 server of this machine; none without packages."""
    if not (importlib.util.find_spec("moto") and importlib.util.find_spec("s3fs")):
        print("S3 is left out: it needs the packages moto[server] and s3fs")
        yield {}
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    try:
        _wait_for(port)
        import s3fs

        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir("bench")
        system.put(f"{folder}/", "bench/images/", recursive=True)
        system.put(f"{tars}/", "bench/tars/", recursive=True)
        yield {
            "S3 images": "s3://bench/images",
            "S3 tars": "s3://bench/tars",
            "S3 tars, no cache": "s3://bench/tars",
        }
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 1),
        ):
            return
        time.sleep(0.2)
    raise StepFailed("the S3 server does not start")


def training(source: str, workers: int, batch: int) -> Callable[[], list[float]]:
    """Returns an epoch of a training, which gives the sum of each batch."""
    order = torch.Generator()
    loader = DataLoader(
        UnlabeledImages(source),
        batch,
        shuffle=True,
        generator=order,
        num_workers=workers,
        collate_fn=pack_images,
        persistent_workers=workers > 0,
    )

    def epoch() -> list[float]:
        order.manual_seed(0)
        return [float(part["inputs"].double().sum()) for part in loader]

    return epoch


def extraction(source: str, workers: int, batch: int) -> Callable[[], list[float]]:
    """Returns a pass over the images in order, cropped."""
    root, ids = list_images(source)
    loader = DataLoader(
        ImageFiles(root, ids, EvalTransform(224)),
        batch,
        sampler=range(len(ids)),
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
    )

    def once() -> list[float]:
        return [float(pixels.double().sum()) for pixels, _ in loader]

    return once


def in_cache(name: str, call: Callable[[], list[float]]) -> list[float]:
    """Reads with the cache, or with one that may hold nothing."""
    if not name.endswith("no cache"):
        return call()
    cache = os.environ["XDG_CACHE_HOME"]
    os.environ |= {"XDG_CACHE_HOME": f"{cache}-none", kept.LIMIT: "0"}
    try:
        return call()
    finally:
        os.environ["XDG_CACHE_HOME"] = cache
        del os.environ[kept.LIMIT]


def print_table(title: str, times: dict[str, list[float]], count: int) -> None:
    """Prints one markdown table."""
    print(f"\n{title}\n\n| place | images/s | of the folder's |\n| --- | ---: | ---: |")
    for name, spent in times.items():
        pairs = zip(spent, times["folder"], strict=True)
        ratios = sorted(base / mine for mine, base in pairs)
        ratio = f"{statistics.median(ratios):.2f}x ({ratios[0]:.2f}..{ratios[-1]:.2f})"
        rate = count / statistics.median(spent)
        print(f"| {name} | {rate:,.0f} | {'-' if name == 'folder' else ratio} |")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", help="folder to draw from (default: made up)")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(argv)
    if min(args.count, args.batch, args.rounds) < 1 or args.workers < 0:
        raise BadValue("--count, --batch and --rounds must be at least 1")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(work / "cache")
        if args.images:
            take_images(args.images, work / "images", args.count)
        else:
            make_images(work / "images", args.count)
        files = sorted((work / "images").iterdir())
        sources = pack(files, work)
        with s3_server(work / "images", work / "tars") as far:
            for title, way in (("training", training), ("extraction", extraction)):
                calls, sums = {}, {}
                for place, source in (sources | far).items():
                    read = way(source, args.workers, args.batch)
                    calls[place] = partial(in_cache, place, read)
                    sums[place] = calls[place]()
                if differing := [n for n, s in sums.items() if s != sums["folder"]]:
                    raise StepFailed(f"other images come from {', '.join(differing)}")
                times = in_turns(calls, args.rounds, Clock(wall=True))
                print_table(title, times, len(files))


if __name__ == "__main__":
    run_tool(main)
