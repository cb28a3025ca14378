import json

import numpy as np
import pytest

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.options import PATH_MAPS
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.utils.errors import UserError

TREE = (2, 3)


def make(seed: int = 0, kind: str = "coarse-last") -> Clusters:
    rng = np.random.default_rng(seed)
    leaf = rng.integers(-1, 6, 50).astype(np.int32)
    ids = [f"a b/{i}.jpg" for i in range(50)]
    return Clusters(TREE, ids, "/pool", leaf, make_paths(TREE, kind), {"seed": seed})


@pytest.mark.parametrize("kind", PATH_MAPS)
@pytest.mark.parametrize("tree", [(4, 4), (2, 2, 2, 2), (2, 3, 4)])
def test_every_path_belongs_to_one_leaf(kind, tree):
    paths = make_paths(tree, kind, seed=3)
    stages = tree if kind == "reversed" else tree[::-1]
    assert sorted(paths) == sorted(np.ndindex(*stages))


def test_the_coarse_digit_lies_on_the_last_or_the_first_stage():
    # Leaf 11 of 4x4 is branch 2, then branch 3.
    assert make_paths((4, 4))[11] == (3, 2)
    assert make_paths((4, 4), "reversed")[11] == (2, 3)


def test_the_random_map_is_a_function_of_the_seed():
    first, again, other = (make_paths((4, 4), "random", s) for s in (0, 0, 1))
    assert first == again != other


def test_an_unknown_map_is_refused():
    with pytest.raises(UserError, match="none of coarse-last"):
        make_paths(TREE, "coarse")


def test_reads_back_what_was_saved(tmp_path):
    clusters = make()
    clusters.save(tmp_path / "c")
    read = Clusters.open(tmp_path / "c")
    assert read.tree == TREE and read.root == "/pool"
    assert read.image_ids == clusters.image_ids
    assert np.array_equal(read.leaf, clusters.leaf) and read.leaf.dtype == np.int32
    assert read.paths == clusters.paths
    assert read.manifest["seed"] == 0
    assert read.manifest["sizes"] == [int((clusters.leaf == i).sum()) for i in range(6)]
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_nodes_and_rows_follow_the_tree():
    clusters = make()
    coarse = clusters.nodes(1)
    assert np.array_equal(np.flatnonzero(coarse == 1), clusters.rows([3, 4, 5]))
    assert np.array_equal(clusters.nodes(2), clusters.leaf)
    assert set(clusters.nodes(0)[clusters.leaf >= 0].tolist()) == {0}
    assert (coarse[clusters.leaf < 0] == -1).all()


def test_a_partial_path_stands_for_all_leaves_that_agree():
    clusters = make()
    assert clusters.leaves_of((-1, 1)).tolist() == [3, 4, 5]
    assert clusters.leaves_of((2, -1)).tolist() == [2, 5]
    assert clusters.leaves_of((2, 1)).tolist() == [5]
    assert len(clusters.leaves_of((-1, -1))) == 6


@pytest.mark.parametrize("path", [(1,), (0, 0, 0), (0, 2)])
def test_a_path_of_another_network_is_refused(path):
    with pytest.raises(UserError, match="tree 2x3"):
        make().leaves_of(path)


def test_groups_must_match_the_network():
    make().check_groups((3, 2))
    with pytest.raises(UserError, match="network has 2x3"):
        make().check_groups((2, 3))


def _cut(folder):
    (folder / "leaf.npy").write_bytes((folder / "leaf.npy").read_bytes()[:-4])


def _flip(folder):
    leaf = np.load(folder / "leaf.npy")
    leaf[3] = (leaf[3] + 1) % 6
    np.save(folder / "leaf.npy", leaf)


def _double_path(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["paths"][1] = manifest["paths"][0]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _lose_ids(folder):
    (folder / "ids.txt").write_text("one\n")


@pytest.mark.parametrize("harm", [_cut, _flip, _double_path, _lose_ids])
def test_damage_is_told(tmp_path, harm):
    make().save(tmp_path / "c")
    harm(tmp_path / "c")
    with pytest.raises(UserError, match="damaged"):
        Clusters.open(tmp_path / "c")


def test_a_folder_without_clusters_is_told(tmp_path):
    with pytest.raises(UserError, match=r"mmtaskssl cluster"):
        Clusters.open(tmp_path)


def test_a_tree_that_does_not_fit_is_answered_with_one_that_does():
    with pytest.raises(UserError, match="cluster the pool with the tree 4x1, whose"):
        make().check_groups((1, 4))
