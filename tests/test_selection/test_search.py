import numpy as np
import pytest
import torch

from mmtaskssl.selection import search
from mmtaskssl.selection.search import topk

from ._reference import exact_matrix, make_store, make_task, random_features, ranked


def reference(pool, queries, k, skip=()):
    task = make_task(pool, queries, 1, skip)
    matrix = exact_matrix(task)
    lists = [ranked(scores, task)[:k] for scores in matrix]
    scores = [[float(matrix[q][r]) for r in rows] for q, rows in enumerate(lists)]
    return np.array(lists), np.array(scores)


@pytest.mark.parametrize("coarse", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("spread", [1.0, 0.01])
@pytest.mark.parametrize("k", [1, 7, 150, 400])
def test_topk_is_exact_with_ties_by_lower_row(tmp_path, coarse, spread, k):
    rng = np.random.default_rng(0)
    features = random_features(rng, 300, spread=spread, copies=5)
    pool = make_store(tmp_path / "pool", features, rows_per_shard=70)
    queries = make_store(tmp_path / "q", features[[0, 1, 250]]).read()
    skip = np.zeros(300, dtype=bool)
    skip[[0, 17, 299]] = True
    found = topk(queries, pool, k, skip=skip, coarse=coarse, block_rows=64)
    rows, scores = reference(pool, queries, k, np.flatnonzero(skip))
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.scores, scores)


def test_same_for_any_shards_blocks_threads_and_coarse_dtype(tmp_path):
    rng = np.random.default_rng(1)
    # A narrow cone with copies: many scores equal, many equal up to rounding.
    features = random_features(rng, 1200, dim=32, spread=0.02, copies=40)
    queries = make_store(tmp_path / "q", features[:31]).read()
    results = []
    threads = torch.get_num_threads()
    for shard_rows, block, coarse, count in [
        (1200, 2048, torch.float32, 1),
        (300, 2048, torch.float32, 2),
        (400, 333, torch.bfloat16, 1),
        (37, 100, torch.float32, 1),
    ]:
        pool = make_store(tmp_path / str(shard_rows), features, shard_rows)
        torch.set_num_threads(count)
        try:
            found = topk(queries, pool, 100, block_rows=block, coarse=coarse)
        finally:
            torch.set_num_threads(threads)
        results.append(found)
    for other in results[1:]:
        np.testing.assert_array_equal(other.rows, results[0].rows)
        np.testing.assert_array_equal(other.scores, results[0].scores)


def test_many_copies_of_one_image_do_not_hide_the_lowest_rows(tmp_path):
    rng = np.random.default_rng(2)
    features = random_features(rng, 2500)
    features[500:2400] = features[3]
    pool = make_store(tmp_path / "pool", features)
    found = topk(pool.read([3]), pool, 10, block_rows=1000)
    assert found.rows.tolist() == [[3, *range(500, 509)]]


def test_k_above_2048_and_above_the_pool(tmp_path):
    rng = np.random.default_rng(3)
    pool = make_store(tmp_path / "pool", random_features(rng, 5000, dim=8))
    queries = pool.read([0, 1])
    exact = queries.astype(np.float64) @ pool.read().astype(np.float64).T
    order = np.argsort(-exact, axis=1, kind="stable")
    np.testing.assert_array_equal(topk(queries, pool, 3000).rows, order[:, :3000])
    np.testing.assert_array_equal(topk(queries, pool, 9999).rows, order)


def test_equals_faiss_where_scores_differ(tmp_path):
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(4)
    pool = make_store(tmp_path / "pool", random_features(rng, 4000, dim=64), 1500)
    queries = pool.read(np.arange(20))
    scores, rows = faiss.knn(
        queries, pool.read(), 50, metric=faiss.METRIC_INNER_PRODUCT
    )
    found = topk(queries, pool, 50)
    np.testing.assert_allclose(found.scores, scores, atol=1e-6)
    clear = np.diff(found.scores, axis=1, prepend=2, append=-2)
    clear = (clear[:, :-1] < -1e-6) & (clear[:, 1:] < -1e-6)
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found.rows[clear], rows[clear])


@pytest.mark.parametrize("wrong_for", [[], [0, 2], [0, 1, 2]])
def test_guessed_thresholds_change_nothing(tmp_path, monkeypatch, wrong_for):
    rng = np.random.default_rng(8)
    features = random_features(rng, 60_000, dim=8, spread=0.5)
    features[100:140] = features[7]
    pool = make_store(tmp_path / "pool", features)
    queries = pool.read([7, 20_000, 59_999])
    guess_thresholds, seen = search._guess_thresholds, []

    def guess(*args):
        found = guess_thresholds(*args)
        seen.append(found.clone())
        found[wrong_for] = 0.9999
        return found

    monkeypatch.setattr(search, "_guess_thresholds", guess)
    found = topk(queries, pool, 140)
    exact = queries.astype(np.float64) @ pool.read().astype(np.float64).T
    order = np.argsort(-exact, axis=1, kind="stable")[:, :140]
    np.testing.assert_array_equal(found.rows, order)
    above = (exact > seen[0].numpy()[:, None]).sum(1)
    assert (above >= 140).all() and (above < 2000).all()


def test_lower_matmul_precision_of_the_user_changes_nothing(tmp_path):
    rng = np.random.default_rng(5)
    features = random_features(rng, 600, dim=32, spread=0.05)
    pool = make_store(tmp_path / "pool", features)
    queries = pool.read(np.arange(10))
    expected = topk(queries, pool, 30, coarse=torch.float32)
    torch.set_float32_matmul_precision("medium")
    try:
        found = topk(queries, pool, 30, coarse=torch.float32)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_progress_counts_rows_up_to_the_end(tmp_path):
    rng = np.random.default_rng(6)
    pool = make_store(tmp_path / "pool", random_features(rng, 100), 30)
    seen = []
    topk(pool.read([0]), pool, 3, block_rows=20, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 100


@pytest.mark.parametrize("share", [0.001, 0.02, 0.06, 0.5])
def test_scores_of_pairs_are_exact_however_many_there_are(share):
    rng = np.random.default_rng(9)
    queries, rows = (random_features(rng, n, dim=48) for n in (40, 300))
    queries, rows = (x.astype(np.float16).astype(np.float32) for x in (queries, rows))
    qi, ri = np.nonzero(rng.random((40, 300)) < share)
    found = search.exact_scores(*map(torch.from_numpy, (queries, rows, qi, ri)))
    expected = (queries.astype(np.float64) @ rows.astype(np.float64).T)[qi, ri]
    np.testing.assert_array_equal(found.numpy(), expected)


def test_thresholds_rise_while_the_pool_streams_by(tmp_path, monkeypatch):
    rng = np.random.default_rng(10)
    pool = make_store(tmp_path / "pool", random_features(rng, 20_000, dim=8))
    queries = pool.read([0, 1])
    scored, exact_scores = [], search.exact_scores

    def counted(*args):
        scored.append(len(args[2]))
        return exact_scores(*args)

    monkeypatch.setattr(search, "exact_scores", counted)
    found = topk(queries, pool, 20, block_rows=100)
    exact = queries.astype(np.float64) @ pool.read().astype(np.float64).T
    order = np.argsort(-exact, axis=1, kind="stable")[:, :20]
    np.testing.assert_array_equal(found.rows, order)
    # 20 * log(200 blocks) a query, were each row's threshold the best known one.
    assert sum(scored) < 2 * 2 * 20 * np.log(200)


@pytest.mark.gpu
def test_cuda_equals_cpu(tmp_path):
    rng = np.random.default_rng(7)
    features = random_features(rng, 3000, dim=64, spread=0.05, copies=20)
    pool = make_store(tmp_path / "pool", features)
    queries = pool.read(np.arange(40))
    expected = topk(queries, pool, 100, device="cpu")
    for coarse in (torch.float32, torch.bfloat16):
        found = topk(queries, pool, 100, coarse=coarse, device="cuda")
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_array_equal(found.scores, expected.scores)
