"""The four stages that every comparison of pre-training data is made of."""

from dataclasses import dataclass
from pathlib import Path

from ..features.store import FeatureStore
from ..utils.steps import Steps

#: Images a pre-training takes, and keys its queue holds, at least.
LEAST_IMAGES = 256
#: Name of a measurement -> its tool.
MEASURES = {"knn": "eval_knn", "linear": "eval_linear"}


@dataclass(frozen=True)
class Stages:
    """Runs our tools on one pool with one recipe, so that arms differ in data alone.

    Attributes:
        steps: Runs a tool unless it is done.
        config: Of the pre-training and the network.
        pool: Folder of unlabelled images.
        budget: Images of a selection.
        iters: Iterations of each pre-training.
    """

    steps: Steps
    config: Path
    pool: Path
    budget: int
    iters: int

    def pretrain(
        self, name: str, folder: Path, seed: int, selection: Path | None = None
    ) -> Path:
        """Pre-trains on the pool or a selection of it; returns the checkpoint."""
        options = [
            f"images={self.pool}",
            f"max_iters={self.iters}",
            f"randomness.seed={seed}",
            # A longer queue would hold the batch's own images among the negatives.
            f"model.queue_len={max(LEAST_IMAGES, self.budget // 4)}",
        ]
        if selection:
            options.append(f"selection={selection}")
        checkpoint = folder / f"iter_{self.iters}.pth"
        self.steps.run(
            name,
            checkpoint,
            "train",
            *(self.config, "--work-dir", folder, "--resume"),
            options=options,
        )
        return checkpoint

    def extract(
        self, name: str, store: Path, checkpoint: Path, images: Path, labelled: bool
    ) -> Path:
        """Extracts the features of a folder; returns the store."""
        self.steps.run(
            name,
            lambda: FeatureStore.is_complete(store),
            "extract_features",
            *(self.config, checkpoint, "--images", images, "--out", store),
            *(["--labels", "folder"] if labelled else []),
        )
        return store

    def select(
        self, name: str, folder: Path, pool: Path, target: Path, policy: str, seed: int
    ) -> Path:
        """Selects from the store ``pool`` for ``target``; returns the list."""
        chosen = folder / "selection.txt"
        self.steps.run(
            name,
            chosen,
            "select_data",
            *("--pool", pool, "--target", target, "--budget", self.budget),
            *("--policy", policy, "--seed", seed, "--out", folder),
        )
        return chosen

    def measure(
        self,
        name: str,
        result: Path,
        measure: str,
        checkpoint: Path | str,
        target: Path,
        seed: int,
    ) -> None:
        """Measures a backbone on a labelled folder into the JSON file ``result``."""
        self.steps.run(
            name,
            result,
            MEASURES[measure],
            *(self.config, checkpoint, "--target", target),
            *("--seed", seed, "--json", result),
        )
