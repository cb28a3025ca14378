"""Studies that pre-train on a pool of images and measure on labelled targets."""

import argparse
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmengine.config import Config

from mmtaskssl.config import load_config
from mmtaskssl.networks import preprocessing_of
from mmtaskssl.utils.families import FileMissing
from mmtaskssl.utils.paths import resolve_config

from .study import Study
from .target import Target


@dataclass(frozen=True)
class Place:
    """Where a study finds its images, and where it keeps what it finds.

    Attributes:
        data: Holds ``pool/images`` and ``classification/NAME/{train,test}/CLASS``.
        out: The working directory.
        targets: Names of folders in ``classification``; None: all.
        seeds: Number of repetitions.
    """

    data: str | Path
    out: str | Path
    targets: Sequence[str] | None
    seeds: int

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Place":
        """Reads the options of `study_parser`, and ``--targets``."""
        return cls(args.data, args.work_dir, args.targets, args.seeds)


class PoolStudy(Study):
    """A study that pre-trains on a pool of images and measures on labelled targets.

    Args:
        place: Its images and its working directory.
        config: Of the trainings.
        iters: Length of each training.

    Raises:
        UserError: A folder of the data is missing.
    """

    def __init__(self, place: Place, config: str, iters: int) -> None:
        super().__init__(place.out, place.seeds)
        self.data, self.pool = Path(place.data), Path(place.data, "pool", "images")
        self.config, self.iters = resolve_config(config), iters
        names = place.targets
        for folder in (self.pool, *map(self.target_folder, names or [""])):
            if not folder.is_dir():
                raise FileMissing(
                    f"{folder} does not exist: --data names another folder"
                )
        if names is None:
            names = sorted(
                p.name for p in self.target_folder("").iterdir() if p.is_dir()
            )
        self.targets = list(names)
        self._images: dict[str, Target] = {}

    @cached_property
    def cfg(self) -> Config:
        """The config of the trainings."""
        return load_config(str(self.config))

    @cached_property
    def sources(self) -> dict[str, str]:
        """The data set that each image of the pool was taken from."""
        with open(self.data / "pool" / "sources.csv", newline="") as file:
            return {line["image"]: line["source"] for line in csv.DictReader(file)}

    def target_folder(self, name: str) -> Path:
        """Returns the folder of a target's images."""
        return self.data / "classification" / name

    def images(self, target: str) -> Target:
        """Returns a target's images at the size of the networks' own views.

        Each target is read once.

        Raises:
            UserError: An image cannot be read, or lies in no class folder.
        """
        if target not in self._images:
            transform = preprocessing_of(self.cfg, None)
            self._images[target] = Target.read(self.target_folder(target), transform)
        return self._images[target]

    def checkpoint(self, seed: int, arm: str, iters: int | None = None) -> Path:
        """Returns where the weights of a training lie."""
        name = f"iter_{self.iters if iters is None else iters}.pth"
        return self.seed_folder(seed, f"pretrain-{arm}", name)

    def pretrain(
        self,
        seed: int,
        arm: str,
        *flags: str,
        checkpoint: Path | None = None,
        images: Path | None = None,
        config: Path | None = None,
        options: Iterable[str] = (),
    ) -> Path:
        """Runs a training unless it is done; returns its checkpoint.

        It is a process of its own, so that no arm depends on those before it.

        Args:
            seed: Of all its draws.
            arm: What is trained.
            *flags: Of ``train.py``.
            checkpoint: Where the last weights come to lie, ``.../iter_N.pth``.
            images: Folder or list, instead of the pool.
            config: Instead of the study's.
            options: ``key=value`` pairs of the config.
        """
        last = checkpoint or self.checkpoint(seed, arm)
        self.steps.run(
            f"seed {seed} pretrain {arm}",
            last,
            "train",
            *(config or self.config, "--work-dir", last.parent, "--resume", *flags),
            options=[
                f"images={images or self.pool}",
                f"max_iters={last.stem.removeprefix('iter_')}",
                f"randomness.seed={seed}",
                *options,
            ],
        )
        return last
