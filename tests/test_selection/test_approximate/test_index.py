"""Searching an index: what is found has exact scores; all lists find nearly all."""

import numpy as np
import pytest

from mmtaskssl.apis import SearchIndex, build_index
from mmtaskssl.runs import Record, verify
from mmtaskssl.selection.approximate import files, planned
from mmtaskssl.selection.search import topk
from mmtaskssl.utils.errors import UserError

from ._pools import make_pool, queries_of, rows_of

pytest.importorskip("faiss")
K = 12


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planned, "PART_ROWS", 600)
        pool = make_pool(folder / "pool", rows_of(2400))
        return pool, build_index(pool, folder / "index", lists=40, code_bytes=4)


def share(found, exact):
    pairs = zip(found.rows, exact.rows, strict=True)
    return np.mean([len(np.intersect1d(a, b)) for a, b in pairs]) / exact.rows.shape[1]


def test_scores_are_exact_and_in_order(made):
    pool, index = made
    queries = queries_of(30).read()
    found = index.search(queries, pool, K)
    for query, rows, scores in zip(queries, found.rows, found.scores, strict=True):
        features = pool.read(rows).astype(np.float64)
        assert np.array_equal(features @ query.astype(np.float64), scores)
        order = np.lexsort((rows, -scores))
        assert order.tolist() == list(range(K)) and len({*rows.tolist()}) == K


def test_all_lists_and_all_candidates_are_the_exact_search(made):
    pool, index = made
    queries, skip = queries_of(30).read(), np.arange(2400) % 7 == 0
    exact = topk(queries, pool, K, skip=skip)
    found = index.search(queries, pool, K, skip=skip, probes=40, rerank=500)
    assert np.array_equal(found.rows, exact.rows)
    assert np.array_equal(found.scores, exact.scores)


def test_more_lists_and_candidates_find_more(made):
    pool, index = made
    queries = queries_of(60).read()
    exact = topk(queries, pool, K)
    few = share(index.search(queries, pool, K, probes=1), exact)
    many = share(index.search(queries, pool, K, probes=20), exact)
    assert few + 0.05 < many and many > 0.95
    one = share(index.search(queries, pool, K, probes=20, rerank=1), exact)
    assert one + 0.05 < many


def test_the_usual_search_finds_most(made):
    pool, index = made
    queries = queries_of(60).read()
    assert share(index.search(queries, pool, K), topk(queries, pool, K)) > 0.95


def test_lists_that_hold_too_few_are_not_the_end(made):
    pool, index = made
    queries = queries_of(5).read()
    found = index.search(queries, pool, 900, probes=1)
    assert found.rows.shape == (5, 900) and (found.rows >= 0).all()
    assert np.isfinite(found.scores).all()


def test_more_than_there_are_is_all_there_is(made):
    pool, index = made
    skip = np.ones(2400, bool)
    skip[[3, 5, 2000]] = False
    found = index.search(queries_of(4).read(), pool, 10, skip=skip)
    assert np.sort(found.rows, axis=1).tolist() == [[3, 5, 2000]] * 4


def test_unusable_rows_are_never_found(tmp_path):
    rows = rows_of(400)
    rows[[0, 399]] = 0
    pool = make_pool(tmp_path / "pool", rows)
    index = build_index(pool, tmp_path / "index")
    found = index.search(queries_of(3).read(), pool, 398, probes=10**6)
    assert np.sort(found.rows[0]).tolist() == list(range(1, 399))


def test_memory_changes_the_passes_and_nothing_else(made, monkeypatch):
    from mmtaskssl.selection.approximate import candidates

    pool, index = made
    queries = queries_of(20).read()
    loaded = []
    fill = candidates.fill
    monkeypatch.setattr(
        candidates, "fill", lambda i, parts: (loaded.append(len(parts)), fill(i, parts))
    )
    usual = index.search(queries, pool, K)
    assert loaded == [4]
    loaded.clear()
    with pytest.raises(UserError, match=r"`memory` .* at least") as raised:
        index.search(queries, pool, K, memory="1MiB")
    least = str(raised.value).split("written ")[1]
    bound = index.search(queries, pool, K, memory=least)
    assert len(loaded) > 4
    assert np.array_equal(bound.rows, usual.rows)
    assert np.array_equal(bound.scores, usual.scores)


def _changed(index, name, array):
    """Puts another array into an index, with checksums that fit."""
    np.save(index.folder / name, array)
    work = files.work_of(files.inputs_of(index.manifest))
    names = [*Record.read(index.folder).files]
    work.describe(index.folder, True, names=names).write(index.folder)
    verify(index.folder)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("part-00001.npy", lambda x: np.full_like(x, 255)),
        ("part-00001.npy", lambda x: x[:-1]),
        ("part-00001.npy", lambda x: x[:, :-1]),
        ("part-00001.npy", lambda x: x.astype(np.int8)),
        ("centroids.npy", lambda x: x[:-1]),
        ("centroids.npy", lambda x: x * np.float32(np.nan)),
        ("books.npy", lambda x: x[:, :-1]),
        ("rotation.npy", lambda x: x[:-1]),
        ("sizes.npy", lambda x: x + 1),
        ("sizes.npy", lambda x: np.concatenate([x[:1] + 1, x[1:-1], x[-1:] - 1]) * -1),
        ("groups.npy", lambda x: x[:, :-1]),
    ],
)
def test_arrays_that_do_not_fit_never_reach_faiss(made, tmp_path, name, harm):
    """Whoever makes checksums that fit can write any array; faiss believes it."""
    _, whole = made
    index = SearchIndex.open(whole.save(tmp_path / "index"))
    array = np.load(index.folder / name, allow_pickle=False)
    _changed(index, name, harm(array))
    with pytest.raises(UserError, match="is damaged") as raised:
        SearchIndex.open(index.folder)
    assert str(index.folder / name) in str(raised.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [({"k": 0}, "`k`"), ({"probes": 0}, "`probes`"), ({"rerank": 0}, "`rerank`")],
)
def test_values_that_cannot_be_are_refused(made, how, words):
    pool, index = made
    with pytest.raises(UserError, match=words):
        index.search(queries_of(2).read(), pool, **{"k": 3, **how})
