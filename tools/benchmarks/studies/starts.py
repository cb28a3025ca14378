"""Starts: a public network continued on selected images, beside what costs nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.image_sample import draw_images
from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import open_network
from mmtaskssl.networks.recalibrate import recalibrated
from mmtaskssl.utils.tables import head, row

from .figures import Figures
from .inner import choose
from .pool_study import Place
from .public import NETWORK, PIXELS, PublicStudy
from .study import Cell, read_json

_CONFIG = "configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-{}px.py"
METHODS = ("knn", "linear")


@dataclass(frozen=True)
class Recipe:
    """How a start is continued.

    Attributes:
        title: In tables.
        ratio: Side of the teacher's images over the student's.
        weight: Of the cosine to the teacher.
        lr: Highest learning rate.
    """

    title: str
    ratio: int
    weight: float
    lr: float

    def options(self, side: int) -> list[str]:
        """Returns ``key=value`` pairs of the config.

        Args:
            side: Of the student's images, pixels.
        """
        high = side * self.ratio
        return [
            f"model.distill.teacher.view_size={high}",
            f"model.distill.losses.0.weight={self.weight}",
            f"optim_wrapper.optimizer.lr={self.lr}",
            f"train_dataloader.dataset.store_size={high * 5 // 4}",
        ]


RECIPES = {
    "anchor": Recipe("anchored to itself", 1, 2.0, 1e-4),
    "selfres": Recipe("taught at twice the side", 2, 6.0, 2e-4),
}
DATA = {"sept": "SEPT K", "random": "random K", "pool": "whole pool"}
#: Points of the line from the start to the end of a training, the end's share.
LINE = (0.5,)


class StartStudy(PublicStudy):
    """Public weights as they are, and continued on selected, random and all images.

    Args:
        place: See `PublicStudy`; the data also has ``pool/sources.csv``.
        weights: Of EfficientNet-Lite0.
        sides: Of the images that networks are used on, pixels.
        recipes: Of `RECIPES`.
        budget: K, images of a selection.
        steps: Length of each training.
    """

    def __init__(
        self,
        place: Place,
        weights: str | Path,
        sides: Sequence[int] = (40, 64),
        recipes: Sequence[str] = tuple(RECIPES),
        budget: int = 1000,
        steps: int = 200,
    ) -> None:
        super().__init__(place, _CONFIG.format(64), weights, budget, steps)
        self.sides, self.recipes = list(sides), list(recipes)

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for target in self.targets:
            yield partial(self.select, target)
        for side in self.sides:
            for arm in ("public", "public-bn", "public-high"):
                yield partial(self._measure_free, arm, side)
        for seed in range(self.seeds):
            for side in self.sides:
                for recipe in self.recipes:
                    for target in self.targets:
                        yield partial(self._continue, seed, side, recipe, target)
                    for data in ("random", "pool"):
                        yield partial(self._continue, seed, side, recipe, None, data)

    def _measure_free(self, arm: str, side: int) -> None:
        """Measures what costs no training, the same for every seed."""
        shown = 2 * side if arm == "public-high" else side
        body = None
        for target in self.targets:
            file = self.result(0, side, arm, target)
            if file.exists():
                continue
            if body is None:
                network = self.public
                if arm == "public-bn":
                    images = draw_images(
                        str(self.pool), EvalTransform(side, **PIXELS), 2048
                    )
                    network = recalibrated(network, images, device="cpu")
                body = extractor_of(network)
            self.judged(file, body, target, shown)

    def _continue(
        self, seed: int, side: int, recipe: str, target: str | None, data: str = "sept"
    ) -> None:
        """Trains, and measures on its own target or, of other images, on all."""
        of = {"random": self.drawn(seed), "pool": None}
        chosen = of[data] if target is None else self.selection(target)
        name = f"{recipe}-{side}-{target or data}"
        files = {
            one: self.result(seed, side, f"{recipe}-{data}", one)
            for one in ([target] if target else self.targets)
        }
        if all(file.exists() for file in files.values()):
            return
        config = Path(str(self.config).replace("64px", f"{side}px"))
        checkpoint = self.pretrain(
            seed,
            name,
            *("--teacher", f"{NETWORK}={self.weights}"),
            config=config,
            options=[
                f"model.backbone.weights={self.weights}",
                *RECIPES[recipe].options(side),
                *([f"selection={chosen}"] if chosen else []),
            ],
        )
        end = extractor_of(open_network((config, checkpoint)))
        for one, file in files.items():
            self.judged(file, end, one, side)
            if target is not None:
                self._line(seed, side, recipe, one, end)

    def _line(
        self, seed: int, side: int, recipe: str, target: str, end: nn.Module
    ) -> None:
        """Measures points between the start and the end of a training."""
        start = extractor_of(self.public).state_dict()
        final = {key: value.clone() for key, value in end.state_dict().items()}
        # The backbone of a training names what it wraps.
        pairs = dict(zip(final, start.values(), strict=True))
        for share in LINE:
            mixed = {
                key: torch.lerp(pairs[key], value, share)
                if value.is_floating_point()
                else value
                for key, value in final.items()
            }
            end.load_state_dict(mixed)
            arm = f"{recipe}-line{share}"
            self.judged(self.result(seed, side, arm, target), end, target, side)
        end.load_state_dict(final)

    def figures(self, side: int, method: str) -> Figures:
        """Returns the accuracies at a side by a method, in per cent."""

        def read(arm: str, seed: int, target: str) -> float | None:
            free = arm.startswith("public")
            found = read_json(self.result(0 if free else seed, side, arm, target))
            return found and found["test"][method]

        return Figures(read, self.seeds, self.targets)

    def arms(self) -> dict[str, str]:
        """Returns the titles of all arms."""
        titles = {
            "public": "public",
            "public-bn": "public, norms of the pool",
            "public-high": "public at twice the side",
        }
        for recipe in self.recipes:
            for data, images in DATA.items():
                titles[f"{recipe}-{data}"] = f"{RECIPES[recipe].title}, {images}"
            for share in LINE:
                titles[f"{recipe}-line{share}"] = f"half way to {recipe} on SEPT K"
        return titles

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"`{NETWORK.partition(':')[2]}`, up to {self.seeds} seed(s), "
            f"K = {self.budget}, {self.iters} steps; mean ± sample standard deviation.",
            "",
            *self.shares(),
        ]
        for side in self.sides:
            for method in METHODS:
                figures = self.figures(side, method)
                lines += ["", f"{side} px, {method} top-1 (%)", ""]
                lines += figures.by_target(self.arms(), mean=True)
                for recipe in self.recipes:
                    arm = f"{recipe}-sept"
                    others = {k: v for k, v in self.arms().items() if k != arm}
                    if gains := figures.against(arm, others):
                        title = f"{RECIPES[recipe].title}, SEPT K"
                        lines += ["", f"{title}, minus the other:", *gains]
            lines += ["", *self._chosen(side)]
        return "\n".join(lines) + "\n"

    def _chosen(self, side: int) -> list[str]:
        """Which arm the target's own training images choose, and what it brings."""
        lines = [
            f"{side} px: chosen inside the target's training images (five folds, "
            "linear, the first of public, half way, end within one standard error)",
            "",
            *head(["seed", "target", "chosen", "linear on test", "public"]),
        ]
        for seed in range(self.seeds):
            for target in self.targets:
                found = self._candidates(seed, side, target)
                if len(found) < 2:
                    continue
                arm = choose({k: v["inner"]["linear"] for k, v in found.items()})
                values = (found[k]["test"]["linear"] for k in (arm, "public"))
                cells = [str(seed), target, arm, *(f"{v:.1f}" for v in values)]
                lines.append(row(cells))
        return lines

    def _candidates(
        self, seed: int, side: int, target: str
    ) -> dict[str, Mapping[str, Any]]:
        """Returns figures by arm, the arm that costs least first."""
        arms = ["public"]
        for recipe in self.recipes:
            arms += [f"{recipe}-line{share}" for share in LINE]
            arms.append(f"{recipe}-sept")
        found = {}
        for arm in arms:
            of = 0 if arm == "public" else seed
            if figures := read_json(self.result(of, side, arm, target)):
                found[arm] = figures
        return found
