"""A pool and a target of generated images, and a start."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.test_selection._pictures import picture

START = "test_efficientnet"  # of timm's own tests: 0.36 M parameters


def write_pool(folder: Path, count: int = 80) -> Path:
    """Writes half of the images in the target's look, half in others."""
    folder.mkdir(parents=True)
    for number in range(count):
        image = _picture(number, number % 3 if number % 2 else None)
        image.save(folder / f"{number:04d}.png")
    return folder


def write_target(
    folder: Path, train: int = 6, test: int = 8, begin: int = 1000
) -> Path:
    """Writes three classes."""
    seed = begin
    for split, count in (("train", train), ("test", test)):
        for kind in range(3):
            place = folder / split / f"class{kind}"
            place.mkdir(parents=True)
            for number in range(count):
                seed += 1
                _picture(seed, kind).save(place / f"{number}.png")
    return folder


def write_start(file: Path) -> str:
    """Writes drawn weights of a small network of timm; returns them as a start."""
    import timm
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model(START, pretrained=False)
    torch.save(model.state_dict(), file)
    return f"timm:{START}={file}"


def _picture(seed: int, kind: int | None) -> Image.Image:
    """Returns a picture of its own, whose class is a tint."""
    pixels = picture(seed, side=40).astype(np.float64)
    if kind is not None:
        pixels[..., kind] = 128 + pixels[..., kind] / 2
    return Image.fromarray(pixels.astype(np.uint8))
