"""MAX, every path and a mean of them, on targets."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.networks import open_network
from mmtaskssl.specialists.mix import mixed

from .inner import choose
from .sdr_design import SdrDesign
from .sdr_measure import LINEAR_PATHS, calibrate, knn_of_folds
from .target import KNN, LINEAR, top1

SOFT = "soft"

Run = dict[str, Any]


def measure(
    study: SdrDesign,
    seed: int,
    trained: Path,
    clusters: Clusters | None,
    votes: Mapping[str, Sequence[float]],
) -> Run:
    """Measures MAX and, once calibrated on their clusters, paths and their mean.

    Args:
        study: Says on what.
        seed: Of the draws.
        trained: Weights.
        clusters: Of the paths; None: MAX alone.
        votes: By target, its share in each cluster: of each path in the mean.

    Returns:
        ``max``, its name; ``drawn``, names of the paths of which a random one's linear
        figure is the mean; ``targets``, figures by target and sub-net, in per cent:
        ``folds`` (kNN on each fold of the training images), ``knn`` and, of some,
        ``linear``; ``chosen``, by target and rule, the sub-net.
    """
    largest, source = study.space.max, open_network(study.cfg, trained, subnets=True)
    paths = [] if clusters is None else list(study.space)
    leaves = {}
    if clusters is not None:
        calibrate(study, source.backbone, paths, clusters, seed)
        leaves = {path.name: clusters.leaves_of(path.path) for path in paths}
    plain: dict[str, nn.Module] = {
        subnet.name: source.backbone.extract(subnet).eval()
        for subnet in (largest, *paths)
    }
    parts = {n: dataclasses.replace(source, backbone=b) for n, b in plain.items()}
    drawn = random.Random(seed).sample([*leaves], LINEAR_PATHS) if leaves else []
    run: Run = {"max": largest.name, "drawn": drawn, "targets": {}, "chosen": {}}
    for target in study.targets:
        networks = dict(plain)
        if leaves:
            shares = {n: float(votes[target][leaf]) for n, (leaf,) in leaves.items()}
            networks[SOFT] = mixed(parts, shares).backbone
        rows, features = {}, {}
        for name, network in networks.items():
            images = study.images(target)
            features[name] = images.features(FeatureExtractor(network, name, "online"))
            train, test = features[name]
            folds = [found for found, _ in knn_of_folds(train, seed)]
            rows[name] = {"folds": folds, "knn": top1(KNN, train, test)}
        chosen = _chosen(rows, largest.name)
        wanted = {largest.name, *drawn, *chosen.values(), *({SOFT} & {*networks})}
        for name in wanted:
            rows[name]["linear"] = top1(LINEAR, *features[name])
        run["targets"][target], run["chosen"][target] = rows, chosen
    return run


def _chosen(rows: Mapping[str, Any], largest: str) -> dict[str, str]:
    """The sub-net that training images choose, by rule; MAX wins ties.

    ``best``: of the highest mean over folds; ``one-se``: MAX, unless the best is better
    by more than one standard error.
    """
    folds = {name: row["folds"] for name, row in rows.items() if name != SOFT}
    best = max(folds, key=lambda name: sum(folds[name]))
    careful = choose({largest: folds[largest], best: folds[best]})
    return {"best": best, "one-se": careful}
