"""Paths that begin in a trained network, clusters by public features."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mmtaskssl.apis import FeatureStore, cluster
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.specialists.home import find_home

from .pool_study import Place
from .public import EXTRACTOR_SIDE, NETWORK
from .sdr import Sdr
from .sdr_continued_measure import Run, measure
from .sdr_continued_tables import BASE, LONGER, SAME, tables
from .sdr_design import PLAIN
from .study import ONE_THREAD, Cell

#: No phase of MAX alone, a third of the rest at the tree's first level.
_SHARES = (0.0, 0.3, 0.7)


class SdrContinued(Sdr):
    """One trained MAX, and what can be done next with the same images.

    Args:
        place: See `PoolStudy`.
        config: Of a routed training.
        iters: Length of an arm's training.
        base: Of MAX's before.
        weight: Of paths' losses.
    """

    env = ONE_THREAD

    def __init__(
        self, place: Place, config: str, iters: int, base: int, weight: float
    ) -> None:
        super().__init__(place, config, iters, ["routed", "random"])
        self.base, self.weight, self.shares = base, weight, list(_SHARES)

    def cells(self) -> Iterator[Cell]:
        """See `Study`.

        Raises:
            UserError: The folder holds results of other settings.
        """
        own = {"iters": self.iters, "base": self.base, "weight": self.weight}
        self.claim(
            self.out / "settings.json",
            {"config": self.config.name, **own},
            "name another --work-dir, or the same settings",
        )
        for name in ("pool", *self.targets):
            yield partial(self._features, name)
        for seed in range(self.seeds):
            yield partial(self._find, seed)
            yield partial(self._base, seed)
            for arm in self.arms:
                yield partial(self._routed, seed, arm)
            yield partial(self._whole, seed, LONGER, self.longer)
            yield partial(self._whole, seed, SAME, self.iters)

    def tables(self) -> str:
        """See `Study`."""
        return tables(self)

    def result(self, seed: int, arm: str) -> Path:
        """See `SdrDesign`."""
        return self.seed_folder(seed, "results", f"{arm}.json")

    def _store(self, name: str) -> Path:
        return self.out / "features" / name

    def _features(self, name: str) -> None:
        images = self.pool if name == "pool" else self.target_folder(name) / "train"
        self.steps.run(
            f"features of {name}",
            partial(FeatureStore.is_complete, self._store(name)),
            "extract",
            *("--model", NETWORK, "--images", images, "--workers", 0),
            *("--image-size", EXTRACTOR_SIDE, "--out", self._store(name)),
        )

    def _find(self, seed: int) -> None:
        tree = tuple(reversed(self.groups))
        pool = FeatureStore.open(self._store("pool"))
        for arm in self.arms:
            folder = self._clusters(seed, arm)
            if not folder.exists():
                found = cluster(
                    *(pool, tree),
                    seed=seed,
                    random=arm == "random",
                    pool_root=self.pool,
                )
                found.save(folder, report=False)

    def _trained_base(self, seed: int) -> Path:
        # Clusters are asked for, and MAX alone uses none.
        clusters = self._clusters(seed, "routed")
        return self._train(seed, BASE, clusters, self.base, self.options(PLAIN))

    def _next(self, seed: int, arm: str, iters: int, more: list[str]) -> Path:
        """Trains on from the base, at half of the rate that it began with."""
        clusters = self._clusters(seed, arm if arm in self.arms else "routed")
        rate = self.cfg.optim_wrapper.optimizer.lr / 2
        start = [
            f"load_from={self._trained_base(seed)}",
            f"optim_wrapper.optimizer.lr={rate}",
        ]
        return self._train(seed, arm, clusters, iters, [*start, *more])

    def _base(self, seed: int) -> None:
        self._keep(seed, BASE, self._trained_base(seed))

    def _whole(self, seed: int, arm: str, iters: int) -> None:
        self._keep(seed, arm, self._next(seed, arm, iters, self.options(PLAIN)))

    def _routed(self, seed: int, arm: str) -> None:
        more = [
            "model.subnet_loss_weights.MAX=1.0",
            f"model.subnet_loss_weights.others={self.weight}",
            f"model.subnet_sampler.shares={self.shares}".replace(" ", ""),
        ]
        trained = self._next(seed, arm, self.iters, more)
        self._keep(seed, arm, trained, Clusters.open(self._clusters(seed, arm)))

    def _keep(
        self, seed: int, arm: str, trained: Path, clusters: Clusters | None = None
    ) -> None:
        def find() -> Run:
            votes = {name: self._votes(name, clusters, seed) for name in self.targets}
            return measure(self, seed, trained, clusters, votes)

        self.kept(self.result(seed, arm), f"seed {seed} measured {arm}", find)

    def _votes(self, target: str, clusters: Clusters | None, seed: int) -> list[float]:
        """Share of a target in each cluster, without labels."""
        if clusters is None:
            return []
        own, pool = (FeatureStore.open(self._store(name)) for name in (target, "pool"))
        return list(find_home(own, pool, clusters, seed=seed).votes)
