"""The transfer protocol: every public data set on this disk, by frozen features."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..datasets.labeled import LabeledImages
from ..datasets.public_sets import AbsentData
from ..datasets.transfer_sets import TransferSet
from ..features.extract import extract_to_store
from ..features.layout import ids_sha256
from ..features.runner import BatchRunner
from ..utils.atomic import write_json
from ..utils.errors import UserError
from ..utils.inputs import read_json
from .data import LabeledFeatures
from .metrics import classification_metrics
from .transfer_probes import PROBES, PROTOCOLS
from .transfer_table import format_transfer

Log = Callable[[str], None]
_SPLITS = ("train", "val", "test")
_RESULTS = "results.json"


class TransferEvaluation:
    """Measures one network on several sets; what is done already is not done again.

    Features and results are kept in one folder, for one network.

    Args:
        runner: Runs the network. Its transform becomes the protocol's, which resizes
            the short side to the crop's own side (Kornblith et al., CVPR 2019; SimCLR,
            BYOL): nothing of a square image is lost.
        data_root: The folder that the sets lie in.
        out: Gets ``features/SET/SPLIT`` (feature stores) and ``results.json``.
        device: Where classifiers are fitted.
        log: Receives progress.

    Raises:
        UserError: ``out`` has results of another network.
    """

    def __init__(
        self,
        runner: BatchRunner,
        data_root: str | Path,
        out: str | Path,
        device: torch.device,
        log: Log,
    ) -> None:
        runner.transform = replace(runner.transform, resize_ratio=1.0)
        self.runner, self.root, self.out = runner, Path(data_root), Path(out)
        self.device, self.log = device, log
        if not self.root.is_dir():
            raise UserError(f"--root {self.root} is no folder")
        self.identity = {
            "extractor": runner.extractor.description,
            "transform": runner.transform.describe(),
        }
        self.rows = self._rows_so_far()

    def _rows_so_far(self) -> list[dict[str, Any]]:
        path = self.out / _RESULTS
        if not path.is_file():
            return []
        try:
            found = read_json(path)
            identity = {key: found[key] for key in self.identity}
            rows = list(found["rows"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is damaged: delete it") from error
        if identity != json.loads(json.dumps(self.identity)):
            raise UserError(
                f"{path} is of another network or image size: name another --out"
            )
        return rows

    def run(self, sets: Sequence[TransferSet], probes: Sequence[str]) -> dict[str, Any]:
        """Measures the sets that are there, and prints a table.

        Args:
            sets: In the order of the table.
            probes: Keys of `PROBES`.

        Returns:
            JSON-ready: the network, ``rows`` (one per set and probe), ``mean`` of each
            probe over its sets, and which sets were ``skipped``, and why.

        Raises:
            UserError: None of the sets is there, or one is damaged.
        """
        found, skipped = {}, {}
        for task in sets:  # all of them first: a damaged one must show before the work
            try:
                parts = {split: task.images(split, self.root) for split in _SPLITS}
                found[task.name] = parts
            except AbsentData as error:
                skipped[task.name] = str(error)
                self.log(f"{task.name}: skipped. {error}")
        if len(skipped) == len(sets):
            first = next(iter(skipped.values()))
            raise UserError(f"none of the sets is in {self.root}, such as: {first}")
        rows = []
        for task in sets:
            if task.name in found:
                rows += self._measure(task, found.pop(task.name), probes)
        result = {**self._result(rows), "skipped": skipped}
        self.log(format_transfer(result, probes))
        return result

    def _result(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        scores: dict[str, list[float]] = {}
        for row in rows:
            scores.setdefault(row["probe"], []).append(row["score"])
        sets = {row["set"] for row in rows}
        mean = {  # of sets that other probes have too, or it could not be compared
            probe: float(np.mean(values))
            for probe, values in scores.items()
            if len(values) == len(sets)
        }
        return {**self.identity, "rows": rows, "mean": mean}

    def _measure(
        self, task: TransferSet, images: dict[str, LabeledImages], probes: Sequence[str]
    ) -> list[dict[str, Any]]:
        several = torch.is_tensor(images["train"].labels[0])
        # SVMs are the protocol of sets with several labels only.
        probes = [probe for probe in probes if probe != "svm" or several]
        facts = {
            "set": task.name,
            "metric": task.metric,
            **{split: len(data) for split, data in images.items()},
            "images_sha256": ids_sha256(
                [name for data in images.values() for name in data.image_ids]
            ),
        }
        rows = {probe: self._find(facts, probe) for probe in probes}
        todo = [probe for probe in probes if rows[probe] is None]
        parts = {
            split: self._features(f"{task.name}/{split}", data)
            for split, data in images.items()
            if todo
        }
        for probe in todo:
            scores, found = PROBES[probe](*parts.values(), task.metric)
            test = parts["test"]
            metrics = classification_metrics(scores, test.y)
            rows[probe] = {
                **facts,
                "probe": probe,
                "protocol": PROTOCOLS.get(probe),
                "score": metrics[task.metric],
                "metrics": metrics,
                "classes": len(test.class_names),
                "dim": test.x.shape[1],
                **found,
                "notes": self._notes(task, parts, found),
            }
            self._keep(rows[probe])
            self.log(f"{task.name}: {probe} {rows[probe]['score']:.2f} %")
        return [rows[probe] for probe in probes]

    def _find(self, facts: dict[str, Any], probe: str) -> dict[str, Any] | None:
        for row in self.rows:
            if row["probe"] == probe and facts.items() <= row.items():
                return row
        return None

    def _keep(self, row: dict[str, Any]) -> None:
        place = row["set"], row["probe"]
        self.rows = [r for r in self.rows if (r["set"], r["probe"]) != place] + [row]
        write_json(self.out / _RESULTS, self._result(self.rows))

    def _features(self, name: str, data: LabeledImages) -> LabeledFeatures:
        self.runner.read = data.read
        store = extract_to_store(
            self.runner,
            data.root,
            data.image_ids,
            self.out / "features" / name,
            source=name,
            log=lambda text: self.log(f"{name}: {text}"),
        )
        good = torch.ones(len(store), dtype=torch.bool)
        good[torch.from_numpy(store.bad_rows)] = False
        if not good.any():
            raise UserError(f"no image of {name} can be read")
        notes = []
        if not good.all():
            notes.append(f"{name}: {int((~good).sum())} images cannot be read")
        x, y = torch.from_numpy(store.read()), _stacked(data.labels)
        part = LabeledFeatures(x[good], y[good], data.class_names, notes)
        return part.to(self.device)

    def _notes(
        self,
        task: TransferSet,
        parts: dict[str, LabeledFeatures],
        found: dict[str, Any],
    ) -> list[str]:
        notes = [note for part in parts.values() for note in part.notes]
        classes = len(parts["test"].class_names)
        if classes != task.num_classes:
            notes.append(f"{classes} classes instead of {task.num_classes}: incomplete")
        if found.get("at_end_of_grid"):
            notes.append(f"weight decay {found['weight_decay']:g} ends the grid")
        return notes


def _stacked(labels: list[int] | list[Tensor]) -> Tensor:
    if torch.is_tensor(labels[0]):
        return torch.stack(labels)
    return torch.tensor(labels)
