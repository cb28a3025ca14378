import math

import numpy as np
import pytest
import torch

from mmtaskssl.clustering import tree as tree_module
from mmtaskssl.clustering.measure import contingency, normalized_mutual_information
from mmtaskssl.clustering.options import parse_tree
from mmtaskssl.clustering.tree import (
    TreeBuilder,
    random_leaves,
    size_bounds,
)
from mmtaskssl.utils.errors import UserError

from ._stores import make_store, planted


def build(store, tree=(2, 2), lower=0.5, upper=2, seed=0, sample=4096, **more):
    return TreeBuilder(store, tree, lower, upper, seed, sample, **more).build()


def nmi(leaf, label):
    return normalized_mutual_information(contingency(leaf, label))


def test_planted_clusters_are_found(tmp_path):
    features, label = planted((50, 60, 70, 40))
    leaf = build(make_store(tmp_path / "s", features))
    assert nmi(leaf, label) == pytest.approx(1)


@pytest.mark.parametrize("tree", [(4,), (2, 2), (3, 2), (2, 3, 2)])
@pytest.mark.parametrize(("lower", "upper"), [(0.5, 2), (1, 1), (0.8, 1.1)])
def test_bounds_hold_at_every_level(tmp_path, tree, lower, upper):
    features, _ = planted((150, 20, 10, 5), spread=0.5)
    features[7] = np.nan
    leaf = build(make_store(tmp_path / "s", features), tree, lower, upper, sample=40)
    assert leaf[7] == -1 and (leaf >= 0).sum() == 184
    for level in range(1, len(tree) + 1):
        below = math.prod(tree[level:])
        sizes = np.bincount(leaf[leaf >= 0] // below, minlength=math.prod(tree[:level]))
        low, high = size_bounds(184, tree, level, lower, upper)
        assert low <= sizes.min() and sizes.max() <= high
    mean = 184 / math.prod(tree)
    assert (low, high) == (math.floor(lower * mean), math.ceil(upper * mean))


def test_coarse_levels_have_less_freedom():
    assert size_bounds(1600, (4, 4), 1, 0.25, 4) == (200, 800)
    assert size_bounds(1600, (4, 4), 2, 0.25, 4) == (25, 400)
    # Each of the leaves below keeps a row.
    assert size_bounds(20, (4, 4), 1, 0.25, 4) == (4, 10)


def test_a_level_that_is_not_split_changes_nothing(tmp_path):
    store = make_store(tmp_path / "s", planted((40, 20, 30), spread=0.8)[0])
    assert np.array_equal(build(store, (2, 2, 1, 1)), build(store, (2, 2)))
    assert size_bounds(90, (2, 2, 1), 2, 0.5, 2) == size_bounds(90, (2, 2), 2, 0.5, 2)


def test_as_many_clusters_as_rows(tmp_path):
    features, _ = planted((3, 3))
    leaf = build(make_store(tmp_path / "s", features), (2, 3))
    assert sorted(leaf.tolist()) == [0, 1, 2, 3, 4, 5]


def test_copies_of_one_image_are_divided(tmp_path):
    leaf = build(make_store(tmp_path / "s", np.ones((16, 4))), lower=1, upper=1)
    assert np.bincount(leaf).tolist() == [4, 4, 4, 4]


def test_the_result_does_not_depend_on_shards_blocks_or_threads(tmp_path, monkeypatch):
    features, _ = planted((40, 20, 30), spread=0.8)
    # In memory: one shard, one block.
    whole = build(make_store(tmp_path / "a", features, 8192), sample=50)
    monkeypatch.setattr(tree_module, "BLOCK_ROWS", 29)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        streamed = build(make_store(tmp_path / "b", features, 13), sample=50)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(whole, streamed)


def test_a_sample_is_enough(tmp_path):
    features, label = planted((400, 300, 350, 450))
    store = make_store(tmp_path / "s", features)
    assert nmi(build(store, sample=64), label) > 0.98


def test_more_rows_than_starts_and_fits_draw(tmp_path, monkeypatch):
    monkeypatch.setattr(tree_module, "FIT_ROWS", 600)
    features, label = planted((800, 700, 750, 850))
    store = make_store(tmp_path / "s", features)
    read, sizes = type(store).read, []

    def counted(self, rows=None):
        sizes.append(len(rows))
        return read(self, rows)

    monkeypatch.setattr(type(store), "read", counted)
    assert nmi(build(store, (4,)), label) == pytest.approx(1)
    assert sizes == [2400]


def test_many_clusters_of_one_level_keep_their_bounds(tmp_path):
    features = np.random.default_rng(0).standard_normal((3000, 8)) + 0.5
    leaf = build(make_store(tmp_path / "s", features), (100,), 0.8, 1.2)
    sizes = np.bincount(leaf)
    assert len(sizes) == 100 and sizes.min() >= 24 and sizes.max() <= 36


def test_the_seed_decides(tmp_path):
    store = make_store(
        tmp_path / "s", np.random.default_rng(0).standard_normal((80, 6))
    )
    first, again, other = (build(store, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_goes_on_after_the_last_finished_level(tmp_path, monkeypatch):
    store = make_store(tmp_path / "s", planted((40, 40, 40, 40), spread=0.9)[0])
    expected = build(store)
    split = TreeBuilder._split

    def killed(self, level, node):
        if level == 1:
            raise KeyboardInterrupt
        return split(self, level, node)

    monkeypatch.setattr(TreeBuilder, "_split", killed)
    with pytest.raises(KeyboardInterrupt):
        build(store, parts=tmp_path / "part")
    levels = []

    def counted(self, level, node):
        levels.append(level)
        return split(self, level, node)

    monkeypatch.setattr(TreeBuilder, "_split", counted)
    assert np.array_equal(build(store, parts=tmp_path / "part"), expected)
    assert levels == [1]


def test_random_clusters_have_equal_sizes(tmp_path):
    features = np.random.default_rng(0).standard_normal((50, 4))
    features[[3, 30]] = np.nan
    store = make_store(tmp_path / "s", features)
    leaf = random_leaves(store, 5, seed=1)
    assert np.bincount(leaf[leaf >= 0]).tolist() == [10, 10, 10, 9, 9]
    assert np.flatnonzero(leaf < 0).tolist() == [3, 30]
    assert np.array_equal(leaf, random_leaves(store, 5, seed=1))
    assert not np.array_equal(leaf, random_leaves(store, 5, seed=2))


def test_progress_is_told(tmp_path):
    store = make_store(tmp_path / "s", planted((40, 40))[0], 16)
    told = []

    def progress(title, total):
        told.append((title, total, []))
        return told[-1][2].append

    build(store, progress=progress)
    titles = [title for title, _, _ in told]
    assert titles == ["level 1/2 fit", "level 1/2", "level 2/2 fit", "level 2/2"]
    assert all(total == 80 and done[-1] == 80 for _, total, done in told)


def test_reads_trees():
    assert parse_tree("4x2X3") == (4, 2, 3)
    assert parse_tree("2x2x1x1") == (2, 2, 1, 1)
    for text in ("", "4x", "1x1", "4x0", "-4x4", "4,4", "4x\N{SUPERSCRIPT TWO}"):
        with pytest.raises(UserError, match="such as 4x4x4x4"):
            parse_tree(text)
