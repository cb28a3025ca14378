"""The data sets of the transfer protocol, read from their configs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..datasets.labeled import LabeledImages
from ..registry import DATASETS
from ..utils.families import ConfigUnsuited, UnknownName
from ..utils.paths import resolve_config, resource_root

_FOLDER = "_base_/datasets/transfer"

#: The eleven sets that SDR (arXiv 2205.13267) averages over.
ELEVEN_SETS = (
    "aircraft",
    "caltech101",
    "cars",
    "cifar10",
    "cifar100",
    "dtd",
    "flowers102",
    "food101",
    "pets",
    "sun397",
    "voc2007",
)


@dataclass(frozen=True)
class TransferSet:
    """One data set: its images, and what it is measured by.

    Attributes:
        name: Short, of the config.
        source: What `read` was given: the same, or a config's file.
        cfg: The config.
    """

    name: str
    source: str
    cfg: Config = field(repr=False)

    @classmethod
    def read(cls, name: str) -> "TransferSet":
        """Reads the config of a set.

        Args:
            name: Of a file in ``configs/_base_/datasets/transfer``, or the path of a
                config like those.

        Raises:
            UserError: No such config, or one that lacks something.
        """
        path = f"{_FOLDER}/{name}.py"
        if name.endswith(".py"):
            path = name
        elif name not in known_sets():
            raise UnknownName(
                f"there is no transfer set {name!r}; known are "
                f"{', '.join(known_sets())}, or name a config's file"
            )
        cfg = Config.fromfile(resolve_config(path))
        found = cls(Path(path).stem, name, cfg)
        try:
            found.metric, found.num_classes, found._dataset  # noqa: B018
        except (AttributeError, KeyError) as error:
            raise ConfigUnsuited(
                f"config {path} is none of a transfer set: see {_FOLDER}/cifar10.py"
            ) from error
        return found

    @property
    def metric(self) -> str:
        """A key of `classification_metrics`."""
        return self.cfg.val_evaluator.metric

    @property
    def num_classes(self) -> int:
        """Classes of the whole set."""
        return self.cfg.model.head.num_classes

    @property
    def _dataset(self) -> dict[str, Any]:
        return self.cfg.train_dataloader.dataset

    def images(self, split: str, data_root: str | Path) -> LabeledImages:
        """Builds one split.

        Args:
            split: "train", "val", "train+val" or "test".
            data_root: The folder that the sets lie in.

        Raises:
            AbsentData: The set is not there.
            UserError: It is damaged.
        """
        cfg = {**self._dataset, "split": split, "data_root": str(data_root)}
        return DATASETS.build({**cfg, "_scope_": "mmtaskssl"})


def known_sets() -> list[str]:
    """Names of the sets that have a config here."""
    folder = resource_root("configs") / _FOLDER
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "public")
