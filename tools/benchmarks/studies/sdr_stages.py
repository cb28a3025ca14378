"""The trainings of SDR's evidence, one after the other."""

import csv
import itertools
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..clustering.clusters import Clusters
from ..clustering.paths import make_paths
from ..datasets.images import list_images
from ..features.store import FeatureStore
from ..utils.atomic import atomic_path, write_json, write_text
from .sdr_measure import Measure
from .sdr_routing import overlap_choice, route_all
from .sdr_study import GENERIC, PLAIN, PLANTED, Study, specialist
from .sdr_tables import Tables
from .stages import EvidenceStages


class Stages(EvidenceStages):
    """Trains, measures and routes the arms.

    Args:
        study: Says what, and where it is kept.
        show: Receives lines of progress.
    """

    study: Study

    def __init__(self, study: Study, show: Callable[[str], None]) -> None:
        super().__init__(study, show)
        self._measure_network = Measure(study)

    def run(self) -> None:
        """Trains and measures, one seed after the other.

        Raises:
            UserError: The folder holds results of other settings.
        """
        study = self.study
        study.claim()
        for seed in range(study.seeds):
            plain = self._pretrain_plain(seed)
            clusters = self._cluster(seed, plain)
            self._measure(seed, PLAIN, plain, clusters["routed"], paths=False)
            for arm in study.arms:
                own = clusters["random" if arm == "random" else "routed"]
                checkpoint = self._pretrain(seed, arm, own)
                self._measure(seed, arm, checkpoint, own)
                if arm == "routed":
                    route_all(study, self.steps, seed, checkpoint, own)
            if study.planted:
                self._plant(seed)
            if study.specialists:
                self._specialise(seed, plain, clusters["routed"])
            write_text(study.out / "tables.md", Tables(study).tables(seed + 1))

    def _measure(
        self, seed: int, arm: str, checkpoint: Path, clusters: Path, paths: bool = True
    ) -> None:
        file = self.study.result(seed, arm)
        if not file.exists():
            found = self._measure_network(seed, arm, checkpoint, clusters, paths)
            write_json(file, found)
            self.show(f"seed {seed} measured {arm}")

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
        source, root = self.study.pool, []
        if images is not None:
            source = clusters / "selection.txt"
            write_text(source, "\n".join(images) + "\n")
            root = [f"train_dataloader.dataset.dataset.root={self.study.pool}"]
        folder = self._training(seed, arm)
        checkpoint = folder / f"iter_{iters}.pth"
        options = [
            f"images={source}",
            f"clusters={clusters}",
            f"max_iters={iters}",
            f"randomness.seed={seed}",
            f"model.subnet_sampler.seed={seed}",
            f"default_hooks.checkpoint.interval={max(1, self.study.first)}",
            "default_hooks.checkpoint.max_keep_ckpts=10",
            # A collapse is a result here.
            f"default_hooks.monitor.begin={iters}",
        ]
        self.steps.run(
            f"seed {seed} pretrain {'MAX alone' if arm == PLAIN else arm}",
            checkpoint,
            "train",
            *(self.study.config, "--work-dir", folder, "--resume"),
            options=[*options, *more, *root],
        )
        return checkpoint

    def _training(self, seed: int, arm: str) -> Path:
        return self.study.seed_folder(seed, f"pretrain-{arm}")

    def _pretrain_plain(self, seed: int) -> Path:
        # The loader wants clusters, of which MAX alone uses none.
        study, ids = self.study, list_images(str(self.study.pool))[1]
        folder = study.seed_folder(seed, "clusters-none")
        self._save_any(folder, ids)
        return self._train(seed, PLAIN, folder, study.longer, study.options(PLAIN))

    def _pretrain(self, seed: int, arm: str, clusters: Path) -> Path:
        folder = self._training(seed, arm)
        first = self._training(seed, "routed") / f"iter_{self.study.first}.pth"
        if arm != "no-progress" and first.is_file() and not folder.exists():
            # Until the first paths nothing differs: go on from there.
            with atomic_path(folder / first.name) as temporary:
                shutil.copyfile(first, temporary)
            write_text(folder / "last_checkpoint", str(folder / first.name))
        return self._train(
            seed, arm, clusters, self.study.iters, self.study.options(arm)
        )

    def _save(self, folder: Path, ids: list[str], leaf: np.ndarray) -> None:
        tree = tuple(reversed(self.study.groups))
        clusters = Clusters(tree, ids, str(self.study.pool), leaf, make_paths(tree))
        clusters.save(folder)

    def _save_any(self, folder: Path, ids: list[str]) -> None:
        """Writes clusters that mean nothing, for a training without paths."""
        if not folder.exists():
            leaf = np.arange(len(ids), dtype=np.int32) % math.prod(self.study.groups)
            self._save(folder, ids, leaf)

    def _cluster(self, seed: int, checkpoint: Path) -> dict[str, Path]:
        study = self.study
        store = study.seed_folder(seed, "features")
        self.steps.run(
            f"seed {seed} features of the pool",
            lambda: FeatureStore.is_complete(store),
            "extract_features",
            *(study.config, checkpoint, "--images", study.pool, "--out", store),
        )
        tree = "x".join(map(str, reversed(study.groups)))
        found = {}
        for arm, more in (("routed", []), ("random", ["--random"])):
            found[arm] = study.seed_folder(seed, f"clusters-{arm}")
            self.steps.run(
                f"seed {seed} clusters {arm}",
                found[arm] / "manifest.json",
                "cluster_data",
                *("--pool", store, "--tree", tree, "--seed", seed, "--no-report"),
                *("--out", found[arm], *more),
            )
        return found

    def _plant(self, seed: int) -> None:
        """Trains paths on domains of the pool, and routes a target of each."""
        study, domains = self.study, self.study.planted
        ids = list_images(str(study.pool))[1]
        with open(study.data / "pool" / "sources.csv", newline="") as file:
            source = {line["image"]: line["source"] for line in csv.DictReader(file)}
        chosen = [name for name in ids if source[name] in domains]
        folder = study.seed_folder(seed, "clusters-planted")
        if not folder.exists():
            # A domain has its groups of the last stage; within, paths get equal shares.
            below = math.prod(study.groups) // len(domains)
            turns = {domain: itertools.cycle(range(below)) for domain in domains}
            leaf = [
                domains.index(source[name]) * below + next(turns[source[name]])
                for name in chosen
            ]
            self._save(folder, chosen, np.array(leaf, dtype=np.int32))
        checkpoint = self._train(seed, PLANTED, folder, study.iters, images=chosen)
        self._measure(seed, PLANTED, checkpoint, folder)

    def _specialise(self, seed: int, plain: Path, clusters: Path) -> None:
        """Trains MAX on: whole, on one cluster alone, for each that a target chose.

        Without labels: it is the cluster of the path that the router "overlap" took.
        As long a training on all images stands beside.
        """
        study = self.study
        more = [
            *study.options(PLAIN),
            f"load_from={plain}",
            f"optim_wrapper.optimizer.lr={study.cfg.optim_wrapper.optimizer.lr / 2}",
        ]
        found = Clusters.open(clusters)
        rows: dict[str, np.ndarray] = {GENERIC: np.arange(len(found.image_ids))}
        for target in study.targets:
            if (path := overlap_choice(study, seed, target)) is not None:
                leaves = found.leaves_of(path)
                rows[specialist(path)] = found.rows(leaves)
        for arm, members in rows.items():
            ids = [found.image_ids[i] for i in members]
            folder = study.seed_folder(seed, f"clusters-{arm}")
            self._save_any(folder, ids)
            trained = self._train(seed, arm, folder, study.iters // 2, more, ids)
            self._measure(seed, arm, trained, folder, paths=False)
