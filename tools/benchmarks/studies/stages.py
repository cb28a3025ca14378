"""The four stages that every comparison of pre-training data is made of."""

from dataclasses import dataclass
from pathlib import Path

from mmtaskssl.features.store import FeatureStore
from mmtaskssl.selection.options import Options
from mmtaskssl.utils.steps import Steps

# By their names: this process computes nothing and need not import them.
_PRETRAIN = "mmtaskssl.engine.pretrain:pretrain"
_EXTRACT = "mmtaskssl.features.extract:extract"
_SELECT = "mmtaskssl.selection.folder:select_to_folder"
_EVALUATE = "mmtaskssl.evaluation.evaluate:evaluate"

#: Images a pre-training takes, and keys its queue holds, at least.
LEAST_IMAGES = 256
#: Name of a measurement -> as files are named after it.
MEASURES = {"knn": "eval_knn", "linear": "eval_linear"}


@dataclass(frozen=True)
class Stages:
    """Runs our verbs on one pool with one recipe, so that arms differ in data alone.

    Attributes:
        steps: Calls a function unless it is done.
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
        checkpoint = folder / f"iter_{self.iters}.pth"
        self.steps.call(
            name,
            checkpoint,
            _PRETRAIN,
            self.config,
            images=str(self.pool),
            selection=None if selection is None else str(selection),
            iters=self.iters,
            seed=seed,
            work_dir=folder,
            resume=True,
            # A longer queue would hold the batch's own images among the negatives.
            cfg_options={"model.queue_len": max(LEAST_IMAGES, self.budget // 4)},
        )
        return checkpoint

    def extract(
        self, name: str, store: Path, checkpoint: Path, images: Path, labelled: bool
    ) -> Path:
        """Extracts the features of a folder; returns the store."""
        self.steps.call(
            name,
            lambda: FeatureStore.is_complete(store),
            _EXTRACT,
            (self.config, checkpoint),
            images,
            labels="folder" if labelled else None,
            out=store,
            log=print,
        )
        return store

    def select(
        self, name: str, folder: Path, pool: Path, target: Path, policy: str, seed: int
    ) -> Path:
        """Selects from the store ``pool`` for ``target``; returns the list."""
        chosen = folder / "selection.txt"
        self.steps.call(
            name,
            chosen,
            _SELECT,
            *(folder, pool, target, self.budget, Options(policy, seed)),
            log=print,
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
        self.steps.call(
            name,
            result,
            _EVALUATE,
            (self.config, checkpoint),
            target,
            probe=measure,
            seed=seed,
            keep=result,
        )
