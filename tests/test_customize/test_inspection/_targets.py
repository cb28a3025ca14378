"""Pools and targets of generated pictures."""

from pathlib import Path

from PIL import Image

from tests.test_selection._pictures import picture

SIDE = 40


def draw(path: Path, seed: int, side: int = SIDE) -> Path:
    """Writes one picture; another seed is another picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, side=side)).save(path)
    return path


def class_folders(folder: Path, counts: dict[str, int], seed: int) -> Path:
    """Writes CLASS/0.png, ...; counts are images of each class."""
    for name, count in counts.items():
        for number in range(count):
            draw(folder / name / f"{number}.png", seed)
            seed += 1
    return folder
