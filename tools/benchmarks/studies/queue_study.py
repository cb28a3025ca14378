"""How long MoCo's queue may be, against the number of images."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from ..utils.atomic import write_text
from ..utils.steps import Steps
from ..utils.tables import head, row, spread
from .evidence import ONE_THREAD, read_json
from .sept_study import Study

_NAMES = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}


class QueueStudy(Study):
    """Trains on K images of a target's own source with queues of several lengths.

    Args:
        data: See `Study`.
        out: Working directory.
        targets: Names of folders in ``classification`` and of sources.
        seeds: Number of repetitions.
        sizes: The K.
        shares: Queue lengths as shares of K; no queue is shorter than a batch.
        iters: Length of each training.
        batch_size: Images a step; the learning rate follows.
    """

    def __init__(
        self,
        data: Path,
        out: Path,
        targets: Sequence[str],
        seeds: int,
        sizes: Sequence[int],
        shares: Sequence[float],
        iters: int,
        batch_size: int,
    ) -> None:
        super().__init__("cpu", data, out, targets, seeds, max(sizes), iters)
        self.sizes, self.shares = list(sizes), sorted(shares)
        self.batch_size = batch_size

    def run(self, show: Callable[[str], None]) -> None:
        """Runs what is not done yet, and writes ``tables.md`` after each training.

        Args:
            show: Receives lines of progress.
        """
        steps = Steps(self.out / "logs", show, ONE_THREAD)
        for seed in range(self.seeds):
            for target in self.targets:
                self._measure(steps, seed, target, "random", "untrained")
                for size in self.sizes:
                    for length in dict.fromkeys(self._lengths(size)):
                        self._train(steps, seed, target, size, length)
                        write_text(self.out / "tables.md", self.table())

    def table(self) -> str:
        """Returns the accuracies of the trainings that are done."""
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
                    f"{self._cell(target, _arm(size, length))} ({length})"
                    for length in self._lengths(size)
                ]
                untrained = self._cell(target, "untrained")
                lines.append(row([target, str(size), untrained, *cells]))
        return "\n".join(lines) + "\n"

    def _lengths(self, size: int) -> list[int]:
        return [max(self.batch_size, round(share * size)) for share in self.shares]

    def _cell(self, target: str, arm: str) -> str:
        files = (self.result(s, arm, target, "knn") for s in range(self.seeds))
        found = filter(None, map(read_json, files))
        return spread([one["metrics"]["top1"]["mean"] for one in found])

    def _train(
        self, steps: Steps, seed: int, target: str, size: int, length: int
    ) -> None:
        arm = _arm(size, length)
        folder = self.seed_folder(seed, f"pretrain-{target}-{arm}")
        checkpoint = folder / f"iter_{self.iters}.pth"
        steps.run(
            f"seed {seed} {target} {arm}",
            checkpoint,
            "train",
            *(self.config, "--work-dir", folder, "--resume", "--auto-scale-lr"),
            options=[
                f"images={self.pool}",
                f"selection={self._chosen(seed, target, size)}",
                f"max_iters={self.iters}",
                f"batch_size={self.batch_size}",
                f"randomness.seed={seed}",
                f"model.queue_len={length}",
                # What a training refuses otherwise is measured here.
                f"default_hooks.queue.limit={max(1, *self.shares)}",
            ],
        )
        self._measure(steps, seed, target, checkpoint, arm)

    def _chosen(self, seed: int, target: str, size: int) -> Path:
        """Draws K images of the target's own source; a smaller K's are among them."""
        file = self.selection(seed, f"{target}-{size}") / "selection.txt"
        if not file.exists():
            own = [image for image, source in self.sources.items() if source == target]
            chosen = random.Random(seed).sample(own, len(own))[:size]
            write_text(file, "\n".join(chosen) + "\n")
        return file

    def _measure(
        self, steps: Steps, seed: int, target: str, checkpoint: Path | str, arm: str
    ) -> None:
        result = self.result(seed, arm, target, "knn")
        steps.run(
            f"seed {seed} kNN of {target} {arm}",
            result,
            "eval_knn",
            *(self.config, checkpoint, "--target", self.target_folder(target)),
            *("--seed", seed, "--json", result),
        )


def _arm(size: int, length: int) -> str:
    return f"K{size}-queue{length}"
