"""Which sub-nets, images and files DATA's evidence is about."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..datasets.images import list_images
from ..engine.config import load_config
from ..evaluation.data import LabeledFeatures
from ..export.calibrate import ImageSample, config_transform
from ..export.source import build_elastic
from ..features.transform import EvalTransform
from ..models.backbones import ElasticBackbone
from ..search.strategies import draw
from ..subnets import Subnet, cost
from ..utils.errors import UserError

HANDMADE = "R18"
METRICS = ("global", "dense")
MEASURES = ("knn", "linear")
CHECKPOINTS = 5
# Sub-nets of the curve, of each band, and drawn over the whole space.
CURVE, BAND, SPREAD = 5, 10, 6
# Half the width of a band, as a share of its middle.
NARROW = 0.05
# Sub-nets of the handmade one's band that are searched.
SEARCHED = 200


@dataclass(frozen=True)
class Target:
    """A labelled image set, cropped.

    Attributes:
        samples: Training and test images.
        labels: (N,) class indices of each.
        class_names: The classes.
    """

    samples: dict[str, ImageSample]
    labels: dict[str, Tensor]
    class_names: list[str]

    @classmethod
    def read(cls, folder: Path, transform: EvalTransform) -> "Target":
        """Reads ``folder/{train,test}/CLASS/IMAGE``."""
        samples, folders = {}, {}
        for split in ("train", "test"):
            root, ids = list_images(str(folder / split))
            pixels = [torch.from_numpy(transform.read(root / i).copy()) for i in ids]
            samples[split] = ImageSample(torch.stack(pixels), ids, transform, 128)
            folders[split] = [image_id.split("/")[0] for image_id in ids]
        names = sorted(set(folders["train"]))
        labels = {k: torch.tensor([*map(names.index, v)]) for k, v in folders.items()}
        return cls(samples, labels, names)

    @torch.inference_mode()
    def features(self, network: nn.Module, split: str) -> LabeledFeatures:
        """Returns the features of a split."""
        x = torch.cat([network(images) for images in self.samples[split]])
        return LabeledFeatures(x, self.labels[split], self.class_names)


class Study:
    """Sub-nets and files of one evidence folder.

    Args:
        config: Of the supernet.
        data: Holds ``pool`` and ``classification``.
        out: Working directory.
        targets: Names of folders in ``classification``.
        seeds: Number of supernets.
        iters: Length of each training.

    Raises:
        UserError: A folder is missing.
    """

    def __init__(
        self,
        config: Path,
        data: Path,
        out: Path,
        targets: Sequence[str],
        seeds: int,
        iters: int,
    ) -> None:
        self.config, self.data, self.out = config, data, out
        self.targets, self.seeds, self.iters = list(targets), seeds, iters
        self.cfg = load_config(str(config))
        self.pool = data / "pool" / "images"
        for folder in (self.pool, *map(self._folder, self.targets)):
            if not folder.is_dir():
                raise UserError(f"{folder} does not exist: --data names another folder")
        self.transform = config_transform(self.cfg, None)
        self._read: dict[str, Target] = {}

    def _folder(self, target: str) -> Path:
        return self.data / "classification" / target

    def target(self, name: str) -> Target:
        """Reads a target, once."""
        if name not in self._read:
            self._read[name] = Target.read(self._folder(name), self.transform)
        return self._read[name]

    @cached_property
    def backbone(self) -> ElasticBackbone:
        """A network without weights, for its space and costs."""
        return build_elastic(self.cfg, str(self.config))

    def macs(self, subnet: Subnet) -> int:
        """Returns the MACs of a sub-net at the targets' size."""
        return cost(self.backbone.arch, subnet, self.transform.image_size).macs

    def curve_subnets(self) -> list[Subnet]:
        """Returns MAX, MIN and random ones."""
        space = self.backbone.space
        return [space.max, space.min, *space.sample_distinct(CURVE, 0)]

    @cached_property
    def bands(self) -> dict[str, Callable[[Subnet], bool]]:
        """Three narrow bands of MACs; the last is the handmade sub-net's."""
        space = self.backbone.space
        handmade = self.macs(space.resolve(HANDMADE))
        some = sorted(self.macs(space.sample(seed)) for seed in range(500))
        middles = [some[100], some[250], handmade]

        def around(middle: float) -> Callable[[Subnet], bool]:
            return lambda s: abs(self.macs(s) - middle) <= NARROW * middle

        return {f"{middle / 1e6:.1f} M": around(middle) for middle in middles}

    @cached_property
    def candidates(self) -> dict[Subnet, str]:
        """The measured sub-nets, and the band of each, or ``-``."""
        space = self.backbone.space
        found = {space.resolve(HANDMADE): [*self.bands][-1]}
        for name, inside in self.bands.items():
            found |= dict.fromkeys(draw(space, inside, BAND, 0), name)
        others = [space.max, space.min, *space.sample_distinct(SPREAD, 1)]
        return found | {s: "-" for s in others if s not in found}

    def file(self, seed: int, stage: str, target: str) -> Path:
        """Returns where a stage keeps its rows, one a sub-net."""
        return self.out / f"seed{seed}" / stage / f"{target}.json"

    def seeds_with(self, stage: str) -> list[int]:
        """Returns the supernets of which a stage has rows on every target."""
        return [
            seed
            for seed in range(self.seeds)
            if all(self.file(seed, stage, target).exists() for target in self.targets)
        ]

    def column(self, seed: int, stage: str, target: str, key: str) -> dict[str, Any]:
        """Returns one value of each row, by sub-net."""
        return {r["subnet"]: r[key] for r in read(self.file(seed, stage, target))}

    def points(self) -> list[int]:
        """Returns the iterations of the curve, from 0."""
        return [place * self.iters // CHECKPOINTS for place in range(CHECKPOINTS + 1)]

    def searched_pool(self) -> list[Subnet]:
        """Returns the sub-nets that a search picks from."""
        return draw(self.backbone.space, [*self.bands.values()][-1], SEARCHED, 2)


def read(file: Path) -> Any:
    """Returns what a cache holds; an empty list if there is none."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
