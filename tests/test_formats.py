"""What version 0.1 wrote keeps loading: stores, clusters, selections, exports, ..."""

import json
import shutil

import numpy as np
import pytest
import torch

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.files import work_of as clusters_work
from mmtaskssl.config import load_config
from mmtaskssl.config.export_info import ExportInfo
from mmtaskssl.engine.run import train
from mmtaskssl.features.extractor import build_extractor
from mmtaskssl.features.plan import work_of as store_work
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.networks import open_network
from mmtaskssl.routing.output import work_of as routing_work
from mmtaskssl.runs import State
from mmtaskssl.search.output import opened
from mmtaskssl.search.result import SearchResult
from mmtaskssl.search.results import read_header
from mmtaskssl.selection.selected import work_of as selection_work
from mmtaskssl.utils.errors import UserError

SDR = "sdr/routed-simsiam_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py"
IDENTITY = ("extractor", "transform", "dim", "root", "images_sha256")


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


def test_trainings_resume(old, repo_root, tmp_path):
    cfg = load_config(str(repo_root / "configs" / SDR))
    shutil.copy(old / "training" / "iter_12.pth", tmp_path)
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_12.pth"))
    cfg.work_dir, cfg.launcher, cfg.resume = str(tmp_path), "none", True
    train(cfg)  # has nothing left to do, and says so by ending


@pytest.mark.parametrize(
    ("work", "content", "own"),
    [
        (selection_work({}), {"summary.json": {"inputs": ["mine"]}}, "selection.csv"),
        (
            routing_work({}),
            {"routing.json": {"router": 1, "winner": 1, "regret": 1}},
            "ranking.csv",
        ),
        (clusters_work({}), {"manifest.json": {"format": 1, "tree": []}}, "leaf.npy"),
        (
            store_work({**dict.fromkeys(IDENTITY, ""), "shard_rows": []}),
            {"manifest.json": {**dict.fromkeys(IDENTITY, ""), "format": 1}},
            "ids.txt",
        ),
    ],
    ids=["selection", "routing", "clusters", "store"],
)
def test_a_users_folder_that_looks_a_little_like_ours_stays(
    tmp_path, work, content, own
):
    for name, value in content.items():
        (tmp_path / name).write_text(json.dumps(value))
    for name in (own, "report.html"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="which is no part of"):
        work.clear(tmp_path)
    assert (tmp_path / own).read_text() == "mine"


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (selection_work({}), "select-round_robin"),
        (routing_work({}), "route-overlap"),
        (clusters_work({}), "clusters"),
    ],
)
def test_what_is_whole_is_known_and_what_disagrees_is_not(old, tmp_path, work, name):
    shutil.copytree(old / name, tmp_path / "out")
    assert work.state(tmp_path / "out", overwrite=True) is State.REPLACE
    table = {"select-round_robin": "selection.csv", "route-overlap": "ranking.csv"}
    path = tmp_path / "out" / table.get(name, "ids.txt")
    path.write_text("\n".join(path.read_text().split("\n")[:-2]) + "\n")
    with pytest.raises(UserError, match="which is no part of"):
        work.state(tmp_path / "out", overwrite=True)
