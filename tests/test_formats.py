"""What version 0.1 wrote keeps loading: stores, clusters, selections, exports, ..."""

import json
import shutil

import numpy as np
import pytest
import torch

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.config import load_config
from mmtaskssl.config.export_info import ExportInfo
from mmtaskssl.engine.run import train
from mmtaskssl.features.extractor import build_extractor
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.networks import open_network
from mmtaskssl.search.output import opened
from mmtaskssl.search.result import SearchResult
from mmtaskssl.search.results import read_header

SDR = "sdr/routed-simsiam_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py"


@pytest.fixture
def old(repo_root):
    return repo_root / "tests" / "fixtures" / "v0.1"


def test_stores(old):
    pool, target = (FeatureStore.open(old / "stores" / n) for n in ("pool", "train"))
    check_same_extractor(pool, target)
    assert (len(pool), pool.dim, len(target)) == (96, 64, 24)
    np.testing.assert_allclose(np.linalg.norm(pool.read(), axis=1), 1, atol=2e-3)
    assert target.class_names == list("abcd") and len(target.labels) == 24


def test_clusters(old):
    clusters = Clusters.open(old / "clusters")
    assert clusters.tree == (2, 2, 1, 1) and clusters.sizes.sum() == 96


def test_selections(old):
    chosen = (old / "select-round_robin" / "selection.txt").read_text().splitlines()
    summary = json.loads((old / "select-round_robin" / "summary.json").read_text())
    assert len(chosen) == summary["selected"] == 24
    assert {*chosen} <= {*FeatureStore.open(old / "stores" / "pool").image_ids}


def test_exports(old):
    export = ExportInfo.read(old / "exported")
    network = build_extractor(export.network_config(), export.weights)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, export.out_channels[-1])


def test_calibrated_checkpoints(old, repo_root):
    config = str(repo_root / "configs" / SDR)
    source = open_network(config, old / "calibrated.pth", subnets=True)
    assert all(map(source.elastic.is_calibrated, source.space))


def test_search_results(old, tmp_path):
    shutil.copytree(old / "search", tmp_path / "search")
    header = read_header(tmp_path / "search" / "results.jsonl")
    with opened(header, tmp_path / "search", False, {}) as (file, growing):
        assert len(file.rows()) == 4
        found = SearchResult.open(tmp_path / "search")
        assert found.best and len(found.ranked()) == 4 and "4 scored" in found.table()
        growing.finish()


def test_trainings_resume(old, repo_root, tmp_path, own_default_scope):
    cfg = load_config(str(repo_root / "configs" / SDR))
    shutil.copy(old / "training" / "iter_12.pth", tmp_path)
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_12.pth"))
    cfg.work_dir, cfg.launcher, cfg.resume = str(tmp_path), "none", True
    train(cfg)  # has nothing left to do, and says so by ending
