"""Specialists that branch off from public weights, beside a generic one."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mmtaskssl.apis import FeatureStore, Specialists, branch, cluster
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import Network, open_network
from mmtaskssl.specialists.arm import GENERIC, START, name_of
from mmtaskssl.specialists.mix import gates, mixed
from mmtaskssl.utils.atomic import write_text

from .pool_study import Place
from .public import NETWORK
from .specialists_tables import SIDE, SpecialistTables
from .study import Cell

CONFIG = "configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-40px.py"

#: Seeds of the controls, most of the cost; generic network and specialists have all.
CONTROL_SEEDS = 3


class SpecialistStudy(SpecialistTables):
    """One start, a generic network and the specialist of each target's clusters.

    Args:
        place: See `PublicStudy`.
        weights: Of EfficientNet-Lite0.
        clusters: Of the pool.
        iters: Length of each training.
        budget: K, images that SEPT selects.
    """

    def __init__(
        self,
        place: Place,
        weights: str | Path,
        clusters: int = 16,
        iters: int = 200,
        budget: int = 1000,
    ) -> None:
        super().__init__(place, CONFIG, weights, budget, iters)
        self.clusters = clusters

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        self.claim(
            self.out / "settings.json",
            {"clusters": self.clusters, "iters": self.iters},
            "name another --work-dir, or the same settings",
        )
        for target in self.targets:
            yield partial(self.select, target)
        for seed in range(self.seeds):
            for target in self.targets:
                yield partial(self._home, seed, target)
            yield partial(self._free, seed)
            for target in self.targets:
                yield partial(self._specialist, seed, target)
                yield partial(self._routed, seed, target)
        for seed in range(min(self.seeds, CONTROL_SEEDS)):
            for target in self.targets:
                yield partial(self._soft, seed, target)
            # For the price of what serves one target, and of all trainings together.
            yield partial(self._longer, seed, "twice", 2)
            yield partial(self._longer, seed, "long", 1 + len(self.targets))
            for target in self.targets:
                yield partial(self._sept, seed, target)
                yield partial(self._random, seed, target)

    def _store(self, name: str) -> FeatureStore:
        return FeatureStore.open(self.out / "features" / name)

    def _clusters(self, seed: int) -> Clusters:
        folder = self.seed_folder(seed, "clusters")
        if not folder.exists():
            tree = (self.clusters,)
            found = cluster(self._store("pool"), tree, seed=seed, pool_root=self.pool)
            found.save(folder, report=False)
        return Clusters.open(folder)

    def _planned(self, seed: int, target: str) -> Specialists:
        return branch(
            self.config,
            self._clusters(seed),
            target=self._store(target),
            pool=self._store("pool"),
            weights=f"{NETWORK}={self.weights}",
            iters=self.iters,
            seed=seed,
            cfg_options={"log_level": "WARNING"},
        )

    def _home(self, seed: int, target: str) -> None:
        """Where a target lies, and of which source its clusters are."""

        def find() -> dict[str, Any]:
            clusters, plan = self._clusters(seed), self._planned(seed, target)
            found = plan.homes[0].to_dict()
            rows = clusters.rows(found["leaves"]).tolist()
            own = [self.sources[clusters.image_ids[row]] == target for row in rows]
            return {**found, "images": len(own), "own": 100 * sum(own) / len(own)}

        file = self.seed_folder(seed, "results", f"home-{target}.json")
        self.kept(file, f"seed {seed} home of {target}", find)

    def _trained(self, seed: int, target: str) -> Specialists:
        return self._planned(seed, target).run(self.seed_folder(seed, "run"), self.show)

    def _judge(self, seed: int, arm: str, target: str, network: Network) -> None:
        file = self.result(seed, SIDE, arm, target)
        self.judged(file, extractor_of(network), target, SIDE)

    def _missing(self, seed: int, arm: str, target: str) -> bool:
        return not self.result(seed, SIDE, arm, target).exists()

    def _free(self, seed: int) -> None:
        """Start and generic network, on all targets."""
        arms = [
            (arm, target)
            for arm in (START, GENERIC)
            for target in self.targets
            if self._missing(seed, arm, target)
        ]
        if arms:
            trained = self._trained(seed, self.targets[0])
            networks = {arm: trained.network(arm) for arm in {arm for arm, _ in arms}}
            for arm, target in arms:
                self._judge(seed, arm, target, networks[arm])

    def _specialist(self, seed: int, target: str) -> None:
        found = self.home(seed, target)
        todo = [
            arm for arm in ("specialist", "half") if self._missing(seed, arm, target)
        ]
        if found["is_diffuse"] or not todo:
            return
        trained = self._trained(seed, target)
        names = {GENERIC: 0.5, name_of(tuple(found["leaves"])): 0.5}
        networks = {name: trained.network(name) for name in names}
        if "specialist" in todo:
            name = name_of(tuple(found["leaves"]))
            self._judge(seed, "specialist", target, networks[name])
        if "half" in todo:
            self._judge(seed, "half", target, mixed(networks, names))

    def _sept(self, seed: int, target: str) -> None:
        """The same training on the images that SEPT selects for the target."""
        if self._missing(seed, "sept", target):
            network = self._on(seed, f"sept-{target}", self.selection(target))
            self._judge(seed, "sept", target, network)

    def _random(self, seed: int, target: str) -> None:
        """The specialist of random clusters, as large as those of the target."""
        if self._missing(seed, "random", target):
            count = self.home(seed, target)["images"]
            # Drawn beside the seed of the training, which draws the views.
            chosen = random.Random(seed).sample(sorted(self.sources), count)
            file = self.seed_folder(seed, f"random-{target}.txt")
            write_text(file, "\n".join(chosen) + "\n")
            self._judge(
                *(seed, "random", target), self._on(seed, f"random-{target}", file)
            )

    def _soft(self, seed: int, target: str) -> None:
        """All specialists of a seed, mixed by where the target lies."""
        homes = {one: self.home(seed, one) for one in self.targets}
        own = {t: tuple(h["leaves"]) for t, h in homes.items() if not h["is_diffuse"]}
        if self._missing(seed, "soft", target) and own:
            shares = gates(
                homes[target]["votes"], {name_of(x): x for x in own.values()}
            )
            networks = {
                name_of(leaves): self._trained(seed, one).network(name_of(leaves))
                for one, leaves in own.items()
            }
            networks[GENERIC] = self._trained(seed, next(iter(own))).network(GENERIC)
            self._judge(seed, "soft", target, mixed(networks, shares))

    def _longer(self, seed: int, arm: str, times: int) -> None:
        """A generic network that is trained several times as long."""
        todo = [one for one in self.targets if self._missing(seed, arm, one)]
        if todo:
            network = self._on(seed, arm, None, times * self.iters)
            for target in todo:
                self._judge(seed, arm, target, network)

    def _on(
        self, seed: int, arm: str, selection: Path | None, iters: int | None = None
    ) -> Network:
        """Trains from the start, on some images or on all."""
        options = [f"weights={NETWORK}={self.weights}"]
        if selection is not None:
            options.append(f"selection={selection}")
        last = self.checkpoint(seed, arm, iters)
        self.pretrain(seed, arm, checkpoint=last, options=options)
        return open_network((self.config, last))

    def _routed(self, seed: int, target: str) -> None:
        """What the product hands over for a target, by its training images."""
        file = self.seed_folder(seed, "results", f"routed-{target}.json")
        if file.exists() and not self._missing(seed, "routed", target):
            return
        trained = self._trained(seed, target)
        found = trained.route(
            self.target_folder(target), device="cpu", workers=0, image_size=SIDE
        )
        assert found.chosen is not None
        self._judge(seed, "routed", target, found.chosen)
        self.keep(file, {**found.to_dict(), "network": None})
