"""An index of a feature store, and approximate search by it."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...features.fingerprint import shard_digests
from ...features.sources import StoreLike, open_stores
from ...report.result import Result
from ...runs import Record
from ...utils import checks
from ...utils.budgets import count_bytes
from ...utils.devices import AUTO
from ...utils.families import FeaturesMismatch
from ..search import TopK
from ..stream import Progress
from . import files
from .candidates import Searched, search
from .codes import Coder, faiss
from .options import candidates_of, usual_probes


@dataclasses.dataclass(frozen=True, eq=False)
class SearchIndex(Result):
    """An index of the rows of a feature store; see `build_index`.

    Attributes:
        folder: Where it lies.
        manifest: How it was made, and of which shards; JSON-ready.
    """

    folder: Path
    manifest: Mapping[str, Any] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return sum(part["rows"] for part in self.manifest["parts"])

    @classmethod
    def open(cls, folder: str | os.PathLike) -> SearchIndex:
        """Opens an index, whose files are compared with their checksums.

        Raises:
            UserError: There is none, or it is unfinished or damaged.
        """
        checks.path_like("folder", folder)
        place = Path(folder).expanduser()
        manifest = files.read_manifest(place)
        files.check_files(place)
        found = cls(place, manifest)
        found.check()
        return found

    def check(self) -> None:
        """Refuses arrays that are not of such an index.

        Raises:
            UserError: One is damaged.
        """
        for part in self.manifest["parts"]:
            files.open_part(self.folder, part, self.coder)

    @functools.cached_property
    def coder(self) -> Coder:
        """What makes codes."""
        return files.read_coder(self.folder, self.manifest)

    @property
    def part_rows(self) -> int:
        """Rows of the largest part."""
        return max(part["rows"] for part in self.manifest["parts"])

    @property
    def bytes(self) -> int:
        """Of its files."""
        record = Record.read(self.folder)
        stated = record.files.values() if record is not None else ()
        return sum(file["bytes"] for file in stated)

    def probes(self, candidates: int) -> int:
        """Returns how many lists a search for some candidates looks through."""
        return usual_probes(self.manifest["lists"], len(self), candidates)

    def search(
        self,
        queries: np.ndarray,
        pool: StoreLike,
        k: int,
        *,
        skip: np.ndarray | None = None,
        probes: int | None = None,
        rerank: int | None = None,
        memory: int | str | None = None,
        device: str = AUTO,
        progress: Progress | None = None,
    ) -> TopK:
        """Finds rows that are probably the ``k`` most similar ones of every query.

        Scores are exact, and so is the order of what was found: more candidates are
        found by their codes, and scored again from the store. A query whose lists hold
        too few rows has twice as many looked through, until there are enough.

        Args:
            queries: (Q, D) float32 holding float16 values, as a store returns them.
            pool: The store that the index is of, or its folder.
            k: Neighbours a query.
            skip: (N,) bool, rows that must not be found beside those that are unusable.
            probes: Lists to look through; None: one of 16, or more where they hold too
                few rows.
            rerank: Candidates that are scored exactly, for each of the ``k``; None:
                ten, and 500 in all at least.
            memory: Bytes that it may hold, or "2GiB"; None: any.
            device: Where exact scores are computed; see `pick_device`.
            progress: Called with the number of queries done so far.

        Returns:
            Up to ``k`` rows a query, best first; fewer if the store has fewer.

        Raises:
            UserError: The store is another one, or faiss is absent.
        """
        checks.whole("k", k)
        checks.whole("probes", probes, none=True)
        checks.whole("rerank", rerank, none=True)
        memory = None if memory is None else count_bytes("memory", memory)
        faiss()
        (store,) = open_stores([pool], None)
        digests = shard_digests(store)
        known = files.check_store(self.folder, self.manifest, store, digests)
        if known < len(digests):
            raise FeaturesMismatch(
                f"{store.path} has rows that the index in {self.folder} lacks: bring "
                "it up to date with build_index"
            )
        left_out = np.zeros(len(store), bool) if skip is None else skip.copy()
        left_out[store.bad_rows] = True
        k = min(k, int((~left_out).sum()))
        wanted = min(candidates_of(k, rerank), int((~left_out).sum()))
        how = Searched(
            *(k, wanted, min(probes or self.probes(wanted), self.manifest["lists"])),
            memory,
        )
        return search(self, queries, store, how, left_out, device, progress)

    def to_dict(self) -> dict[str, Any]:
        """Returns the manifest, and where the index is."""
        return {"index": str(self.folder), "rows": len(self), **self.manifest}

    def table(self) -> str:
        """Returns the main figures, a line each."""
        rows = [
            ("index", str(self.folder)),
            ("rows", f"{len(self):,}, {self.manifest['dim']} features each"),
            ("lists", f"{self.manifest['lists']:,}"),
            ("bytes a row", f"{self.coder.width}"),
        ]
        return "\n".join(f"  {name:<14} {value}" for name, value in rows)

    def save(self, folder: str | os.PathLike, overwrite: bool = False) -> Path:
        """Writes a copy of it.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = files.work_of(files.inputs_of(self.manifest))
        work.state(folder, overwrite)
        names = [files.MANIFEST, *self.manifest["files"]]
        with work.written(folder) as temporary:
            for name in names:
                shutil.copyfile(self.folder / name, temporary / name)
        return Path(folder)
