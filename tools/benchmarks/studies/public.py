"""Studies whose selections are made by a public network's features."""

import random
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

from torch import nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.networks import Network, open_network
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.tables import head, row

from .inner import judge
from .pool_study import Place, PoolStudy
from .study import ONE_THREAD
from .target import Target

NETWORK = "timm:tf_efficientnet_lite0"
#: Values of pixels that EfficientNet-Lite0's weights expect.
PIXELS = {"mean": (127.5,) * 3, "std": (127.5,) * 3}
#: Targets whose classes are, or hold, classes of ImageNet's.
KNOWN = ("imagenette", "cifar10", "clothing")
#: Resolution by which selections are made.
EXTRACTOR_SIDE = 128


class PublicStudy(PoolStudy):
    """A study of selections by EfficientNet-Lite0 with its ImageNet weights.

    Args:
        place: See `PoolStudy`; the data also has ``pool/sources.csv``.
        config: Of the trainings.
        weights: Of EfficientNet-Lite0.
        budget: K, images of a selection.
        iters: Length of each training.
    """

    env = ONE_THREAD

    def __init__(
        self, place: Place, config: str, weights: str | Path, budget: int, iters: int
    ) -> None:
        super().__init__(place, config, iters)
        self.weights, self.budget = Path(weights).resolve(), budget
        self._targets: dict[tuple[str, int], Target] = {}

    def select(self, target: str) -> None:
        """Selects a target's images by the public network's features."""
        for name, images in (
            ("pool", self.pool),
            (target, self.target_folder(target) / "train"),
        ):
            store = self.out / "features" / name
            self.steps.run(
                f"features of {name}",
                partial(FeatureStore.is_complete, store),
                "extract",
                *("--model", NETWORK, "--weights", self.weights, "--images", images),
                *("--image-size", EXTRACTOR_SIDE, "--workers", 0, "--out", store),
                *(("--labels", "folder") if name == target else ()),
            )
        pool, own = (self.out / "features" / name for name in ("pool", target))
        self.steps.run(
            f"select for {target}",
            self.selection(target),
            "select",
            *("--pool", pool, "--target", own, "--budget", self.budget),
            *("--out", self.selection(target).parent, "--no-report"),
        )

    def selection(self, name: str) -> Path:
        """Returns where a selection lies."""
        return self.out / "selections" / name / "selection.txt"

    def drawn(self, seed: int) -> Path:
        """Returns as many images of the pool, drawn at random."""
        file = self.selection(f"random-{seed}")
        if not file.exists():
            chosen = random.Random(seed).sample(sorted(self.sources), self.budget)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, "\n".join(chosen) + "\n")
        return file

    def target_at(self, target: str, side: int) -> Target:
        """Returns a target's images at a side, each read once."""
        if (target, side) not in self._targets:
            transform = EvalTransform(side, **PIXELS)
            folder = self.target_folder(target)
            self._targets[target, side] = Target.read(folder, transform)
        return self._targets[target, side]

    @cached_property
    def public(self) -> Network:
        """The network with its public weights."""
        return open_network(NETWORK, self.weights)

    def result(self, seed: int, side: int, arm: str, target: str) -> Path:
        """Returns where the figures of an arm on a target are kept."""
        return self.seed_folder(seed, "results", f"{side}px-{arm}-{target}.json")

    def judged(self, file: Path, body: nn.Module, target: str, side: int) -> None:
        """Measures a network on a target, unless it was."""
        images = self.target_at(target, side)
        self.kept(file, file.stem, lambda: judge(images, body))

    def shares(self) -> Iterator[str]:
        """How much of each selection is of the target's own source."""
        if known := [target for target in self.targets if target in KNOWN]:
            yield (
                f"Classes of {', '.join(known)} are among ImageNet's: there, public "
                "weights and selections by them know labels."
            )
            yield ""
        yield from head(["target", "own source: of SEPT's K", "of the pool"])
        pool = [*self.sources.values()]
        for target in self.targets:
            if (own := self.own_share(target)) is not None:
                shares = own, 100 * pool.count(target) / len(pool)
                yield row([target, *(f"{share:.1f} %" for share in shares)])

    def own_share(self, target: str) -> float | None:
        """Returns how much of a target's selection is of its own source, per cent."""
        file = self.selection(target)
        if not file.exists():
            return None
        chosen = file.read_text().split()
        return 100 * sum(self.sources[one] == target for one in chosen) / len(chosen)
