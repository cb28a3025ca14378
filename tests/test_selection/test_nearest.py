import numpy as np

from mmtaskssl.selection.nearest import best_queries, rows_above, top_rows
from mmtaskssl.selection.policies.cluster import kmeans

from ._reference import exact_matrix, make_store, make_task, random_features


def test_best_query_and_ties_by_lower_query(tmp_path):
    rng = np.random.default_rng(0)
    features = random_features(rng, 80, spread=0.05, copies=6)
    pool = make_store(tmp_path / "pool", features, 30)
    queries = pool.read([5, 2, 2, 70])
    matrix = exact_matrix(make_task(pool, queries, 1))
    columns = list(zip(*matrix, strict=True))
    found, scores = best_queries(queries, pool.read())
    assert found.tolist() == [c.index(max(c)) for c in columns]
    assert scores.tolist() == [float(max(c)) for c in columns]


def test_top_rows_with_copies_at_the_border(tmp_path):
    rng = np.random.default_rng(1)
    features = random_features(rng, 500, copies=2)
    pool = make_store(tmp_path / "pool", features, 90)
    queries = pool.read([0, 1])
    _, best = best_queries(queries, pool.read())
    order = np.argsort(-best, kind="stable")
    for count in (1, 30, 300, 500):
        rows, scores = top_rows(queries, pool, count)
        np.testing.assert_array_equal(rows, order[:count])
        np.testing.assert_array_equal(scores, best[order[:count]])


def test_rows_above_a_floor(tmp_path):
    rng = np.random.default_rng(2)
    pool = make_store(tmp_path / "pool", random_features(rng, 200), 64)
    queries = pool.read([7, 90])
    query, best = best_queries(queries, pool.read())
    floor = np.sort(best)[-20]
    skip = np.zeros(200, dtype=bool)
    skip[90] = True
    rows, found, scores = rows_above(queries, pool, floor, skip=skip)
    expected = [r for r in range(200) if best[r] >= floor and r != 90]
    assert rows.tolist() == expected
    np.testing.assert_array_equal(found, query[rows])
    np.testing.assert_array_equal(scores, best[rows])


def test_kmeans_finds_separate_groups():
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((3, 8))
    x = np.repeat(centres, 40, axis=0) + 0.05 * rng.standard_normal((120, 8))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)
    x = x.astype(np.float32)
    for seed in range(20):
        centroids = kmeans(x, 3, np.random.default_rng(seed))
        if len(set(best_queries(centroids, x[[0, 40, 80]])[0].tolist())) == 3:
            break
    else:
        raise AssertionError("no start out of twenty separates the groups")
    np.testing.assert_array_equal(centroids.astype(np.float16), centroids)
    groups = best_queries(centroids, x)[0].reshape(3, 40)
    assert (groups == groups[:, :1]).all()
    for group in range(3):
        mean = x[40 * group : 40 * group + 40].astype(np.float64).sum(0)
        mean /= np.linalg.norm(mean)
        np.testing.assert_allclose(centroids[groups[group, 0]], mean, atol=1e-3)
