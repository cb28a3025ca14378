import json
import re

import numpy as np
import pytest

from mmtaskssl.clustering.clusters import Clusters
from tests._images import make_image_folder
from tests.test_clustering._stores import make_store, planted

from ._tools import failure_of, load_tool


@pytest.fixture
def tool():
    return load_tool("cluster_data")


@pytest.fixture
def pool(tmp_path):
    """A store of 40 rows around 4 directions, of which row 5 is unusable."""
    images = make_image_folder(tmp_path / "images", 40, (), size=8)
    for path in images.iterdir():
        path.rename(images / f"{int(path.stem):05d}.png")
    features, label = planted((10, 10, 10, 10))
    features[5] = np.nan
    make_store(tmp_path / "store", features, 16, root=str(images))
    table = "".join(f"{i:05d}.png,class {c}\n" for i, c in enumerate(label))
    (tmp_path / "labels.csv").write_text("image,label\n" + table)
    return tmp_path


def command(folder, *more, tree="2x2", out="out"):
    return [
        *("--pool", str(folder / "store"), "--tree", tree),
        *("--out", str(folder / out), *more),
    ]


def test_writes_clusters_and_a_page(pool, tool, capsys):
    tool.main(command(pool, "--labels", str(pool / "labels.csv")))
    clusters = Clusters.open(pool / "out")
    assert clusters.tree == (2, 2) and clusters.root == str(pool / "images")
    assert clusters.leaf[5] == -1 and sorted(clusters.sizes) == [9, 10, 10, 10]
    assert clusters.paths == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert np.abs(np.linalg.norm(clusters.centroids, axis=1) - 1).max() < 1e-3
    manifest = clusters.manifest
    assert manifest["labels"]["levels"][-1] == {"clusters": 4, "purity": 1, "nmi": 1}
    assert manifest["levels"][-1]["largest"] == 10 and manifest["unusable"] == 1
    assert manifest["levels"][-1]["cohesion"] > manifest["levels"][0]["cohesion"]
    page = (pool / "out" / "report.html").read_text()
    assert page.count("data:image/jpeg") == 39 and "class 3 100%" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "1.000" in capsys.readouterr().out
    # Nothing else is left, above all no parts.
    names = {path.name for path in pool.iterdir()}
    assert names == {"images", "store", "store.npy", "labels.csv", "out"}


def test_labels_change_no_cluster(pool, tool):
    tool.main(command(pool, "--labels", str(pool / "labels.csv"), out="a"))
    tool.main(command(pool, out="b"))
    a, b = Clusters.open(pool / "a"), Clusters.open(pool / "b")
    assert np.array_equal(a.leaf, b.leaf)
    assert a.manifest["inputs"] == b.manifest["inputs"]


def test_a_finished_folder_is_kept_and_another_is_not_replaced(pool, tool, capsys):
    tool.main(command(pool, "--no-report"))
    before = (pool / "out" / "manifest.json").stat().st_mtime_ns
    tool.main(command(pool, "--no-report"))
    assert "nothing to do" in capsys.readouterr().out
    assert (pool / "out" / "manifest.json").stat().st_mtime_ns == before
    # Labels that come later are compared with, and nothing else changes.
    leaf = Clusters.open(pool / "out").leaf
    tool.main(command(pool, "--no-report", "--labels", str(pool / "labels.csv")))
    assert Clusters.open(pool / "out").manifest["labels"]["classes"] == 4
    assert np.array_equal(Clusters.open(pool / "out").leaf, leaf)
    message = failure_of(tool, command(pool, "--seed", "1"))
    assert "not made from the same inputs" in message
    tool.main(command(pool, "--seed", "1", "--overwrite"))
    assert Clusters.open(pool / "out").manifest["seed"] == 1


def test_random_clusters(pool, tool):
    tool.main(command(pool, "--random", "--path-map", "random", "--seed", "3"))
    clusters = Clusters.open(pool / "out")
    assert sorted(clusters.sizes) == [9, 10, 10, 10] and clusters.centroids is None
    assert clusters.manifest["kind"] == "random"
    assert sorted(clusters.paths) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert (pool / "out" / "report.html").is_file()


def test_moved_images_are_found(pool, tool):
    (pool / "images").rename(pool / "moved")
    tool.main(command(pool, "--pool-root", str(pool / "moved")))
    assert Clusters.open(pool / "out").root == str(pool / "moved")
    assert "data:image" in (pool / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "tree", "said"),
    [
        ((), "8x8", "39 usable images, fewer than the 64 clusters"),
        ((), "4by4", "such as 4x4x4x4"),
        (("--lower", "1.2"), "2x2", "at most and at least 1 times"),
        (("--sample", "0"), "2x2", "from 1 on, not 0"),
        (("--labels", "nowhere.csv"), "2x2", "nowhere.csv"),
        (("--pool", "nowhere"), "2x2", "feature store nowhere does not exist"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(pool, tool, more, tree, said):
    assert said in failure_of(tool, command(pool, *more, tree=tree))
    assert not (pool / "out").exists()


def test_a_damaged_store_is_told(pool, tool):
    shard = pool / "store" / "shard-00001.npy"
    shard.write_bytes(shard.read_bytes()[:-10])
    assert "missing or damaged" in failure_of(tool, command(pool))


def test_a_folder_with_other_files_is_not_replaced(pool, tool):
    (pool / "out").mkdir()
    (pool / "out" / "thesis.tex").write_text("years of work")
    said = failure_of(tool, command(pool, "--overwrite"))
    assert "'thesis.tex', which is no part of clusters" in said
    assert json.dumps([p.name for p in (pool / "out").iterdir()]) == '["thesis.tex"]'
