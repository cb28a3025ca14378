"""What lies between disk and network: batches from workers, views, kNN's bank.

Prints three tables.

  batches  what a batch of decoded images costs the training process, from two workers
           that are ahead of it: file descriptors, its CPU time, and the clock's. Once
           as a list of images, once packed into a block
  views    operations that the views of a batch launch on an accelerator, and the bytes
           that these read and write, over what is needed at least: each crop read once
           and each view written once. Counted on meta tensors, so that it needs no GPU
  kNN      memory of the features of ImageNet's training images, a process; computed
"""

import argparse
import os
import random
import resource
import statistics
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, Dataset

from harness.traffic import TrafficCounter
from mmtaskssl.datasets import SyntheticImages, UnlabeledImages, pack_images
from mmtaskssl.models.preprocessors import RECIPES, tensor_views
from mmtaskssl.models.preprocessors.draws import draw_view
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue

SIZES = {
    (64, "equal"): [(96, 128)],
    (64, "mixed"): [(96, 128), (128, 96), (110, 100), (128, 171), (90, 70)],
    (224, "equal"): [(375, 500)],
    (224, "mixed"): [(375, 500), (500, 375), (333, 500), (400, 300), (256, 256)],
}
META = torch.device("meta")


class InMemory(Dataset):
    """Images that are decoded already, again and again."""

    def __init__(self, images: Sequence[torch.Tensor], length: int) -> None:
        self.images, self.length = images, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        return {
            "inputs": self.images[index % len(self.images)],
            "sample_idx": index,
        }


def measure_batches(images: Sequence, batch_size: int, count: int) -> None:
    """Prints a row for each way to collate."""
    for collate in (pseudo_collate, pack_images):
        loader = DataLoader(
            InMemory(images, batch_size * count),
            batch_size,
            num_workers=2,
            collate_fn=collate,
        )
        wall, cpu, descriptors = [], [], []
        batches = iter(loader)
        next(batches)  # the workers are there
        while True:
            time.sleep(0.2)  # they are ahead
            start = time.perf_counter(), time.process_time()
            batch = next(batches, None)
            if batch is None:
                break
            wall.append(1e3 * (time.perf_counter() - start[0]))
            cpu.append(1e3 * (time.process_time() - start[1]))
            descriptors.append(_num_tensors(batch))
        print(
            f"| {batch_size} | {collate.__name__} | {max(descriptors)} | "
            f"{statistics.median(cpu):.1f} | {statistics.median(wall):.1f} |"
        )


def _num_tensors(batch: dict) -> int:
    """Each is a file descriptor until the training process has received it."""
    values = [v if isinstance(v, list) else [v] for v in batch.values()]
    return sum(isinstance(x, torch.Tensor) for value in values for x in value)


def measure_views(preset: str, size: int, kind: str, count: int) -> None:
    """Prints a row."""
    sizes = SIZES[size, kind]
    sizes = np.array([sizes[i % len(sizes)] for i in range(count)])
    generator = np.random.default_rng(1)
    draws = [draw_view(recipe, sizes, generator) for recipe in RECIPES[preset]]
    modes = [recipe.interpolation for recipe in RECIPES[preset]]
    pixels = torch.empty(int(sizes.prod(1).sum()), 3, dtype=torch.uint8, device=META)
    out = torch.empty(len(draws) * count, 3, size, size, device=META)
    norm = torch.ones(3, 1, 1, device=META)
    with TrafficCounter() as counter:
        tensor_views.fill_views(out, pixels, sizes, draws, modes, norm, norm)
    needed = out.nbytes + 3 * sum(int(d.boxes[:, 2:].prod(1).sum()) for d in draws)
    moved = counter.num_bytes.total()
    print(
        f"| {preset} | {size} px, {kind} sizes | {count} | "
        f"{counter.launches.total()} | {moved / 1e9:.2f} | {moved / needed:.0f} |"
    )


def print_bank(rows: int, dim: int) -> None:
    """Prints a row for some numbers of processes."""
    for processes in (1, 8, 16):
        mine = -(-rows // processes)
        print(
            f"| {processes} | {2 * 4 * rows * dim / 2**30:.1f} | "
            f"{2 * mine * dim / 2**30:.2f} |"
        )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", help="folder of real images (default: generated)")
    parser.add_argument("--batches", type=int, default=20)
    args = parser.parse_args(argv)
    if args.batches < 2:
        raise BadValue("--batches must be at least 2")
    torch.set_num_threads(1)
    data = UnlabeledImages(args.images) if args.images else SyntheticImages(64, size=96)
    chosen = random.Random(0).sample(range(len(data)), min(len(data), 256))
    images = [data[i]["inputs"] for i in chosen]
    # Lists of 256 images from two workers need more than the usual 1,024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("\n| batch | collated by | descriptors | CPU ms | clock ms |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for batch_size in (32, 256):
        measure_batches(images, batch_size, args.batches)
    print("\n| preset | views | batch | launches | GB moved | over the least |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for preset in ("mocov2", "byol"):
        for size, kind in SIZES:
            for count in (32, 256):
                measure_views(preset, size, kind, count)
    print("\n| processes | all features twice, GiB | own rows in float16, GiB |")
    print("| ---: | ---: | ---: |")
    print_bank(1_281_167, 2048)


if __name__ == "__main__":
    run_tool(main)
