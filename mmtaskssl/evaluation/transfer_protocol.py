"""The runs of the transfer protocol: each set and probe once."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..datasets.labeled import LabeledImages
from ..datasets.public_sets import AbsentData
from ..datasets.transfer_sets import TransferSet
from ..features.fill import extract_to_store
from ..features.layout import ids_sha256
from ..features.rows import unit_rows
from ..features.runner import BatchRunner, compute
from ..runs import Work
from ..utils.atomic import write_json
from ..utils.families import FileDamaged, FileMissing, ImagesUnreadable
from ..utils.inputs import read_json
from .data import LabeledFeatures
from .metrics import classification_metrics
from .target import Log
from .transfer_evaluation import (
    WHAT,
    TransferEvaluation,
    is_transfer_evaluation,
    with_means,
)
from .transfer_probes import PROBES, PROTOCOLS

_SPLITS = ("train", "val", "test")
_RESULTS = "results.json"


class TransferProtocol:
    """Measures a network on several sets; what is done is not done again.

    Args:
        runner: Runs the network; its transform becomes the protocol's.
        root: The folder that the sets lie in.
        out: Keeps features and results; None: nothing does.
        device: Where classifiers are fitted.
        log: Takes lines on the progress.

    Raises:
        UserError: ``root`` is no folder.
    """

    def __init__(
        self,
        runner: BatchRunner,
        root: Path,
        out: Path | None,
        device: torch.device,
        log: Log,
    ) -> None:
        runner.transform = replace(runner.transform, resize_ratio=1.0)
        self.runner, self.root, self.out = runner, root, out
        self.device, self.log = device, log
        if not root.is_dir():
            raise FileMissing(f"{root}, which the sets should lie in, is no folder")
        self.identity = {
            "extractor": runner.extractor.description,
            "transform": runner.transform.describe(),
        }
        self.rows: list[dict[str, Any]] = []

    def run(
        self, sets: Sequence[TransferSet], probes: Sequence[str], overwrite: bool
    ) -> TransferEvaluation:
        """Measures the sets that are there, see `evaluate_transfer`."""
        images, skipped = {}, {}
        for task in sets:  # all of them first: a damaged one must show before the work
            try:
                parts = {split: task.images(split, self.root) for split in _SPLITS}
                images[task.name] = parts
            except AbsentData as error:
                skipped[task.name] = str(error)
                self.log(f"{task.name}: skipped. {error}")
        if len(skipped) == len(sets):
            first = next(iter(skipped.values()))
            raise FileMissing(f"none of the sets is in {self.root}, such as: {first}")
        rows = []
        with self._folder(overwrite):
            for task in sets:
                if task.name in images:
                    rows += self._measure(task, images.pop(task.name), probes)
        return TransferEvaluation(self.identity, probes, rows, skipped)

    @contextlib.contextmanager
    def _folder(self, overwrite: bool) -> Iterator[None]:
        """Holds the folder of the results, after reading what is there."""
        if self.out is None:
            yield
            return
        work = Work(
            "transfer evaluation",
            1,
            self.identity,
            (_RESULTS, "features/"),
            WHAT,
            self._identity_of_0_1,
        )
        if overwrite:
            work.clear(self.out)
        work.state(self.out)
        with work.growing(self.out):  # for ever: other sets may follow
            self.rows = list((self._kept(self.out) or {}).get("rows", ()))
            yield

    def _identity_of_0_1(self, out: Path) -> Mapping[str, Any] | None:
        found = self._kept(out)
        return None if found is None else {key: found[key] for key in self.identity}

    def _kept(self, out: Path) -> dict[str, Any] | None:
        path = out / _RESULTS
        if not path.is_file():
            return None
        try:
            found = read_json(path)
            if not is_transfer_evaluation(found):
                raise ValueError("it has other content")
        except (OSError, ValueError, TypeError) as error:
            raise FileDamaged(f"{path} is damaged: delete it") from error
        return found

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
        if self.out is not None:
            write_json(self.out / _RESULTS, with_means(self.identity, self.rows))

    def _features(self, name: str, data: LabeledImages) -> LabeledFeatures:
        self.runner.read = data.read
        if self.out is None:
            features, broken = unit_rows(
                *compute(self.runner, data.root, data.image_ids)
            )
            bad = sorted(broken)
        else:
            store = extract_to_store(
                self.runner,
                data.root,
                data.image_ids,
                self.out / "features" / name,
                source=name,
                log=lambda text: self.log(f"{name}: {text}"),
            )
            features, bad = store.read(), store.bad_rows
        good = torch.ones(len(features), dtype=torch.bool)
        good[torch.as_tensor(bad, dtype=torch.long)] = False
        if not good.any():
            raise ImagesUnreadable(f"no image of {name} can be read")
        notes = []
        if not good.all():
            notes.append(f"{name}: {int((~good).sum())} images cannot be read")
        x, y = torch.from_numpy(features), _stacked(data.labels)
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
