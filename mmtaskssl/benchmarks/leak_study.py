"""How many planted copies the leak guard finds, and what it drops beside them."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..datasets.images import list_images, read_image
from ..features.copies import KINDS, make_copy
from ..features.extract import extract_to_store
from ..features.extract_copies import extract_copies
from ..features.runner import BatchRunner
from ..features.store import FeatureStore
from ..features.writer import FeatureStoreWriter
from ..selection.guard import guard
from ..selection.nearest import top_rows
from ..utils.tables import head, row

Log = Callable[[str], None]
_SEED = 1  # other draws than those of the guard's own calibration


class LeakStudy:
    """Plants copies of test images into a pool and runs the guard on it.

    Args:
        runner: The network.
        pool: Feature store of the pool, from the same network.
        data: Folder with classification/NAME/test/CLASS/IMAGE.
        out: Keeps planted images and features; what is there is not made again.
        targets: Names.
        planted: Images of a target, of which one copy of each kind is planted.
        look_alikes: Pool images that are taken of each target, those most similar to
            its test images; None: the whole pool.
        log: Receives progress.
    """

    def __init__(
        self,
        runner: BatchRunner,
        pool: FeatureStore,
        data: Path,
        out: Path,
        targets: Sequence[str],
        planted: int,
        look_alikes: int | None,
        log: Log,
    ) -> None:
        self.planted, self.look_alikes = planted, look_alikes
        self.runner, self.pool, self.log = runner, pool, log
        self.data, self.out, self.targets = data, out, targets
        self.images = out / "images"

    def prepare(self) -> tuple[FeatureStore, list[FeatureStore]]:
        """Plants, extracts, and returns the pool with copies, and the test stores."""
        self.images.mkdir(parents=True, exist_ok=True)
        link = self.images / "pool"
        if not link.exists():
            link.symlink_to(Path(self.pool.root).resolve(), target_is_directory=True)
        tests = []
        for target in self.targets:
            root, ids = list_images(self.data / "classification" / target / "test")
            store = self.out / "test" / target
            tests.append(extract_to_store(self.runner, root, ids, store))
            extract_copies(self.runner, tests[-1])
            self._plant(target, root, ids)
            self.log(f"{target}: {len(ids)} images, copies planted")
        planted = [
            f"planted/{name}" for name in list_images(self.images / "planted")[1]
        ]
        added = extract_to_store(
            self.runner, self.images, planted, self.out / "planted"
        )
        self.rows = self._rows(tests)
        return self._join(added), tests

    def _rows(self, tests: Sequence[FeatureStore]) -> list[int]:
        if self.look_alikes is None:
            return list(range(len(self.pool)))
        count = min(self.look_alikes, len(self.pool))
        return sorted(
            {
                row
                for store in tests
                for row in top_rows(store.read(), self.pool, count)[0].tolist()
            }
        )

    def _plant(self, target: str, root: Path, ids: list[str]) -> None:
        chosen = np.random.default_rng(_SEED).permutation(len(ids))[: self.planted]
        for kind in KINDS:
            for number in chosen.tolist():
                path = self.images / "planted" / target / kind / f"{number}.jpg"
                if path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                seed = zlib.crc32(f"{_SEED} {ids[number]} {kind}".encode())
                rng = np.random.default_rng(seed)
                copy = make_copy(read_image(root / ids[number]), kind, rng)
                Image.fromarray(copy).save(path, "JPEG", quality=95)

    def _join(self, added: FeatureStore) -> FeatureStore:
        """Returns one store of the pool and what was planted."""
        path = self.out / "joined"
        if not FeatureStore.is_complete(path):
            ids = [f"pool/{self.pool.image_ids[row]}" for row in self.rows]
            ids += added.image_ids
            writer = FeatureStoreWriter.prepare(
                path,
                ids,
                dim=self.pool.dim,
                extractor=self.pool.manifest["extractor"],
                transform=self.pool.manifest["transform"],
                root=str(self.images.resolve()),
            )
            features = np.concatenate([self.pool.read(self.rows), added.read()])
            for index in writer.missing_shards():
                writer.write_shard(index, features[slice(*writer.shard_range(index))])
            writer.finish()
        return FeatureStore.open(path)

    def measure(
        self, pool: FeatureStore, tests: Sequence[FeatureStore], method: str
    ) -> dict[str, Any]:
        """Runs the guard on all targets at once.

        Args:
            pool: With the planted copies.
            tests: Of each target.
            method: "pixels" or "features".

        Returns:
            JSON-ready: by target what was found of each kind, the guard's own
            estimate, and the pairs dropped that were not planted.
        """
        skip = np.zeros(len(pool), dtype=bool)
        skip[pool.bad_rows] = True
        found = guard(
            *(pool, tests, [method] * len(tests)),
            pool_root=pool.root,
            skip=skip,
            progress=lambda done: self.log(f"{method}: {done:,} of {len(pool):,}"),
        )
        names = {
            str(store.path): t for store, t in zip(tests, self.targets, strict=True)
        }
        result: dict[str, Any] = {
            t: {"found": dict.fromkeys(KINDS, 0)} for t in names.values()
        }
        for facts in found.facts:
            result[names[facts["store"]]] |= {"facts": facts, "dropped": []}
        for leak in found.leaks:
            parts = leak.image.split("/")
            if parts[0] == "planted":
                result[parts[1]]["found"][parts[2]] += 1
            else:
                seen = leak.agreement and round(leak.agreement, 4)
                result[names[leak.store]]["dropped"].append(
                    [leak.image, leak.match, round(leak.score, 4), seen, leak.transform]
                )
        return {"planted": self.planted, "pool": len(self.rows), "targets": result}


def table(result: dict[str, Any]) -> str:
    """Returns the table of one method."""
    columns = [f"{kind}, % (stated)" for kind in KINDS]
    lines = list(head(["target", "threshold", *columns, "others dropped", "%"]))
    for name, one in result["targets"].items():
        stated = one["facts"]["recall"] or {}
        cells = [
            f"{100 * one['found'][kind] / result['planted']:.1f} "
            f"({100 * stated.get(kind, float('nan')):.0f})"
            for kind in KINDS
        ]
        count = len(one["dropped"])
        share = f"{100 * count / result['pool']:.2f}"
        threshold = f"{one['facts']['threshold']:.3f}"
        lines.append(row([name, threshold, *cells, str(count), share]))
    return "\n".join(lines)
