"""Students: the ten-layer network, trained by itself or taught by public weights."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import open_network
from mmtaskssl.utils.paths import resolve_config

from .figures import Figures
from .pool_study import Place
from .public import NETWORK, PublicStudy
from .starts import METHODS
from .study import Cell, read_json
from .target import Target

SIDE = 40
_SSL = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
_TAUGHT = "configs/distill/distill_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
RECIPES = {"ssl": "MoCo v2", "taught": "taught"}
DATA = {"pool": "whole pool", "random": "random K", "sept": "SEPT K"}
ARMS = {
    "scratch": "untrained",
    **{
        f"{recipe}-{data}": f"{title}, {images}"
        for recipe, title in RECIPES.items()
        for data, images in DATA.items()
    },
}


class StudentStudy(PublicStudy):
    """One network, equally many steps: without a teacher and with one, on which images.

    Selections are the same for all arms, by the public network's features at 128 px;
    the teacher is that network at twice the student's side. The teacher's lessons on
    the whole pool are one seed's.

    Args:
        place: See `PublicStudy`.
        weights: Of EfficientNet-Lite0, the teacher.
        recipes: Of `RECIPES`.
        budget: K, images of a selection.
        iters: Length of each training.
    """

    def __init__(
        self,
        place: Place,
        weights: str | Path,
        recipes: Sequence[str] = tuple(RECIPES),
        budget: int = 1000,
        iters: int = 1000,
    ) -> None:
        super().__init__(place, _SSL, weights, budget, iters)
        self.recipes = list(recipes)

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for target in self.targets:
            yield partial(self.select, target)
        for seed in range(self.seeds):
            yield partial(self._scratch, seed)
            for recipe in self.recipes:
                for target in self.targets:
                    yield partial(self._train, seed, recipe, "sept", target)
                yield partial(self._train, seed, recipe, "random")
                if recipe == "ssl" or seed == 0:
                    yield partial(self._train, seed, recipe, "pool")

    def target_at(self, target: str, side: int) -> Target:
        """Returns a target's images as the student's config prepares them."""
        return self.images(target)

    def _scratch(self, seed: int) -> None:
        body = extractor_of(open_network(self.config, "random", seed=seed))
        for target in self.targets:
            file = self.result(seed, SIDE, "scratch", target)
            self.judged(file, body, target, SIDE)

    def _train(
        self, seed: int, recipe: str, data: str, target: str | None = None
    ) -> None:
        """Trains, and measures on its own target or, of other images, on all."""
        arm = f"{recipe}-{data}"
        files = {
            one: self.result(seed, SIDE, arm, one)
            for one in ([target] if target else self.targets)
        }
        if all(file.exists() for file in files.values()):
            return
        chosen = {"pool": None, "random": self.drawn(seed)}
        images = self.selection(target) if target else chosen[data]
        config = resolve_config(_SSL if recipe == "ssl" else _TAUGHT)
        teacher = ("--teacher", f"{NETWORK}={self.weights}")
        checkpoint = self.pretrain(
            *(seed, f"{recipe}-{target or data}"),
            *(teacher if recipe == "taught" else ()),
            config=config,
            options=[f"selection={images}"] if images else [],
        )
        body = extractor_of(open_network((config, checkpoint)))
        for one, file in files.items():
            self.judged(file, body, one, SIDE)

    def figures(self, method: str) -> Figures:
        """Returns the accuracies by a method, in per cent."""

        def read(arm: str, seed: int, target: str) -> float | None:
            found = read_json(self.result(seed, SIDE, arm, target))
            return found and found["test"][method]

        return Figures(read, self.seeds, self.targets)

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"Up to {self.seeds} seed(s), K = {self.budget}, {self.iters} steps of "
            f"every arm, {SIDE} px; taught by `{NETWORK.partition(':')[2]}` at "
            f"{2 * SIDE} px; mean ± sample standard deviation.",
            "",
            *self.shares(),
        ]
        for method in METHODS:
            figures = self.figures(method)
            lines += ["", f"{method} top-1 (%)", ""]
            lines += figures.by_target(ARMS, mean=True)
            for arm in ("taught-sept", "ssl-sept"):
                others = {key: title for key, title in ARMS.items() if key != arm}
                if gains := figures.against(arm, others):
                    lines += ["", f"{ARMS[arm]}, minus the other:", *gains]
        return "\n".join(lines) + "\n"
