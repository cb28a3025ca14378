"""Reads images in worker processes and runs an extractor on them."""

import contextlib
import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..datasets.eval_transform import EvalTransform
from ..datasets.images import BrokenImage
from ..utils.copies import to_device
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError, option, refusal
from ..utils.families import BadValue, Diverged, NetworkMisfit
from .extractor import FeatureExtractor
from .rows import unit_rows

#: (path, short side in pixels) -> (H, W, 3) uint8, see `read_image`.
ReadImage = Callable[[Path, int], np.ndarray]


class ImageFiles(Dataset):
    """Decoded, cropped images and, for broken ones, the reason."""

    def __init__(
        self,
        root: Path,
        image_ids: Sequence[str],
        transform: EvalTransform,
        read: ReadImage,
    ) -> None:
        self.root = root
        self.image_ids = image_ids
        self.transform = transform
        self.read = read

    def __getitem__(self, index: int) -> tuple[np.ndarray, str | None]:
        path = self.root / self.image_ids[index]
        try:
            return self.transform.read(path, self.read), None
        except BrokenImage as error:
            size = self.transform.image_size
            return np.zeros((size, size, 3), np.uint8), f"unreadable image ({error})"


class _Batches:
    """Rows of each batch; no batch crosses a shard.

    So a row meets the same neighbours, and gets the same bits, however the shards
    are shared out.

    Attributes:
        handed: Batches that a loader has asked for and not given back yet.
    """

    def __init__(self, ranges: Iterable[tuple[int, int]], batch_size: int) -> None:
        self.ranges = ranges
        self.batch_size = batch_size
        self.handed: deque[range] = deque()

    def __iter__(self) -> Iterator[range]:
        for start, stop in self.ranges:
            for first in range(start, stop, self.batch_size):
                self.handed.append(range(first, min(first + self.batch_size, stop)))
                yield self.handed[-1]


def collate(
    samples: list[tuple[np.ndarray, str | None]],
) -> tuple[Tensor, dict[int, str]]:
    """Stacks images to (N, S, S, 3) uint8; returns which are broken, and why."""
    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    broken = {i: reason for i, (_, reason) in enumerate(samples) if reason}
    return images, broken


def _start_worker(worker: int) -> None:
    # One thread a worker: torch sets its own, OpenCV does not.
    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(0)


class BatchRunner:
    """Reads images in worker processes and runs the extractor on them.

    Args:
        extractor: The network; moved to ``device``.
        transform: The image transform.
        device: See `pick_device`.
        batch_size: Images at a time; another one may change the last bits.
        workers: Reading processes; 0 reads in this one.
        amp: Half precision where the device is CUDA.
        read: Reads an image; data sets that are no image files have their own. None:
            as the transform does.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        transform: EvalTransform,
        device: str | torch.device = AUTO,
        batch_size: int = 128,
        workers: int = 0,
        amp: bool = False,
        read: ReadImage | None = None,
    ) -> None:
        if batch_size < 1 or workers < 0:
            raise BadValue(
                f"batch size must be at least 1 and workers at least 0, got "
                f"{batch_size} and {workers}"
            )
        self.device = pick_device(device)
        self.extractor = extractor.to(self.device, memory_format=torch.channels_last)
        self.transform = transform
        self.batch_size = batch_size
        self.workers = workers
        self.amp = amp and self.device.type == "cuda"
        self.read = transform.reader if read is None else read

    def reading(self, read: ReadImage) -> "BatchRunner":
        """Returns the same runner for images that are read in another way."""
        other = copy.copy(self)
        other.read = read
        return other

    def forward(self, images: Tensor) -> Tensor:
        """Returns (N, D) features, on the CPU, of (N, S, S, 3) uint8 images."""
        return self._launch(images).cpu()

    @torch.inference_mode()
    def _launch(self, images: Tensor) -> Tensor:
        images = to_device(images, self.device)
        images = self.transform.normalize(images)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, enabled=self.amp):
            return self.extractor(images)

    def probe_dim(self) -> int:
        """Returns D, by running one black image.

        Raises:
            UserError: The network does not accept images of this size, or makes NaN of
                them.
        """
        size = self.transform.image_size
        try:
            found = self.forward(torch.zeros(1, size, size, 3, dtype=torch.uint8))
        except (RuntimeError, ValueError, AssertionError) as error:
            if refusal(error):  # of the machine: there is no fault in the network
                raise
            raise NetworkMisfit(
                f"the network cannot take images of {size} x {size} ({error})"
            ) from error
        if not found.isfinite().all():
            raise self._no_numbers("a black image")
        return found.shape[1]

    def _no_numbers(self, what: str) -> UserError:
        instead = f"leave out {option('amp')}, or " if self.amp else ""
        return Diverged(
            f"the network makes NaN or infinity of {what}: {instead}take weights of a "
            "training that did not diverge"
        )

    def _check(
        self, features: np.ndarray, broken: Mapping[int, str], name: str
    ) -> None:
        """Refuses a network that makes no number of a whole batch.

        Of single images that is their own fault, and who keeps features says so.
        """
        good = np.ones(len(features), bool)
        good[[*broken]] = False
        if good.sum() > 1 and not np.isfinite(features[good]).all(axis=1).any():
            raise self._no_numbers(f"{good.sum()} images, the first is {name}")

    def run(
        self,
        root: Path,
        image_ids: Sequence[str],
        ranges: Iterable[tuple[int, int]],
    ) -> Iterator[tuple[range, np.ndarray, dict[int, str]]]:
        """Yields the rows, features and broken images of one batch after another.

        Args:
            root: Folder of the images.
            image_ids: Paths below it.
            ranges: First row, and the one behind the last, of one shard after another;
                each is asked for when the reading comes to it.

        Raises:
            UserError: The network makes NaN of a whole batch.
        """
        batches = _Batches(ranges, self.batch_size)
        loader = DataLoader(
            ImageFiles(root, image_ids, self.transform, self.read),
            batch_sampler=batches,
            num_workers=self.workers,
            collate_fn=collate,
            # Or it would draw from the caller's.
            generator=torch.Generator(),
            worker_init_fn=_start_worker,
            pin_memory=self.device.type == "cuda",
        )
        # Read a batch late: reading waits for the device, which has the next one then.
        before = None
        for images, broken in loader:
            launched = batches.handed.popleft(), self._launch(images), broken
            if before is not None:
                yield self._on_host(*before, image_ids)
            before = launched
        if before is not None:
            yield self._on_host(*before, image_ids)

    def _on_host(
        self,
        rows: range,
        features: Tensor,
        broken: dict[int, str],
        image_ids: Sequence[str],
    ) -> tuple[range, np.ndarray, dict[int, str]]:
        values = features.cpu().numpy()
        self._check(values, broken, image_ids[rows[0]])
        return rows, values, broken


def spaced_images(
    runner: BatchRunner, root: Path, image_ids: Sequence[str], most: int
) -> Iterator[torch.Tensor]:
    """Yields normalised images (N, 3, S, S), evenly spaced; broken ones are left out.

    Args:
        runner: Says how they are read, and how many at once.
        root: Their folder.
        image_ids: Of which ones.
        most: So many.
    """
    count, size = min(most, len(image_ids)), runner.batch_size
    places = torch.linspace(0, len(image_ids) - 1, count).long().tolist()
    files = ImageFiles(root, image_ids, runner.transform, runner.read)
    for begin in range(0, count, size):
        samples = [files[place] for place in places[begin : begin + size]]
        whole = [sample for sample in samples if sample[1] is None]
        if len(whole) > 1:
            yield runner.transform.normalize(collate(whole)[0])


def compute(
    runner: BatchRunner, root: Path, image_ids: Sequence[str]
) -> tuple[np.ndarray, dict[int, str]]:
    """Computes features without a store, for images whose features fit in memory.

    Returns:
        (N, D) float32 features, of any length, and the broken rows with their reasons.
    """
    features, broken = np.empty((0, 0), np.float32), {}
    for rows, values, bad in runner.run(root, image_ids, [(0, len(image_ids))]):
        if not len(features):
            features = np.empty((len(image_ids), values.shape[1]), np.float32)
        features[rows.start : rows.stop] = values
        broken.update({rows[i]: reason for i, reason in bad.items()})
    return features, broken


def extract_in_memory(
    runner: BatchRunner, root: Path, image_ids: Sequence[str]
) -> tuple[np.ndarray, dict[int, str]]:
    """Computes features without a store, in full precision.

    Returns:
        (N, D) float32 features, L2-normalised, zeros where the image is broken; and
        the broken rows with their reasons.
    """
    return unit_rows(*compute(runner, root, image_ids))
