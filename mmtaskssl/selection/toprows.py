"""The best rows of each query so far."""

import numpy as np
import torch


def nonzero(mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Returns the indices of the true elements, one (n,) int64 an axis, in order."""
    if mask.device.type == "cpu":  # ten times as fast as torch.nonzero
        flat = torch.from_numpy(np.flatnonzero(mask.numpy()))
        if mask.ndim == 1:
            return (flat,)
        first = torch.from_numpy(flat.numpy() // mask.shape[1])
        return first, flat.sub_(first, alpha=mask.shape[1])
    return torch.nonzero(mask, as_tuple=True)


def buffer_width(k: int) -> int:
    """Returns how many rows a query the search holds to find the ``k`` best."""
    return k + max(k, 128)


class TopRows:
    """The best ``k`` seen so far of each query, in a buffer that holds some more.

    Rows must arrive in ascending order: then of equal scores the one that came first
    is the one to keep.

    Args:
        num_queries: Q.
        k: Rows wanted a query.
        device: Where the rows come from.
        guess: (Q,) float64 scores that at least ``k`` rows of each query are believed
            to exceed. Rows at or below are not kept, so a wrong guess shows: fewer
            than ``k`` rows are left.

    Attributes:
        threshold: (Q,) float64, what a further row must exceed.
    """

    def __init__(
        self,
        num_queries: int,
        k: int,
        device: str | torch.device = "cpu",
        guess: torch.Tensor | None = None,
    ):
        self.k = k
        self.slack = buffer_width(k) - k
        shape = (num_queries, buffer_width(k))
        self.scores = torch.full(shape, -torch.inf, dtype=torch.float64, device=device)
        self.rows = torch.zeros(shape, dtype=torch.int64, device=device)
        self.count = torch.zeros(num_queries, dtype=torch.int64, device=device)
        self.threshold = self.scores.new_full((num_queries,), -torch.inf)
        if guess is not None:
            self.threshold = guess

    def add(self, qi: torch.Tensor, rows: torch.Tensor, scores: torch.Tensor) -> None:
        """Takes in exactly scored pairs, ordered by query, then by row."""
        qi, rows, scores = self._above(qi, rows, scores)
        added = torch.bincount(qi, minlength=len(self.count))
        if (self.count + added).max() > self.scores.shape[1]:
            self._compress()
            qi, rows, scores = self._above(qi, rows, scores)
            added = torch.bincount(qi, minlength=len(self.count))
            if added.max() > self.slack:  # halve until no query gets too many at once
                middle = (rows.min() + rows.max() + 1) // 2
                self.add(*_where(rows < middle, qi, rows, scores))
                self.add(*_where(rows >= middle, qi, rows, scores))
                return
        self._write(qi, rows, scores, added)

    def _above(self, qi: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
        """Returns what may be among the best of the pairs; ``others`` end in scores."""
        # Equal to the threshold is too late: k earlier rows are at least as good.
        wanted = others[-1] > self.threshold.index_select(0, qi)
        (index,) = nonzero(wanted)
        if len(index) == len(qi):
            return [qi, *others]
        return [array.index_select(0, index) for array in (qi, *others)]

    def _write(
        self,
        qi: torch.Tensor,
        rows: torch.Tensor,
        scores: torch.Tensor,
        added: torch.Tensor,
    ) -> None:
        """Appends pairs, of which there are ``added`` of each query."""
        width = self.scores.shape[1]
        # Where in the buffer a query goes on, less where it begins among the pairs.
        shift = torch.arange(len(added), device=qi.device) * width + self.count
        shift -= torch.cumsum(added, 0) - added
        place = shift.index_select(0, qi)
        place += torch.arange(len(qi), device=qi.device)
        self.scores.view(-1).put_(place, scores)
        self.rows.view(-1).put_(place, rows)
        self.count += added

    def settle(self) -> None:
        """Raises the thresholds to what has been seen."""
        if self.k < self.scores.shape[1] and bool((self.count > self.k).any()):
            self._compress()

    def _compress(self) -> None:
        """Drops all but the best ``k``, leaving the order of arrival."""
        kth = _highest(self.scores, self.k).amin(1, keepdim=True)
        above = self.scores > kth
        level = (self.scores == kth) & torch.isfinite(self.scores)
        room = self.k - above.sum(1, keepdim=True)
        keep = above | (level & (level.cumsum(1) <= room))
        qi, place = nonzero(keep)
        place += qi * keep.shape[1]
        scores = self.scores.view(-1).index_select(0, place)
        rows = self.rows.view(-1).index_select(0, place)
        self.scores.fill_(-torch.inf)
        self.count.zero_()
        self._write(qi, rows, scores, keep.sum(1))
        self.threshold = torch.where(self.count == self.k, kth[:, 0], self.threshold)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns (Q, k) rows and scores, best first; -inf where there are fewer."""
        width = max(self.k, int(self.count.max()))
        order = _descending(self.scores[:, :width], self.k)
        rows, scores = (x.gather(1, order) for x in (self.rows, self.scores))
        return rows.cpu().numpy(), scores.cpu().numpy()


def _highest(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Returns (q, k) the largest of (q, n) scores, in any order."""
    if scores.device.type != "cpu":
        return scores.topk(k, dim=1, sorted=False).values
    place = scores.shape[1] - k  # several times as fast as torch.topk
    return torch.from_numpy(np.partition(scores.numpy(), place, axis=1)[:, place:])


def _descending(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Returns (q, k) places of the best; of equal scores the first is first."""
    if scores.device.type != "cpu":
        return torch.sort(scores, dim=1, descending=True, stable=True).indices[:, :k]
    # A sort that is not stable takes a fifth of the time; few queries have ties.
    minus = -scores.numpy()
    order = np.argsort(minus, axis=1)[:, : k + 1]
    ranked = np.take_along_axis(minus, order, 1)
    tied = np.flatnonzero((ranked[:, 1:] == ranked[:, :-1]).any(1))
    order[tied] = np.argsort(minus[tied], axis=1, kind="stable")[:, : k + 1]
    return torch.from_numpy(order[:, :k])


def _where(mask: torch.Tensor, *arrays: torch.Tensor) -> tuple[torch.Tensor, ...]:
    (index,) = nonzero(mask)
    return tuple(array.index_select(0, index) for array in arrays)
