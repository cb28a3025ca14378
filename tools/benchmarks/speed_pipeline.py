"""Views per second and core of SSL input pipelines, measured side by side.

Every pipeline turns the same JPEG files into the two normalised MoCo v2 views of each
image, in one process on one thread. Rounds of all pipelines are interleaved, so that a
busy machine slows them alike, and CPU time is counted, so that waiting is not. The
table gives the median over rounds; its last column is each pipeline's time as a
multiple of ours, with the least and the greatest round.

Pipelines:
  ours            decode and pack (a worker's part) + batched views (the model's part)
  ours, RAM cache batched views of images that were decoded once
  mmselfsup       the train pipeline of mmselfsup 1.0's MoCo v2 configs. Its hue jitter
                  (mmcv.adjust_hue) raises OverflowError for negative shifts on
                  numpy 2; here the same code runs with the shift taken modulo 256
  torchvision PIL the per-image PIL transforms that lightly and solo-learn use
  decode only     the floor of every pipeline without a cache: two views per decode

The 224 px rows use JPEGs with a long side of 500 px, made by enlarging real images.
"""

import argparse
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from mmengine.dataset import default_collate, pseudo_collate
from PIL import Image, ImageFilter

from harness.clock import Clock, in_turns
from mmtaskssl.datasets import UnlabeledImages, list_images, read_image
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def enlarge(files: Sequence[Path], folder: Path, long_side: int = 500) -> list[Path]:
    """Writes enlarged copies as JPEG (quality 90, 4:2:0, as ImageNet's are)."""
    made = []
    for number, file in enumerate(files):
        image = Image.fromarray(read_image(file))
        scale = long_side / max(image.size)
        size = [round(side * scale) for side in image.size]
        image = image.resize(size, Image.Resampling.BICUBIC)
        # Enlarging leaves no fine detail, which real photos have and which costs a
        # decoder time: film grain of a few grey levels stands in for it.
        noise = np.random.default_rng(number).normal(0, 4, (size[1], size[0], 1))
        pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
        made.append(folder / f"{number:04d}.jpg")
        Image.fromarray(pixels).save(made[-1], quality=90, subsampling=2)
    return made


def ours(files: Sequence[Path], root: Path, size: int, cache: str) -> Callable:
    listing = root / "files.txt"
    listing.write_text("\n".join(str(file.resolve()) for file in files))
    data = UnlabeledImages(str(listing), cache=cache)
    data.full_init()
    preprocessor = MODELS.build(
        {"type": "mmtaskssl.TwoViewPreprocessor", "preset": "mocov2", "view_size": size}
    )

    def run(rows: range) -> None:
        batch = pseudo_collate([data[i] for i in rows])
        preprocessor(batch, training=True)

    return run


def mmselfsup_pipeline(files: Sequence[Path], size: int) -> Callable:
    from mmcv.transforms import Compose
    from mmselfsup.datasets.transforms import processing
    from mmselfsup.models.utils import SelfSupDataPreprocessor
    from mmselfsup.utils import register_all_modules

    def adjust_hue(img: np.ndarray, hue_factor: float, backend: str) -> np.ndarray:
        # mmcv's pillow branch; only the modulo is new.
        h, s, v = Image.fromarray(img).convert("HSV").split()
        hue = np.array(h, dtype=np.uint8)
        hue += np.uint8(int(hue_factor * 255) % 256)
        merged = Image.merge("HSV", (Image.fromarray(hue), s, v))
        return np.array(merged.convert("RGB"), dtype=img.dtype)

    register_all_modules(init_default_scope=True)
    processing.adjust_hue = adjust_hue
    jitter = {
        "type": "ColorJitter",
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.4,
        "hue": 0.1,
    }
    view = [
        {
            "type": "RandomResizedCrop",
            "size": size,
            "scale": (0.2, 1.0),
            "backend": "pillow",
        },
        {"type": "RandomApply", "transforms": [jitter], "prob": 0.8},
        {
            "type": "RandomGrayscale",
            "prob": 0.2,
            "keep_channels": True,
            "channel_weights": (0.114, 0.587, 0.2989),
        },
        {"type": "RandomGaussianBlur", "sigma_min": 0.1, "sigma_max": 2.0, "prob": 0.5},
        {"type": "RandomFlip", "prob": 0.5},
    ]
    pipeline = Compose(
        [
            {"type": "LoadImageFromFile"},
            {"type": "MultiView", "num_views": 2, "transforms": [view]},
            {"type": "PackSelfSupInputs", "meta_keys": ["img_path"]},
        ]
    )
    normalise = SelfSupDataPreprocessor(mean=MEAN, std=STD, bgr_to_rgb=True)

    def run(rows: range) -> None:
        samples = [pipeline({"img_path": str(files[i])}) for i in rows]
        normalise(default_collate(samples), training=True)

    return run


def torchvision_pipeline(files: Sequence[Path], size: int) -> Callable:
    from torchvision import transforms

    def pil_blur(image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0)))

    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    view = transforms.Compose(
        [
            transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
            transforms.RandomApply([jitter], 0.8),
            transforms.RandomGrayscale(0.2),
            transforms.RandomApply([pil_blur], 0.5),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([m / 255 for m in MEAN], [s / 255 for s in STD]),
        ]
    )

    def run(rows: range) -> None:
        views = []
        for i in rows:
            with open(files[i], "rb") as handle:
                image = Image.open(handle).convert("RGB")
            views.append((view(image), view(image)))
        default_collate(views)

    return run


def decode_only(files: Sequence[Path]) -> Callable:
    def run(rows: range) -> None:
        for i in rows:
            read_image(files[i])

    return run


def measure(
    pipelines: dict[str, Callable], images: int, batch: int, rounds: int
) -> dict[str, list[float]]:
    """Returns the CPU milliseconds per view of every round, by pipeline."""

    def whole(run: Callable) -> None:
        for first in range(0, images, batch):
            run(range(first, min(images, first + batch)))

    calls = {name: partial(whole, run) for name, run in pipelines.items()}
    times = in_turns(calls, rounds, Clock())
    return {n: [1e3 * s / (2 * images) for s in spent] for n, spent in times.items()}


def print_table(times: dict, size: int, images: int, rounds: int) -> None:
    """Prints one markdown table."""
    print(f"\n{size} px views, {images} images, median of {rounds} rounds\n")
    print("| pipeline | views/s per core | ms per view | times ours |")
    print("| --- | ---: | ---: | ---: |")
    for name, values in times.items():
        median = statistics.median(values)
        ratios = sorted(v / o for v, o in zip(values, times["ours"], strict=True))
        ratio = (
            f"{statistics.median(ratios):.2f}x ({ratios[0]:.2f}..{ratios[-1]:.2f})"
            if name != "ours"
            else "-"
        )
        print(f"| {name} | {1e3 / median:,.0f} | {median:.3f} | {ratio} |")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--images",
        default=os.path.join(os.environ.get("MMTASKSSL_DATA", ""), "pool", "images"),
        help="folder of small real images (default: $MMTASKSSL_DATA/pool/images)",
    )
    parser.add_argument("--small", type=int, default=256, help="images at 64 px")
    parser.add_argument("--large", type=int, default=64, help="images at 224 px")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args(argv)
    if min(args.small, args.large, args.batch, args.rounds) < 1:
        raise BadValue("--small, --large, --batch and --rounds must be at least 1")
    torch.set_num_threads(1)
    root, ids = list_images(args.images)
    chosen = random.Random(0).sample(ids, min(len(ids), args.small))
    small = [root / image_id for image_id in chosen]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        large = enlarge(small[: args.large], folder)
        for files, size in ((small, 64), (large, 224)):
            pipelines = {
                "ours": ours(files, folder, size, "none"),
                "ours, RAM cache": ours(files, folder, size, "ram"),
                "mmselfsup": mmselfsup_pipeline(files, size),
                "torchvision PIL": torchvision_pipeline(files, size),
                "decode only (floor)": decode_only(files),
            }
            times = measure(pipelines, len(files), args.batch, args.rounds)
            print_table(times, size, len(files), args.rounds)


if __name__ == "__main__":
    run_tool(main)
