"""The measurements of SDR's evidence: MAX and all paths on all targets."""

import math
import random
from pathlib import Path
from typing import Any

import torch

from mmtaskssl.clustering.cluster_sample import ClusterSample
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.evaluation.splits import stratified_folds
from mmtaskssl.export.paths import calibrate_paths
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.networks import open_network, preprocessing_of
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.weights import load_state_dict

from .sdr_design import ARMS, Run, SdrDesign
from .target import KNN, LINEAR, top1

_CALIBRATION = 128  # images a cluster
LINEAR_PATHS = 3  # paths whose mean is the linear figure of a random path
_FOLDS = 5

Rows = dict[str, dict[str, dict[str, float]]]
"""Figures by target and sub-net."""


def measure(
    study: SdrDesign,
    seed: int,
    arm: str,
    checkpoint: Path,
    clusters: Path,
    paths: bool = True,
) -> Run:
    """Measures MAX and, once calibrated on their clusters, the paths.

    Args:
        study: Says on what.
        seed: Of the draws.
        arm: What was trained.
        checkpoint: Its weights.
        clusters: A folder of clusters.
        paths: False: MAX alone.

    Returns:
        ``max``, its name; ``linear_paths``, names of the paths drawn for the
        linear figure of a random one; ``targets``, figures by target and
        sub-net: ``inner`` (held-out kNN), ``knn`` and, of some, ``linear``, in
        per cent; ``embeddings``, spread and effective rank by sub-net.
    """
    largest = study.space.max
    source = open_network(study.cfg, checkpoint, subnets=True)
    subnets, embeddings = [largest], {}
    if paths:
        subnets += list(study.space)
        opened = Clusters.open(clusters)
        sample = calibrate(study, source.backbone, subnets[1:], opened, seed)
        if arm in ARMS:
            embeddings = _embeddings(study, checkpoint, subnets, sample)
    drawn = random.Random(seed).sample(subnets[1:], LINEAR_PATHS) if paths else []
    names = [subnet.name for subnet in drawn]
    rows = _rows(study, source.backbone, subnets, {largest.name, *names}, seed)
    result = {"max": largest.name, "linear_paths": names}
    return result | {"targets": rows, "embeddings": embeddings}


def calibrate(
    study: SdrDesign,
    backbone: ElasticBackbone,
    paths: list[Subnet],
    clusters: Clusters,
    seed: int,
) -> ClusterSample:
    """Gives each path the statistics of its cluster; returns the images of that.

    Args:
        study: Says how images are seen.
        backbone: Whose paths they are.
        paths: Which.
        clusters: Theirs.
        seed: Of the draw of the images.
    """
    transform = preprocessing_of(study.cfg, None)
    sample = ClusterSample(clusters, transform, _CALIBRATION, seed=seed)
    for name, values in calibrate_paths(backbone, paths, sample).items():
        backbone.subnet_statistics.set(name, values)
    return sample


def _rows(
    study: SdrDesign,
    backbone: ElasticBackbone,
    subnets: list[Subnet],
    linear: set[str],
    seed: int,
) -> Rows:
    """Returns all figures; the linear ones of ``linear`` and the routed sub-net."""
    rows: Rows = {target: {} for target in study.targets}
    features: dict[tuple[str, str], tuple[LabeledFeatures, LabeledFeatures]] = {}
    for subnet in subnets:
        plain = backbone.extract(subnet)
        network = FeatureExtractor(plain, subnet.name, "online")
        for name in study.targets:
            train, test = study.images(name).features(network)
            features[name, subnet.name] = train, test
            rows[name][subnet.name] = {
                "inner": held_out_knn(train, seed),
                "knn": top1(KNN, train, test),
            }
    for target, found in rows.items():
        best = max(found, key=lambda name: found[name]["inner"])
        for name in {best, *linear}:
            found[name]["linear"] = top1(LINEAR, *features[target, name])
    return rows


@torch.no_grad()
def _embeddings(
    study: SdrDesign, checkpoint: Path, subnets: list[Subnet], sample: ClusterSample
) -> dict[str, list[Any]]:
    """Spread (1: all over the sphere) and rank on each path's own images."""
    model = MODELS.build({**study.cfg.model, "_scope_": "mmtaskssl"})
    model.load_state_dict(load_state_dict(str(checkpoint)), strict=False)
    model.train()  # batch norm as in training: no statistics of the projector
    found = {}
    for subnet in subnets:
        path = subnet.path or (-1,) * len(study.groups)
        batches = list(sample.batches(sample.clusters.leaves_of(path)))[:2]
        z = model.project(torch.cat(batches), subnet)
        spread = embedding_std(z) * math.sqrt(z.shape[1])
        found[subnet.name] = [spread, effective_rank(z)]
    return found


def held_out_knn(train: LabeledFeatures, seed: int) -> float:
    """Returns kNN's top-1 on training images, each fold classified by the others.

    Args:
        train: The images.
        seed: Of the folds.
    """
    return sum(found * size for found, size in knn_of_folds(train, seed)) / len(train.y)


def knn_of_folds(train: LabeledFeatures, seed: int) -> list[tuple[float, int]]:
    """Returns kNN's top-1 on each fold of training images, and how many it holds.

    Args:
        train: The images.
        seed: Of the folds.
    """
    found = []
    for fold in stratified_folds(train.y, _FOLDS, seed):
        rest = torch.ones(len(train.y), dtype=torch.bool)
        rest[fold] = False
        inner = train.subset(torch.nonzero(rest).squeeze(1)), train.subset(fold)
        found.append((top1(KNN, *inner), len(fold)))
    return found
