"""How long MoCo's queue may be, against the number of images."""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mmtaskssl.utils.tables import head, row

from .pool_study import Place
from .sept import SelectionStudy
from .study import Cell

_NAMES = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}


class QueueLength(SelectionStudy):
    """Trains on K images of a target's own source with queues of several lengths.

    Args:
        place: See `SelectionStudy`; the targets are names of sources, too.
        sizes: The K.
        shares: Queue lengths as shares of K; no queue is shorter than a batch.
        iters: Length of each training.
        batch_size: Images a step; the learning rate follows.
    """

    def __init__(
        self,
        place: Place,
        sizes: Sequence[int],
        shares: Sequence[float],
        iters: int,
        batch_size: int,
    ) -> None:
        super().__init__(place, "cpu", max(sizes), iters)
        self.sizes, self.shares = list(sizes), sorted(shares)
        self.batch_size = batch_size

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for seed in range(self.seeds):
            for target in self.targets:
                yield partial(self._knn, seed, target, "untrained", "random")
                for size in self.sizes:
                    for length in dict.fromkeys(self._lengths(size)):
                        yield partial(self._train, seed, target, size, length)

    def tables(self) -> str:
        """See `Study`."""
        knn = self.figures("knn")
        shares = [f"{_NAMES.get(share, f'{share:g}')} K" for share in self.shares]
        lines = [
            f"kNN top-1 (%), {self.iters} iterations of {self.batch_size}, "
            f"`{self.config.name}`, up to {self.seeds} seeds, mean ± sample standard "
            "deviation; in brackets the keys in the queue.",
            "",
            *head(["target", "K", "untrained", *shares]),
        ]
        for target in self.targets:
            for size in self.sizes:
                cells = [
                    f"{knn.cell(_arm(size, length), target)} ({length})"
                    for length in self._lengths(size)
                ]
                untrained = knn.cell("untrained", target)
                lines.append(row([target, str(size), untrained, *cells]))
        return "\n".join(lines) + "\n"

    def _lengths(self, size: int) -> list[int]:
        return [max(self.batch_size, round(share * size)) for share in self.shares]

    def _train(self, seed: int, target: str, size: int, length: int) -> None:
        arm = _arm(size, length)
        checkpoint = self.pretrain(
            seed,
            f"{target}-{arm}",
            "--auto-scale-lr",
            options=[
                f"selection={self._chosen(seed, target, size)}",
                f"batch_size={self.batch_size}",
                f"model.queue_len={length}",
                # What a training refuses otherwise is measured here.
                f"default_hooks.queue.limit={max(1, *self.shares)}",
            ],
        )
        self._knn(seed, target, arm, checkpoint)

    def _chosen(self, seed: int, target: str, size: int) -> Path:
        """Draws K images of the target's own source; a smaller K's are among them."""
        own = self.of_source(target)
        drawn = random.Random(seed).sample(own, len(own))[:size]
        return self.keep_selection(seed, f"{target}-{size}", drawn)

    def _knn(self, seed: int, target: str, arm: str, checkpoint: Path | str) -> None:
        self.measure(seed, arm, target, "knn", checkpoint)


def _arm(size: int, length: int) -> str:
    return f"K{size}-queue{length}"
