"""From a pool and a small target to a measured backbone."""

import functools
import random
from pathlib import Path

from ..datasets.images import list_images
from ..utils.atomic import write_text
from ..utils.budgets import count_images
from ..utils.errors import UserError
from ..utils.inputs import read_json
from ..utils.paths import resolve_config
from ..utils.steps import Steps
from .builtin import write_builtin
from .stages import LEAST_IMAGES, MEASURES, Stages
from .target import prepare_target

CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
_HEADINGS = {"knn": "kNN", "linear": "linear"}


class Journey:
    """The steps, each run once; the same call continues an interrupted journey.

    Args:
        pool: Folder of unlabelled images.
        target: ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.
        out: Everything is written here.
        budget: Images to select.
        iters: Iterations of each pre-training.
        steps: Calls what is not done yet.
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
        self.budget, self.seed = budget, seed
        self.stages = Stages(steps, resolve_config(CONFIG), pool, budget, iters)
        self.image_ids = list_images(str(pool))[1]
        if not LEAST_IMAGES <= budget <= len(self.image_ids):
            raise UserError(
                f"{budget} images cannot be selected: {pool} has "
                f"{len(self.image_ids):,}, and pre-training "
                f"takes at least {LEAST_IMAGES}"
            )
        self.checkpoints: dict[str, Path | str] = {"untrained": "random"}

    def run(self) -> None:
        """Runs every step that is not done yet.

        The network of the random images also extracts the features: it is the best
        one there is before a selection, and costs no further training.
        """
        drawn = self.out / "selection-random" / "selection.txt"
        if not drawn.exists():
            chosen = random.Random(self.seed).sample(self.image_ids, self.budget)
            drawn.parent.mkdir(parents=True, exist_ok=True)
            write_text(drawn, "\n".join(chosen) + "\n")
        extractor = self.checkpoints["random"] = self._pretrain("random", drawn)
        pool = self._extract("pool", self.pool, extractor)
        target = self._extract("target", self.target / "train", extractor)
        chosen = self._select("selected", "round_robin", pool, target)
        self.checkpoints["selected"] = self._pretrain("selected", chosen)
        self.stages.steps.run_two_at_a_time(
            functools.partial(self._measure, arm, measure)
            for arm in self.checkpoints
            for measure in MEASURES
        )

    def _pretrain(self, arm: str, selection: Path) -> Path:
        folder = self.out / f"pretrain-{arm}"
        return self.stages.pretrain(f"pre-train {arm}", folder, self.seed, selection)

    def _extract(self, name: str, images: Path, checkpoint: Path) -> Path:
        return self.stages.extract(
            f"extract features of {name}",
            self.out / "features" / name,
            checkpoint,
            images,
            labelled=name == "target",
        )

    def _select(self, arm: str, policy: str, pool: Path, target: Path) -> Path:
        return self.stages.select(
            f"select {self.budget} images: {arm}",
            self.out / f"selection-{arm}",
            pool,
            target,
            policy,
            self.seed,
        )

    def _result(self, arm: str, measure: str) -> Path:
        return self.out / "results" / f"{arm}-{MEASURES[measure]}.json"

    def _measure(self, arm: str, measure: str) -> None:
        self.stages.measure(
            f"{MEASURES[measure]} of {arm}",
            self._result(arm, measure),
            measure,
            self.checkpoints[arm],
            self.target,
            self.seed,
        )

    def table(self) -> str:
        """Returns what was measured: a line for each backbone, top-1 in percent."""
        names = {
            "untrained": "untrained network",
            "random": f"pre-trained on {self.budget} random images",
            "selected": f"pre-trained on the {self.budget} selected images",
        }
        width = max(map(len, names.values()))
        header = "".join(f"{name:>9}" for name in _HEADINGS.values())
        lines = [f"{'top-1 on the target (%)':<{width}}{header}"]
        for arm, text in names.items():
            values = [
                read_json(self._result(arm, measure))["metrics"]["top1"]
                for measure in _HEADINGS
            ]
            cells = "".join(f"{value['mean']:9.1f}" for value in values)
            lines.append(f"{text:<{width}}{cells}")
        return "\n".join(lines)


def start_journey(
    out: Path,
    images: str | Path | None,
    target: str | Path | None,
    budget: int | str | None,
    iters: int,
    steps: Steps,
    seed: int = 0,
) -> Journey:
    """Prepares the images and returns the journey over them.

    Args:
        out: Everything is written here.
        images: Folder of unlabelled images; None: built-in ones, target and all.
        target: Folder of CLASS/IMAGE, see `prepare_target`.
        budget: Images to select, or "10%" of the pool; None: a sixth of it, 256 to
            10,000.
        iters: Iterations of each pre-training.
        steps: Calls what is not done yet.
        seed: Of the trainings, and of what is drawn.

    Raises:
        UserError: See `prepare_target` and `Journey`.
    """
    if images is None or target is None:
        pool, labelled = write_builtin(out / "images")
    else:
        pool, labelled = Path(images), Path(target)
    labelled = prepare_target(labelled, out / "target", seed)
    count = len(list_images(str(pool))[1])
    if budget is None:
        budget = min(count, max(256, min(10_000, count // 6)))
    else:
        budget = count_images(budget, count)
    steps.show(f"pool {pool}: {count:,} images; target {labelled}; budget {budget:,}")
    return Journey(pool, labelled, out, budget, iters, steps, seed)
