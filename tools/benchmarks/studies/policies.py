"""Selections by each policy: how much of them is of the target's own source."""

import csv
import re
import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmtaskssl.apis import extract, select
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.selection.names import POLICY_NAMES
from mmtaskssl.utils.tables import head, row

from .study import Cell, Study, read_json

# Of a control that reads the sources there is nothing to find out.
POLICIES = tuple(name for name in POLICY_NAMES if name != "random_by_source")


class PolicyStudy(Study):
    """Selects by every policy for every target, from the features of some networks.

    Args:
        data: Holds ``pool`` and ``classification``.
        out: The working directory.
        networks: ``SIDE@NETWORK`` each, or ``NETWORK``.
        budget: Images to select.
    """

    def __init__(
        self, data: str | Path, out: str | Path, networks: Sequence[str], budget: int
    ) -> None:
        super().__init__(out)
        self.data, self.networks, self.budget = Path(data), list(networks), budget
        folders = sorted((self.data / "classification").iterdir())
        self.targets = [folder.name for folder in folders if folder.is_dir()]

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for network in self.networks:
            for target in self.targets:
                for policy in POLICIES:
                    yield partial(self._select, network, target, policy)

    def result(self, network: str, target: str, policy: str) -> Path:
        """Returns where the figures of a selection are kept."""
        name = f"{slug(network)}-{target}-{policy}.json"
        return self.seed_folder(0, "results", name)

    def _select(self, network: str, target: str, policy: str) -> None:
        self.kept(
            self.result(network, target, policy),
            f"{network} {target} {policy}",
            lambda: self._figures(network, target, policy),
        )

    def _figures(self, network: str, target: str, policy: str) -> dict[str, Any]:
        train = self.store(network, target)
        found = select(*(self.store(network, None), train, self.budget), policy=policy)
        served = np.bincount(train.labels[found.selection.queries])
        shares = served[served > 0] / served.sum()
        return {
            "images": len(found.image_ids),
            "own": 100 * own_share(self.sources(), found.image_ids, target),
            "classes": float(np.exp(-(shares * np.log(shares)).sum())),
        }

    def store(self, network: str, target: str | None) -> FeatureStore:
        """Returns features of a target's training images; None: of the pool's."""
        side, _, name = network.rpartition("@")
        place = self.out / "features" / f"{slug(network)}-{target or 'pool'}"
        if FeatureStore.is_complete(place):
            return FeatureStore.open(place)
        folder = self.data / "pool" / "images"
        if target is not None:
            folder = self.data / "classification" / target / "train"
        config, _, checkpoint = name.partition("=")
        return extract(
            *((config, checkpoint) if config.endswith(".py") else name, str(folder)),
            out=place,
            image_size=int(side) if side else None,
            labels="folder" if target is not None else None,
            workers=0,
        )

    def sources(self) -> dict[str, str]:
        """Returns where each image of the pool is from."""
        with open(self.data / "pool" / "sources.csv", newline="") as file:
            return {line["image"]: line["source"] for line in csv.DictReader(file)}

    def tables(self) -> str:
        """See `Study`."""
        lines = []
        for network in self.networks:
            lines += ["", f"{slug(network)}: own source %, classes served", ""]
            lines += head(["policy", *self.targets, "mean"])
            for policy in POLICIES:
                found = [
                    read_json(self.result(network, target, policy))
                    for target in self.targets
                ]
                lines.append(row([policy, *map(_cell, found), _cell(_mean(found))]))
        return "\n".join(lines).lstrip() + "\n"


def slug(network: str) -> str:
    """Returns a network as a part of a file's name, without folders."""
    side, at, name = network.rpartition("@")
    name, _, file = name.partition("=")
    words = [Path(name).name, *([Path(file).stem] if file else ())]
    return re.sub(r"[^\w.@-]+", "-", side + at + "-".join(words))


def own_share(sources: dict[str, str], images: Sequence[str], source: str) -> float:
    """Returns the share of images that are of a source.

    Args:
        sources: By image.
        images: Which.
        source: Its name.
    """
    return statistics.fmean(sources[image] == source for image in images)


def _mean(found: Sequence[dict[str, Any] | None]) -> dict[str, float] | None:
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return {
        key: statistics.fmean(one[key] for one in known) for key in ("own", "classes")
    }


def _cell(found: dict[str, Any] | None) -> str:
    return "" if found is None else f"{found['own']:.1f}, {found['classes']:.1f}"
