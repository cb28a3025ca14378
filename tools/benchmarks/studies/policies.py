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

# Beside the policies, what people ask for: options of `select` by what a table calls
# them. Other targets' training images are what is not wanted.
WISHES: dict[str, dict[str, Any]] = {
    "round_robin, --unlike": {"unlike": True},
    "round_robin, --min-similarity 0.5": {"min_similarity": 0.5},
    "round_robin, --per-query 10": {"per_query": 10},
    "round_robin, --mmr-lambda 0.7": {"mmr_lambda": 0.7},
    "score, --per-query 10": {"policy": "score", "per_query": 10},
    "score, --mmr-lambda 0.7": {"policy": "score", "mmr_lambda": 0.7},
    "whitened, --unlike": {"policy": "whitened", "unlike": True},
    "round_robin, --budget auto": {"budget": "auto"},
    "score, --budget auto": {"policy": "score", "budget": "auto"},
}
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
                for wish in WISHES:
                    yield partial(self._select, network, target, wish)

    def result(self, network: str, target: str, policy: str) -> Path:
        """Returns where the figures of a selection are kept."""
        name = f"{slug(network)}-{target}-{slug(policy)}.json"
        return self.seed_folder(0, "results", name)

    def _select(self, network: str, target: str, policy: str) -> None:
        self.kept(
            self.result(network, target, policy),
            f"{network} {target} {policy}",
            lambda: self._figures(network, target, policy),
        )

    def _figures(self, network: str, target: str, policy: str) -> dict[str, Any]:
        train, how = self.store(network, target), {"policy": policy}
        if policy in WISHES:
            how = dict(WISHES[policy])
        if how.pop("unlike", False):
            others = [name for name in self.targets if name != target]
            how["unlike"] = [self.store(network, name) for name in others]
        budget = how.pop("budget", self.budget)
        found = select(self.store(network, None), train, budget, **how)
        served = np.bincount(train.labels[found.selection.queries])
        shares = served[served > 0] / served.sum()
        sources = self.sources()
        own = own_share(sources, found.image_ids, target)
        there = sum(source == target for source in sources.values())
        rows = self.store(network, None).read(found.selection.rows)
        alike = rows @ rows.T
        np.fill_diagonal(alike, -1)
        return {
            "images": len(found.image_ids),
            "own": 100 * own,
            "found": 100 * own * len(found.image_ids) / max(1, there),
            "nearest": float(alike.max(axis=1).mean()),
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
            lines += ["", _HEAD, "", *head(["limits", *self.targets, "mean own"])]
            for policy in ("round_robin", "score", "whitened", "importance", *WISHES):
                found = [
                    read_json(self.result(network, target, policy))
                    for target in self.targets
                ]
                mean = _mean(found)
                own = "" if mean is None else f"{mean['own']:.1f}"
                lines.append(row([policy, *map(_more, found), own]))
        return "\n".join(lines).lstrip() + "\n"


_HEAD = "images: own source %, of it found %, mean similarity to the nearest selected"


def _more(found: dict[str, Any] | None) -> str:
    if found is None or "found" not in found:
        return ""
    return (
        f"{found['images']:,}: {found['own']:.1f}, {found['found']:.0f}, "
        f"{found['nearest']:.2f}"
    )


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
