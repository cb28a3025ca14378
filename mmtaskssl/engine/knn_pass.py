"""One weighted-kNN measurement of a network, shared by all processes."""

from collections.abc import Iterator, Sequence

import torch
from mmengine.dist import all_reduce, broadcast, get_rank, get_world_size
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmtaskssl.datasets.collate import pack_images
from mmtaskssl.evaluation.knn import class_votes, count_votes
from mmtaskssl.evaluation.neighbours import ShardedBank
from mmtaskssl.models.features import pooled_feature
from mmtaskssl.utils.copies import to_device

# Of the images that go through the network at once: 167 of 224 px.
_PIXELS_AT_ONCE = 2**23


class KNNPass:
    """Classifies one data set by the votes of another, under any number of processes.

    Every process takes a share of the batches that a single one would make, so that
    each image has the same neighbours in its batch and the same features. Training
    features stay where they were made (see `ShardedBank`); test features go round.

    Args:
        train_set: Votes; has ``labels`` and ``class_names``.
        test_set: Is classified; the same classes.
        k: Neighbours.
        temperature: Of the votes.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    def __init__(
        self,
        train_set: Dataset,
        test_set: Dataset,
        k: int,
        temperature: float,
        batch_size: int,
        num_workers: int,
    ) -> None:
        self.train_set, self.test_set = train_set, test_set
        self.k, self.temperature = k, temperature
        self.batch_size, self.num_workers = batch_size, num_workers

    @torch.no_grad()
    def top1(self, network: nn.Module, preprocessor: nn.Module) -> float:
        """Returns the share of right answers in per cent, the same in all processes.

        Args:
            network: In evaluation mode; its buffers become those of the first process.
            preprocessor: Makes its images.
        """
        for buffer in network.buffers():
            broadcast(buffer, src=0)
        device, classes = preprocessor.device, len(self.train_set.class_names)
        train_y, test_y = (
            torch.as_tensor(data.labels, device=device)
            for data in (self.train_set, self.test_set)
        )
        votes = class_votes(train_y, len(self.train_set), classes)
        mine = self._share(self.train_set)
        bank = ShardedBank(sum(map(len, mine)), len(self.train_set))
        for rows, features in self._features(
            network, preprocessor, self.train_set, mine
        ):
            bank.add(features, _numbers(rows, device))
        right = torch.zeros((), dtype=torch.int64, device=device)
        mine = self._share(self.test_set)
        measured = self._features(network, preprocessor, self.test_set, mine)
        dim = _feature_dim(bank, device)
        rounds = -(-len(self.test_set) // (self.batch_size * get_world_size()))
        for _ in range(rounds):
            # The last process may have fewer rows left, or none, but takes part.
            rows, features = next(measured, ([], None))
            queries = torch.zeros(self.batch_size, dim, device=device)
            if rows:
                queries[: len(rows)] = features
            found = bank.nearest(queries, self.k)
            scores = count_votes(found, votes, classes, self.temperature)
            guesses = scores[: len(rows)].argmax(1)
            right += (guesses == test_y[_numbers(rows, device)]).sum()
        all_reduce(right)
        return 100 * right.item() / len(self.test_set)

    def images(
        self,
        preprocessor: nn.Module,
        data: Dataset,
        batches: Sequence[list[int]],
    ) -> Iterator[Tensor]:
        """Yields normalised batches (N, 3, H, W).

        Args:
            preprocessor: Makes them.
            data: Data set.
            batches: Rows of each.
        """
        loader = DataLoader(
            data,
            batch_sampler=batches,
            num_workers=self.num_workers,
            collate_fn=pack_images,
            pin_memory=preprocessor.device.type == "cuda",
            # Else the loader draws its workers' seed from the training's stream.
            generator=torch.Generator(),
        )
        for batch in loader:
            (images,) = preprocessor(batch, training=False)["inputs"]
            yield images

    def _share(self, data: Dataset) -> list[list[int]]:
        """Returns the rows of this process, in the batches of a single process."""
        batches = [
            list(range(first, min(first + self.batch_size, len(data))))
            for first in range(0, len(data), self.batch_size)
        ]
        return batches[get_rank() :: get_world_size()]

    def _features(
        self,
        network: nn.Module,
        preprocessor: nn.Module,
        data: Dataset,
        batches: Sequence[list[int]],
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Yields rows and their features (n, D)."""
        images = self.images(preprocessor, data, batches)
        for rows, batch in zip(batches, images, strict=True):
            most = max(1, _PIXELS_AT_ONCE // (batch.shape[2] * batch.shape[3]))
            parts = [pooled_feature(network(part)) for part in batch.split(most)]
            yield rows, torch.cat(parts)


def _numbers(rows: list[int], device: torch.device) -> Tensor:
    return to_device(torch.tensor(rows, dtype=torch.int64), device)


def _feature_dim(bank: ShardedBank, device: torch.device) -> int:
    """Returns D, which a process without rows of its own hears from the others."""
    mine = 0 if bank.features is None else bank.features.shape[1]
    dim = torch.tensor(mine, device=device)
    all_reduce(dim, "max")
    return int(dim)
