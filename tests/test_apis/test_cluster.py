"""Clusters as a value: in memory, in a folder, and what is left of an interruption."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.clustering import folder as folders
from mmtaskssl.clustering.options import Options
from mmtaskssl.clustering.tree import TreeBuilder
from mmtaskssl.features.fingerprint import fingerprint
from mmtaskssl.runs import RECORD, Record, verify
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_clustering._stores import planted


@pytest.fixture
def pool():
    features, label = planted((10, 10, 10, 10))
    ids = [f"{i:02d}.png" for i in range(40)]
    return apis.MemoryStore(features, ids, name="pool"), [f"class {c}" for c in label]


def test_values_go_in_and_a_value_comes_out(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store, labels = pool
    clusters = apis.cluster(store, "2x2", labels=labels)
    assert clusters.tree == (2, 2) and sorted(clusters.sizes) == [10] * 4
    assert clusters.manifest["labels"]["levels"][-1]["purity"] == 1
    assert "purity" in clusters.table() and "1.000" in clusters._repr_html_()
    assert json.loads(json.dumps(clusters.to_dict()))["sizes"] == [10] * 4
    assert "class 3 100%" in clusters.page() and "40 images" in clusters.page()
    assert "array" not in repr(clusters)
    same = apis.cluster(store, [2, 2])
    np.testing.assert_array_equal(same.leaf, clusters.leaf)
    assert not [*tmp_path.iterdir()]  # nothing was written


def test_it_is_saved_and_reopened(pool, tmp_path):
    store, labels = pool
    clusters = apis.cluster(store, "2x2", labels=labels)
    folder = clusters.save(tmp_path / "c")
    names = {path.name for path in folder.iterdir()}
    assert {"manifest.json", "leaf.npy", "report.html", RECORD} <= names
    read = apis.Clusters.open(folder)
    np.testing.assert_array_equal(read.leaf, clusters.leaf)
    assert read.table() == clusters.table() and "drawn at random" in read.page()
    other = apis.cluster(store, "4x1", seed=1)
    with pytest.raises(UserError, match=r"same inputs \(seed, tree\)"):
        other.save(folder)
    other.save(folder, overwrite=True, report=False)
    assert apis.Clusters.open(folder).tree == (4, 1)
    assert not (folder / "report.html").exists()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="no part of clusters"):
        clusters.save(folder, overwrite=True)


def test_changed_files_are_found(pool, tmp_path):
    folder = apis.cluster(pool[0], "2x2").save(tmp_path / "c")
    centroids = bytearray((folder / "centroids.npy").read_bytes())
    centroids[-1] ^= 1
    (folder / "centroids.npy").write_bytes(centroids)
    verify(folder, deep=False)
    with pytest.raises(UserError, match=r"centroids.*checksum"):
        apis.Clusters.open(folder)
    with pytest.raises(UserError, match=r"centroids.*checksum"):
        verify(folder)


def test_an_interrupted_clustering_goes_on(pool, tmp_path, monkeypatch):
    options = Options((2, 2))
    split, levels = TreeBuilder._split, []

    def interrupted(self, level, node):
        levels.append(level)
        if level == 1 and len(levels) == 2:
            raise KeyboardInterrupt
        return split(self, level, node)

    monkeypatch.setattr(TreeBuilder, "_split", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folders.cluster_to_folder(tmp_path / "c", pool[0], options)
    assert not Record.read(tmp_path / "c").complete
    with pytest.raises(UserError, match="unfinished"):
        apis.Clusters.open(tmp_path / "c")
    with pytest.raises(UserError, match=r"same inputs \(seed\)"):
        folders.cluster_to_folder(tmp_path / "c", pool[0], Options((2, 2), seed=1))
    # Also when earlier clusters may be overwritten, begun work is not lost.
    clusters, new = folders.cluster_to_folder(
        tmp_path / "c", pool[0], options, overwrite=True
    )
    assert new and levels == [0, 1, 1]
    straight = apis.cluster(pool[0], "2x2")
    np.testing.assert_array_equal(clusters.leaf, straight.leaf)
    assert {*Record.read(tmp_path / "c").files} == {
        *("manifest.json", "ids.txt", "leaf.npy", "centroids.npy", "report.html")
    }
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
    assert not folders.cluster_to_folder(tmp_path / "c", pool[0], options)[1]
    _, new = folders.cluster_to_folder(tmp_path / "c", pool[0], options, overwrite=True)
    assert new


def test_clusters_of_0_1_are_known(repo_root, tmp_path):
    old = repo_root / "tests" / "fixtures" / "v0.1"
    shutil.copytree(old / "clusters", tmp_path / "c")
    store = apis.FeatureStore.open(old / "stores" / "pool")
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    manifest["inputs"]["pool"] = fingerprint(store)  # the fixture's folder has moved
    (tmp_path / "c" / "manifest.json").write_text(json.dumps(manifest))
    known = apis.Clusters.open(tmp_path / "c")
    same = {key: known.manifest["inputs"][key] for key in ("seed", "path_map")}
    options = Options((2, 2, 1, 1), **same)
    with pytest.raises(UserError, match="same inputs"):
        folders.cluster_to_folder(tmp_path / "c", store, Options((2, 2, 1, 1), seed=7))
    clusters, _ = folders.cluster_to_folder(
        tmp_path / "c", store, options, pool_root=known.root, report=False
    )
    np.testing.assert_array_equal(clusters.leaf, known.leaf)


def test_a_pool_of_images_is_extracted(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=4, classes=("a", "b"), size=40)
    network = ("torchvision:resnet18", "random")
    clusters = apis.cluster(tmp_path / "images", "2x1", network=network)
    assert sorted(clusters.sizes.tolist()) and clusters.sizes.sum() == 8
    pool = apis.extract(network, tmp_path / "images")
    labelled = apis.cluster(pool, "2x1", labels="folder")
    np.testing.assert_array_equal(labelled.leaf, clusters.leaf)
    assert labelled.manifest["labels"]["classes"] == 2
    with pytest.raises(UserError, match="not a feature store"):
        apis.cluster(tmp_path / "images", "2x1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tree": "8x8"}, "fewer than the 64 clusters"),
        ({"tree": "0x2"}, "such as 4x4x4x4"),
        ({"tree": [1, 1]}, "such as 4x4x4x4"),
        ({"lower": 1.2}, "at most and at least 1 times"),
        ({"path_map": "no"}, "one of coarse-last"),
        ({"labels": ["a"]}, "40 images but 1 labels"),
    ],
)
def test_bad_options(pool, options, words):
    with pytest.raises(UserError, match=words):
        apis.cluster(pool[0], **{"tree": "2x2", **options})


def test_the_parser_imports_no_torch():
    code = (
        "import sys, mmtaskssl.cli.cluster_data as cli;"
        "cli.make_parser().format_help();"
        "sys.exit(any(m in sys.modules for m in ('torch', 'mmengine', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
