"""Specialists that branch off from public weights, beside a generic one."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mmtaskssl.apis import FeatureStore, Specialists, branch, cluster
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import Network, open_network
from mmtaskssl.specialists.arm import GENERIC, START, name_of
from mmtaskssl.specialists.mix import mixed
from mmtaskssl.utils.tables import head, row

from .figures import Figures
from .pool_study import Place
from .public import NETWORK, PublicStudy
from .study import Cell, read_json

CONFIG = "configs/distill/selfres-mocov2_timm-lite0_1xb64-onecycle-200i_folder-40px.py"
SIDE = 40
METHODS = ("knn", "linear")
#: Titles of what is measured.
ARMS = {
    START: "start, as it is",
    GENERIC: "generic, all images",
    "specialist": "specialist",
    "half": "half way to it",
    "routed": "routed",
    "sept": "SEPT K",
}


class SpecialistStudy(PublicStudy):
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
        for seed in range(self.seeds):
            for target in self.targets:
                yield partial(self._sept, seed, target)

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
        found = read_json(self.seed_folder(seed, "results", f"home-{target}.json"))
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
            checkpoint = self.pretrain(
                seed,
                f"sept-{target}",
                options=[
                    f"weights={NETWORK}={self.weights}",
                    f"selection={self.selection(target)}",
                ],
            )
            network = open_network((self.config, checkpoint))
            self._judge(seed, "sept", target, network)

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

    def figures(self, method: str) -> Figures:
        """Returns the accuracies by a method, in per cent.

        A target that lies in no clusters of its own is served by the generic network.
        """

        def read(arm: str, seed: int, target: str) -> float | None:
            found = read_json(self.result(seed, SIDE, arm, target))
            if found is None and arm in ("specialist", "half"):
                home = self.seed_folder(seed, "results", f"home-{target}.json")
                if (read_json(home) or {}).get("is_diffuse"):
                    found = read_json(self.result(seed, SIDE, GENERIC, target))
            return found and found["test"][method]

        return Figures(read, self.seeds, self.targets)

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"{self.clusters} clusters by public features, up to {self.seeds} seed(s), "
            f"{self.iters} steps; mean ± sample standard deviation.",
            "",
            *self._homes(),
        ]
        for method in METHODS:
            figures = self.figures(method)
            lines += [
                "",
                f"{method} top-1 (%)",
                "",
                *figures.by_target(ARMS, mean=True),
            ]
            for arm in ("specialist", "routed"):
                others = {k: v for k, v in ARMS.items() if k != arm}
                if gains := figures.against(arm, others):
                    lines += ["", f"{ARMS[arm]}, minus the other:", *gains]
        return "\n".join([*lines, "", *self._choices()]) + "\n"

    def _homes(self) -> Iterator[str]:
        yield from head(
            [
                "target",
                "seed",
                "clusters",
                "spread",
                "images",
                "own source",
                "of SEPT's K",
            ]
        )
        for target in self.targets:
            for seed in range(self.seeds):
                file = self.seed_folder(seed, "results", f"home-{target}.json")
                if found := read_json(file):
                    yield row(
                        [
                            target,
                            str(seed),
                            str(len(found["leaves"])),
                            f"{found['spread']:.1f}",
                            f"{found['images']:,}",
                            f"{found['own']:.0f} %",
                            self._own_of_selection(target),
                        ]
                    )

    def _own_of_selection(self, target: str) -> str:
        file = self.selection(target)
        if not file.exists():
            return "-"
        chosen = file.read_text().split()
        own = sum(self.sources[image] == target for image in chosen)
        return f"{100 * own / len(chosen):.0f} %"

    def _choices(self) -> Iterator[str]:
        yield "what the training images chose:"
        yield ""
        yield from head(["target", *(f"seed {seed}" for seed in range(self.seeds))])
        for target in self.targets:
            cells = []
            for seed in range(self.seeds):
                file = self.seed_folder(seed, "results", f"routed-{target}.json")
                cells.append((read_json(file) or {}).get("answer", "-"))
            yield row([target, *cells])
