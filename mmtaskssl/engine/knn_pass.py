"""One weighted-kNN measurement of a network, shared by all processes."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, Dataset, Subset

from mmtaskssl.evaluation.knn import class_votes, count_votes
from mmtaskssl.evaluation.neighbours import ShardedBank
from mmtaskssl.utils.copies import to_device

from .feature_pass import FeaturePass, common_dim, mine, numbered, share_buffers


class KNNPass:
    """Classifies data sets by the votes of others, under any number of processes.

    All images go through the network in one pass, those that several data sets share
    once. Features stay in the process that made them, normalised in float16 (see
    `ShardedBank`); those of test images go round in batches.

    Args:
        targets: By name a data set that votes, with ``labels`` and ``class_names``,
            and one that is classified, of the same classes.
        k: Neighbours.
        temperature: Of the votes.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    def __init__(
        self,
        targets: Mapping[str, tuple[Dataset, Dataset]],
        k: int,
        temperature: float,
        batch_size: int,
        num_workers: int,
    ) -> None:
        self.targets = dict(targets)
        self.k, self.temperature = k, temperature
        self.feature_pass = FeaturePass(batch_size, num_workers)
        datasets = [data for pair in targets.values() for data in pair]
        numbers, new = numbered(datasets)
        self._numbers = dict(
            zip(targets, zip(numbers[::2], numbers[1::2], strict=True), strict=True)
        )
        parts, self._batches = [], []
        for data, rows, found in zip(datasets, numbers, new, strict=True):
            # The first row of each new number; they are numbered in order.
            _, places = np.unique(rows, return_index=True)
            places = places[len(places) - len(found) :]
            parts.append(Subset(data, places.tolist()))
            self._batches += self.feature_pass.cut(found)
        self._images = ConcatDataset([part for part in parts if len(part)])
        self._place = np.zeros(len(self._images), dtype=np.int64)
        self._owner = np.zeros(len(self._images), dtype=np.int64)
        world = get_world_size()
        for rank in range(world):
            rows = [row for batch in self._batches[rank::world] for row in batch]
            self._owner[rows], self._place[rows] = rank, np.arange(len(rows))

    @property
    def num_images(self) -> int:
        """Images that go through the network."""
        return len(self._images)

    @torch.no_grad()
    def top1(self, network: nn.Module, preprocessor: nn.Module) -> dict[str, float]:
        """Returns each target's share of right answers in per cent.

        The same in all processes.

        Args:
            network: In evaluation mode; its buffers become those of the first process.
            preprocessor: Makes its images.
        """
        share_buffers(network)
        device = preprocessor.device
        batches = mine(self._batches)
        features, filled = None, 0
        for rows, part in self.feature_pass.features(
            network, preprocessor, self._images, batches
        ):
            if features is None:
                shape = sum(map(len, batches)), part.shape[1]
                features = part.new_empty(shape, dtype=torch.float16)
            features[filled : filled + len(rows)] = F.normalize(part, dim=1)
            filled += len(rows)
        dim = common_dim(features, device)
        if features is None:
            features = torch.empty(0, dim, dtype=torch.float16, device=device)
        right = [self._right(name, features) for name in self.targets]
        counts = torch.stack(right)
        all_reduce(counts)
        sizes = [len(test) for _, test in self.targets.values()]
        return {
            name: 100 * count / size
            for name, count, size in zip(
                self.targets, counts.tolist(), sizes, strict=True
            )
        }

    def _right(self, name: str, features: Tensor) -> Tensor:
        """Returns how many of this process's test images are classified rightly."""
        device, (train, test) = features.device, self.targets[name]
        classes = len(train.class_names)
        train_y, test_y = (
            torch.as_tensor(d.labels, device=device) for d in (train, test)
        )
        votes = class_votes(train_y, len(train), classes)
        voters, queries = self._numbers[name]
        rows = np.flatnonzero(self._owner[voters] == get_rank())
        bank = ShardedBank.of(
            _taken(features, self._place[voters[rows]]),
            _sent(rows, device),
            len(train),
        )
        owners = self._owner[queries]
        rows = np.flatnonzero(owners == get_rank())
        most = int(np.bincount(owners).max())
        size = self.feature_pass.batch_size
        right = torch.zeros((), dtype=torch.int64, device=device)
        # Another process may have more rows: all take part in each search.
        for first in range(0, most, size):
            part = rows[first : first + size]
            batch = torch.zeros(
                size, features.shape[1], dtype=features.dtype, device=device
            )
            if len(part):
                batch[: len(part)] = _taken(features, self._place[queries[part]])
            found = bank.nearest(batch, self.k)
            scores = count_votes(found, votes, classes, self.temperature)
            right += (
                scores[: len(part)].argmax(1) == test_y[_sent(part, device)]
            ).sum()
        return right


def _sent(rows: np.ndarray, device: torch.device) -> Tensor:
    return to_device(torch.from_numpy(rows), device)


def _taken(features: Tensor, places: np.ndarray) -> Tensor:
    """Returns rows of features; no copy of those that lie together."""
    if len(places) and (np.diff(places) == 1).all():
        return features[int(places[0]) : int(places[-1]) + 1]
    return features[_sent(places, features.device)]
