"""Scores sub-nets by their likeness to the teacher, on unlabelled images."""

import functools
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ..datasets.image_sample import ImageSample
from ..subnets import Subnet
from ..utils.atomic import atomic_path
from ..utils.families import BadValue, TooFewImages
from ..weights import read_part
from .encoders import Encoder, Encoders
from .metrics import FEW_POSITIONS, Metric
from .names import TEACHER_BN
from .prefixes import PrefixRunner, make_steps, prefix_order

# Fewer images give batch norms statistics that say little of the images.
MIN_IMAGES = 16
# Means of other draws of the images that a row of the results keeps.
_DRAWS = 200


class Scorer:
    """Compares sub-nets of the student with the teacher's largest.

    Every batch norm, the neck's too, gets the statistics of the first ``bn_images``
    images, all of them in one batch, and all images are scored with these. So a score
    is a function of the weights and the images: neither the batch size, nor the other
    candidates, nor the number of processes changes it (beyond rounding).

    Args:
        encoders: Teacher and student.
        sample: The target's images.
        metrics: What to compute; all from one run of each sub-net.
        bn_images: How many images give the statistics.
        batch_size: Images at a time beyond those.
        teacher_bn: "images": the teacher's batch norms likewise; "stored": as trained.
        cache: Folder for the teacher's features; None: they are not kept on disk.
        cache_bytes: See `PrefixRunner`.

    Raises:
        UserError: Too few images, or a bad option.
    """

    def __init__(
        self,
        encoders: Encoders,
        sample: ImageSample,
        metrics: Sequence[Metric],
        bn_images: int = 256,
        batch_size: int = 256,
        teacher_bn: str = "images",
        cache: str | Path | None = None,
        cache_bytes: float = 2**30,
    ) -> None:
        count = len(sample.ids)
        if min(count, bn_images) < MIN_IMAGES:
            raise TooFewImages(
                f"batch norm needs statistics of at least {MIN_IMAGES} images, and of "
                f"the {count} readable images of this search it gets "
                f"{min(count, bn_images)}"
            )
        self._check_copies(sample)
        if teacher_bn not in TEACHER_BN:
            raise BadValue(f"teacher_bn must be images or stored, not {teacher_bn!r}")
        if batch_size < 1:
            raise BadValue(f"batch size must be at least 1, not {batch_size}")
        self.encoders = encoders
        self.sample = sample
        self.metrics = list(metrics)
        self.bn_images = min(bn_images, count)
        self.teacher_bn = teacher_bn
        self.cache = None if cache is None else Path(cache)
        self.runner = PrefixRunner(
            encoders.student.backbone, self._chunks(batch_size), cache_bytes
        )
        self._references: dict[str, list[Tensor]] | None = None

    @staticmethod
    def _check_copies(sample: ImageSample) -> None:
        """Refuses, or says, what makes a few images look like many."""
        count = len(sample.ids)
        different = len({pixels.numpy().tobytes() for pixels in sample.pixels})
        if different < MIN_IMAGES:
            raise TooFewImages(
                f"a search needs at least {MIN_IMAGES} images, and of these {count} "
                f"only {different} differ"
            )
        if different < count:
            print_log(
                f"{count - different:,} of the {count:,} images are copies of others, "
                "so that intervals are narrower than they ought to be",
                "current",
                logging.WARNING,
            )

    def _chunks(self, batch_size: int) -> list[Tensor]:
        device = next(self.encoders.student.backbone.parameters()).device
        sizes = [self.bn_images]
        while sum(sizes) < len(self.sample.ids):
            sizes.append(min(batch_size, len(self.sample.ids) - sum(sizes)))
        return [
            self.sample.transform.normalize(pixels.to(device)).contiguous(
                memory_format=torch.channels_last
            )
            for pixels in self.sample.pixels.split(sizes)
        ]

    def describe(self) -> dict[str, Any]:
        """Returns what scores depend on, in plain types."""
        sample = self.sample.describe()
        del sample["batch_size"]
        return {
            "teacher_averaged": self.encoders.averaged,
            "teacher_bn": self.teacher_bn,
            "bn_images": self.bn_images,
            "images": sample,
        }

    @property
    def references(self) -> dict[str, list[Tensor]]:
        """The teacher's descriptions by metric, one tensor per chunk of images."""
        if self._references is None:
            self._references = self._load_references()
        return self._references

    @functools.cached_property
    def cached(self) -> dict[str, Path]:
        """The files that keep these, by metric; none without a folder for them."""
        if self.cache is None:
            return {}
        identity = {"weights": self.encoders.teacher.sha256(), **self.describe()}
        files = {}
        for metric in self.metrics:
            text = json.dumps({**identity, "metric": metric.name}, sort_keys=True)
            key = hashlib.sha256(text.encode()).hexdigest()[:16]
            files[metric.name] = self.cache / f"teacher-{metric.name}-{key}.pt"
        return files

    def _load_references(self) -> dict[str, list[Tensor]]:
        sizes = [len(chunk) for chunk in self.runner.chunks]
        found: dict[str, list[Tensor]] = {}
        missing, files = [], self.cached
        for metric in self.metrics:
            file = files.get(metric.name)
            if file is None or not file.is_file():
                missing.append(metric)
                continue
            device = self.runner.chunks[0].device
            tensor = read_part(file, device)
            found[metric.name] = list(tensor.split(sizes))
            print_log(f"read the teacher's features from {file}", "current")
        if missing:
            found |= self._teach(missing)
        for metric in missing:
            if metric.name in files:
                with atomic_path(files[metric.name]) as temporary:
                    torch.save(torch.cat(found[metric.name]).cpu(), temporary)
        return found

    @torch.inference_mode()
    def _teach(self, metrics: Sequence[Metric]) -> dict[str, list[Tensor]]:
        teacher, stored = self.encoders.teacher, self.teacher_bn == "stored"
        largest = teacher.backbone.space.max
        maps = self.runner.chunks
        for step in make_steps(teacher.backbone, largest, stored):
            maps = [step.module(x) for x in maps]
        positions = maps[0][0, 0].numel()
        if positions < FEW_POSITIONS and any(m.name != "global" for m in metrics):
            print_log(
                f"the dense metric compares only {positions} positions of the last "
                f"feature map; a larger image size tells networks apart better",
                "current",
                logging.WARNING,
            )
        return {
            metric.name: [
                metric.describe(x) for x in _run(metric, teacher, largest, maps, stored)
            ]
            for metric in metrics
        }

    @torch.inference_mode()
    def score(
        self, subnets: Sequence[Subnet]
    ) -> Iterator[tuple[Subnet, dict[str, np.ndarray]]]:
        """Yields each sub-net with the similarity of every image, by metric.

        Args:
            subnets: Any that the network runs.

        Yields:
            In `prefix_order`; arrays (images,) float64.
        """
        self.references  # noqa: B018  # computed before the first sub-net runs
        order = prefix_order(self.encoders.student.backbone, subnets)
        for subnet, maps in self.runner.run(order):
            yield subnet, self.similarities(subnet, maps)

    @torch.inference_mode()
    def similarities(
        self, subnet: Subnet, maps: Sequence[Tensor]
    ) -> dict[str, np.ndarray]:
        """Returns the similarity of every image, by metric.

        Args:
            subnet: Whose.
            maps: Its last feature maps, of the images' chunks.

        Returns:
            Arrays (images,) float64.
        """
        scores = {}
        for metric in self.metrics:
            outs = _run(metric, self.encoders.student, subnet, [*maps], stored=False)
            pairs = zip(outs, self.references[metric.name], strict=True)
            values = [metric.similarity(x, reference) for x, reference in pairs]
            scores[metric.name] = torch.cat(values).numpy()
        return scores


def _run(
    metric: Metric, encoder: Encoder, subnet: Subnet, maps: list[Tensor], stored: bool
) -> list[Tensor]:
    head = metric.head(encoder, subnet, maps[0].shape[1], stored)
    return [head(x) for x in maps]


class MeanInterval:
    """Percentile bootstrap intervals of means over images, the same draws for each.

    Args:
        count: How many images.
        resamples: Draws.
        seed: Of the draws.
        level: Coverage.
    """

    def __init__(
        self, count: int, resamples: int = 1000, seed: int = 0, level: float = 0.95
    ) -> None:
        rng = np.random.default_rng(seed)
        draws = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
        self.weights = draws / count  # (resamples, images)
        self.ends = [(1 - level) / 2, (1 + level) / 2]

    def __call__(self, values: np.ndarray) -> tuple[float, float]:
        """Returns low and high for values (images,)."""
        low, high = np.quantile(self.weights @ values, self.ends)
        return float(low), float(high)

    def draws(self, values: np.ndarray) -> list[float]:
        """Returns the first of the drawn means of values (images,), to compare nets."""
        return [round(float(mean), 8) for mean in self.weights[:_DRAWS] @ values]
