"""The most similar rows of a bank of features, which may be spread over processes."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, get_rank
from torch import Tensor

from ..utils.families import TooFewImages

# Similarities held at once: of 1,024 queries to 4,096 rows, 16 MiB in float32.
_QUERIES_AT_ONCE = 1024
_ROWS_AT_ONCE = 4096
# Similarities are compared in steps of 2**-16. Float32 sums of other lengths differ by
# less, so that equal features stay equal in every division of the work.
_STEPS = 2**16
_IDS = 2**32


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of N queries, the nearest first.

    Of equally near ones the one with the lowest number comes first.

    Attributes:
        similarity: (N, k) float32 cosines; -inf where there are fewer than k rows.
        row: (N, k) int64, numbers of the rows.
    """

    similarity: Tensor
    row: Tensor

    def best(self, k: int) -> "Neighbours":
        """Returns the nearest ``k`` of them, in order."""
        similarity = self.similarity.nan_to_num(nan=-2, neginf=-2)
        steps = (similarity * _STEPS).round_().long()
        keys = steps * _IDS - self.row
        places = keys.topk(min(k, keys.shape[1]), dim=1).indices
        return Neighbours(self.similarity.gather(1, places), self.row.gather(1, places))

    @staticmethod
    def joined(parts: "list[Neighbours]") -> "Neighbours":
        """Returns the rows of all parts beside each other, out of order."""
        return Neighbours(
            torch.cat([part.similarity for part in parts], 1),
            torch.cat([part.row for part in parts], 1),
        )


def nearest(bank: Tensor, queries: Tensor, k: int, rows: Tensor) -> Neighbours:
    """Finds the nearest rows in float32, a block of the bank at a time.

    Args:
        bank: (M, D) of any floating-point format, normalised here.
        queries: (N, D) on the same device, normalised here.
        k: Neighbours.
        rows: (M,) int64 numbers of the bank's rows, in 0..2**32 - 1.

    Returns:
        (N, k); ``similarity`` is -inf where M < k.
    """
    found = _none(queries, k)
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        part = slice(start, start + _QUERIES_AT_ONCE)
        some = _nearest(bank, F.normalize(queries[part].float(), dim=1), k, rows)
        found.similarity[part], found.row[part] = some.similarity, some.row
    return found


def _nearest(bank: Tensor, queries: Tensor, k: int, rows: Tensor) -> Neighbours:
    best = _none(queries, k)
    blocks = bank.split(_ROWS_AT_ONCE), rows.split(_ROWS_AT_ONCE)
    for block, numbers in zip(*blocks, strict=True):
        similarity = queries @ F.normalize(block.float(), dim=1).T
        part = Neighbours(similarity, numbers.expand_as(similarity)).best(k)
        best = Neighbours.joined([best, part]).best(k)
    return best


def _none(queries: Tensor, k: int) -> Neighbours:
    shape = len(queries), k
    return Neighbours(
        queries.new_full(shape, -torch.inf, dtype=torch.float32),
        torch.full(shape, _IDS - 1, dtype=torch.int64, device=queries.device),
    )


class ShardedBank:
    """A bank of features of which every process holds its own rows only.

    All processes search together: their queries go round, each looks among its own
    rows, and the nearest of all are put together. The result does not depend on how
    the rows are shared out.

    Rows are kept normalised in float16, the format of feature stores, which moves a
    cosine by about 1e-5; similarities are float32.

    Args:
        count: Rows of this process.
        total: Rows of all processes.
    """

    def __init__(self, count: int, total: int) -> None:
        if total < 1:
            raise TooFewImages("kNN needs at least one training feature")
        self.count, self.total = count, total
        self.features: Tensor | None = None
        self.rows: Tensor | None = None
        self._filled = 0

    @classmethod
    def of(cls, features: Tensor, rows: Tensor, total: int) -> "ShardedBank":
        """Returns a bank of rows that are normalised already.

        Args:
            features: (n, D) float16, kept as they are.
            rows: (n,) int64 numbers of the rows, different in all processes.
            total: Rows of all processes.
        """
        bank = cls(len(rows), total)
        bank._filled = len(rows)
        if len(rows):
            bank.features, bank.rows = features, rows
        return bank

    def add(self, features: Tensor, rows: Tensor) -> None:
        """Takes some of this process's rows.

        Args:
            features: (n, D) float32.
            rows: (n,) int64 numbers of the rows, different in all processes.
        """
        if self.features is None:
            shape = self.count, features.shape[1]
            self.features = features.new_empty(shape, dtype=torch.float16)
            self.rows = rows.new_empty(self.count)
        part = slice(self._filled, self._filled + len(rows))
        self.features[part] = F.normalize(features.float(), dim=1)
        self.rows[part] = rows
        self._filled = part.stop

    def nearest(self, queries: Tensor, k: int) -> Neighbours:
        """Finds the neighbours of this process's queries among all rows.

        To be called by all processes at once, with equally many queries each.

        Args:
            queries: (N, D) float32.
            k: Neighbours; clipped to the rows there are.
        """
        k = min(k, self.total)
        queries = F.normalize(queries.float(), dim=1).half()
        everyone = torch.cat(all_gather(queries))
        found = _none(everyone, k)
        if self.features is not None:
            found = nearest(self.features, everyone, k, self.rows)
        similarity = torch.stack(all_gather(found.similarity))
        row = torch.stack(all_gather(found.row))
        start = get_rank() * len(queries)
        part = slice(start, start + len(queries))
        # (W, N, k) to (N, W k)
        parts = (x[:, part].transpose(0, 1).flatten(1) for x in (similarity, row))
        return Neighbours(*parts).best(k)
