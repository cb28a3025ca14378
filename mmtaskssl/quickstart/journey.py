"""From a pool and a small target to a measured backbone, by this package's tools."""

import json
import random
from pathlib import Path

from ..datasets.images import list_images
from ..features.store import FeatureStore
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.paths import resolve_config
from ..utils.steps import Steps

CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
#: Images of the pool that the extractor is trained on, at most.
EXTRACTOR_IMAGES = 2000
_LEAST = 256  # images a pre-training takes: two batches
_MEASURES = {"kNN": "eval_knn", "linear": "eval_linear"}


class Journey:
    """The steps, each run once; the same call continues an interrupted journey.

    Args:
        pool: Folder of unlabelled images.
        target: ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.
        out: Everything is written here.
        budget: Images to select.
        iters: Iterations of each pre-training.
        steps: Runs the tools.
        seed: Of the training, and of the random subset.

    Raises:
        UserError: The pool is too small for the budget.
    """

    def __init__(
        self,
        pool: Path,
        target: Path,
        out: Path,
        budget: int,
        iters: int,
        steps: Steps,
        seed: int = 0,
    ) -> None:
        self.pool, self.target, self.out = pool, target, out
        self.budget, self.iters, self.seed = budget, iters, seed
        self.steps = steps
        self.config = resolve_config(CONFIG)
        self.image_ids = list_images(str(pool))[1]
        if not _LEAST <= budget <= len(self.image_ids):
            raise UserError(
                f"{budget} images cannot be selected: {pool} has "
                f"{len(self.image_ids):,}, and pre-training takes at least {_LEAST}"
            )
        self.checkpoints: dict[str, Path | str] = {"untrained": "random"}

    def run(self) -> None:
        """Runs every step that is not done yet."""
        part = self.out / "extractor-images.txt"
        if not part.exists():
            count = min(EXTRACTOR_IMAGES, len(self.image_ids))
            drawn = random.Random(self.seed).sample(self.image_ids, count)
            write_text(part, "\n".join(drawn) + "\n")
        extractor = self._pretrain("extractor", part)
        pool = self._extract("pool", self.pool, extractor)
        target = self._extract("target", self.target / "train", extractor)
        for arm, policy in (("random", "random"), ("selected", "round_robin")):
            chosen = self._select(arm, policy, pool, target)
            self.checkpoints[arm] = self._pretrain(arm, chosen)
        for arm in self.checkpoints:
            for tool in _MEASURES.values():
                self._measure(arm, tool)

    def _pretrain(self, arm: str, selection: Path) -> Path:
        folder = self.out / f"pretrain-{arm}"
        checkpoint = folder / f"iter_{self.iters}.pth"
        self.steps.run(
            f"pre-train {arm}",
            checkpoint,
            "train",
            *(self.config, "--work-dir", folder, "--resume"),
            options=[
                f"images={self.pool}",
                f"selection={selection}",
                f"max_iters={self.iters}",
                f"model.queue_len={max(_LEAST, self.budget // 4)}",
                f"randomness.seed={self.seed}",
            ],
        )
        return checkpoint

    def _extract(self, name: str, images: Path, checkpoint: Path) -> Path:
        store = self.out / "features" / name
        labels = ["--labels", "folder"] if name == "target" else []
        self.steps.run(
            f"extract features of {name}",
            lambda: FeatureStore.is_complete(store),
            "extract_features",
            *(self.config, checkpoint, "--images", images, "--out", store),
            *labels,
        )
        return store

    def _select(self, arm: str, policy: str, pool: Path, target: Path) -> Path:
        folder = self.out / f"selection-{arm}"
        self.steps.run(
            f"select {self.budget} images: {arm}",
            folder / "selection.txt",
            "select_data",
            *("--pool", pool, "--target", target, "--budget", self.budget),
            *("--policy", policy, "--seed", self.seed, "--out", folder),
        )
        return folder / "selection.txt"

    def _result(self, arm: str, tool: str) -> Path:
        return self.out / "results" / f"{arm}-{tool}.json"

    def _measure(self, arm: str, tool: str) -> None:
        result = self._result(arm, tool)
        self.steps.run(
            f"{tool} of {arm}",
            result,
            tool,
            *(self.config, self.checkpoints[arm], "--target", self.target),
            *("--seed", self.seed, "--json", result),
        )

    def table(self) -> str:
        """Returns what was measured: a line for each backbone, top-1 in percent."""
        names = {
            "untrained": "untrained network",
            "random": f"pre-trained on {self.budget} random images",
            "selected": f"pre-trained on the {self.budget} selected images",
        }
        width = max(map(len, names.values()))
        header = "".join(f"{name:>9}" for name in _MEASURES)
        lines = [f"{'top-1 on the target (%)':<{width}}{header}"]
        for arm, text in names.items():
            values = [
                json.loads(self._result(arm, tool).read_text())["metrics"]["top1"]
                for tool in _MEASURES.values()
            ]
            cells = "".join(f"{value['mean']:9.1f}" for value in values)
            lines.append(f"{text:<{width}}{cells}")
        return "\n".join(lines)
