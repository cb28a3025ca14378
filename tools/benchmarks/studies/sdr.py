"""The trainings of SDR's evidence, one after the other."""

import itertools
import math
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mmtaskssl.apis import cluster, extract
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.atomic import atomic_path, write_text

from .sdr_design import GENERIC, PLAIN, PLANTED, SdrDesign, specialist
from .sdr_measure import measure
from .sdr_routing import overlap_choice, route_all
from .sdr_tables import tables
from .study import Cell


class Sdr(SdrDesign):
    """Trains, measures and routes the arms; see `SdrDesign`."""

    def cells(self) -> Iterator[Cell]:
        """See `Study`.

        Raises:
            UserError: The folder holds results of other settings.
        """
        self.claim(
            self.out / "settings.json",
            {"config": self.config.name, "iters": self.iters},
            "name another --work-dir, or the same settings",
            lambda of: f"{of['iters']} iterations of {of['config']}",
        )
        for seed in range(self.seeds):
            yield partial(self._plain, seed)
            for arm in self.arms:
                yield partial(self._arm, seed, arm)
            if self.planted:
                yield partial(self._plant, seed)
            if self.specialists:
                yield partial(self._specialise, seed)

    def tables(self) -> str:
        """See `Study`."""
        return tables(self)

    def _clusters(self, seed: int, arm: str) -> Path:
        return self.seed_folder(seed, f"clusters-{arm}")

    def _plain(self, seed: int) -> None:
        """Trains MAX alone, and clusters the pool by its features."""
        # The loader wants clusters, of which MAX alone uses none.
        folder, ids = self._clusters(seed, "none"), list_images(str(self.pool))[1]
        self._save_any(folder, ids)
        more = self.options(PLAIN)
        plain = self._train(seed, PLAIN, folder, self.longer, more)
        self._cluster(seed, plain)
        routed = self._clusters(seed, "routed")
        self._measure(seed, PLAIN, plain, routed, paths=False)

    def _arm(self, seed: int, arm: str) -> None:
        own = self._clusters(seed, "random" if arm == "random" else "routed")
        checkpoint = self._pretrain(seed, arm, own)
        self._measure(seed, arm, checkpoint, own)
        if arm == "routed":
            route_all(self, seed, checkpoint, own)

    def _measure(
        self, seed: int, arm: str, checkpoint: Path, clusters: Path, paths: bool = True
    ) -> None:
        find = partial(measure, self, seed, arm, checkpoint, clusters, paths)
        self.kept(self.result(seed, arm), f"seed {seed} measured {arm}", find)

    def _train(
        self,
        seed: int,
        arm: str,
        clusters: Path,
        iters: int,
        more: Sequence[str] = (),
        images: list[str] | None = None,
    ) -> Path:
        """Trains an arm; on some ``images`` of the pool alone, if they are named."""
        source, root = self.pool, []
        if images is not None:
            source = clusters / "selection.txt"
            write_text(source, "\n".join(images) + "\n")
            root = [f"train_dataloader.dataset.dataset.root={self.pool}"]
        return self.pretrain(
            seed,
            arm,
            checkpoint=self.checkpoint(seed, arm, iters),
            images=source,
            options=[
                f"clusters={clusters}",
                f"model.subnet_sampler.seed={seed}",
                f"default_hooks.checkpoint.interval={self.first or iters}",
                "default_hooks.checkpoint.max_keep_ckpts=10",
                # A collapse is a result here.
                f"default_hooks.monitor.begin={iters}",
                *more,
                *root,
            ],
        )

    def _pretrain(self, seed: int, arm: str, clusters: Path) -> Path:
        folder = self.checkpoint(seed, arm).parent
        first = self.checkpoint(seed, "routed", self.first)
        if arm != "no-progress" and first.is_file() and not folder.exists():
            # Until the first paths nothing differs: go on from there.
            with atomic_path(folder / first.name) as temporary:
                shutil.copyfile(first, temporary)
            write_text(folder / "last_checkpoint", str(folder / first.name))
        return self._train(seed, arm, clusters, self.iters, self.options(arm))

    def _save(self, folder: Path, ids: list[str], leaf: np.ndarray) -> None:
        tree = tuple(reversed(self.groups))
        clusters = Clusters(tree, ids, str(self.pool), leaf, make_paths(tree))
        clusters.save(folder)

    def _save_any(self, folder: Path, ids: list[str]) -> None:
        """Writes clusters that mean nothing, for a training without paths."""
        if not folder.exists():
            leaf = np.arange(len(ids), dtype=np.int32) % math.prod(self.groups)
            self._save(folder, ids, leaf)

    def _cluster(self, seed: int, checkpoint: Path) -> None:
        store = self.seed_folder(seed, "features")
        self.made(
            f"seed {seed} features of the pool",
            partial(FeatureStore.is_complete, store),
            partial(extract, (str(self.config), checkpoint), self.pool, out=store),
        )
        for arm in ("routed", "random"):
            out = self._clusters(seed, arm)
            find = partial(self._find_clusters, store, seed, arm == "random", out)
            name = f"seed {seed} clusters {arm}"
            self.made(name, (out / "manifest.json").exists, find)

    def _find_clusters(self, store: Path, seed: int, random: bool, out: Path) -> None:
        tree = tuple(reversed(self.groups))
        found = cluster(store, tree, seed=seed, random=random)
        found.save(out, report=False)

    def _plant(self, seed: int) -> None:
        """Trains paths on domains of the pool, and routes a target of each."""
        domains, source = self.planted, self.sources
        ids = list_images(str(self.pool))[1]
        chosen = [name for name in ids if source[name] in domains]
        folder = self._clusters(seed, PLANTED)
        if not folder.exists():
            # A domain has its groups of the last stage; within, paths get equal shares.
            below = math.prod(self.groups) // len(domains)
            turns = {domain: itertools.cycle(range(below)) for domain in domains}
            leaf = [
                domains.index(source[name]) * below + next(turns[source[name]])
                for name in chosen
            ]
            self._save(folder, chosen, np.array(leaf, dtype=np.int32))
        checkpoint = self._train(seed, PLANTED, folder, self.iters, images=chosen)
        self._measure(seed, PLANTED, checkpoint, folder)

    def _specialise(self, seed: int) -> None:
        """Trains MAX on: whole, on one cluster alone, for each that a target chose.

        Without labels: it is the cluster of the path that the router "overlap" took.
        As long a training on all images stands beside.
        """
        more = [
            *self.options(PLAIN),
            f"load_from={self.checkpoint(seed, PLAIN, self.longer)}",
            f"optim_wrapper.optimizer.lr={self.cfg.optim_wrapper.optimizer.lr / 2}",
        ]
        found = Clusters.open(self._clusters(seed, "routed"))
        rows: dict[str, np.ndarray] = {GENERIC: np.arange(len(found.image_ids))}
        for target in self.targets:
            if (path := overlap_choice(self, seed, target)) is not None:
                leaves = found.leaves_of(path)
                rows[specialist(path)] = found.rows(leaves)
        for arm, members in rows.items():
            ids = [found.image_ids[i] for i in members]
            folder = self._clusters(seed, arm)
            self._save_any(folder, ids)
            trained = self._train(seed, arm, folder, self.iters // 2, more, ids)
            self._measure(seed, arm, trained, folder, paths=False)
