"""Codes of rows: turned so that each byte tells as much, and read by faiss."""

import numpy as np
import pytest

from mmtaskssl.selection.approximate.codes import Coder, _rotation, fill, list_bytes

from ._pools import rows_of

faiss = pytest.importorskip("faiss")


@pytest.mark.parametrize(("dim", "code_bytes", "width"), [(16, 4, 4), (7, 3, 3)])
def test_a_rotation_keeps_products_and_spreads_what_varies(dim, code_bytes, width):
    rng = np.random.default_rng(0)
    scale = 0.5 ** np.arange(dim)
    rest = (rng.standard_normal((3000, dim)) * scale).astype(np.float32)
    turn = _rotation(rest, code_bytes, width)
    assert turn.shape == (code_bytes * width, dim)
    assert np.allclose(turn.T @ turn, np.eye(dim), atol=1e-5)
    variance = (rest @ turn.T).var(0).reshape(code_bytes, width).max(1)
    # The strongest directions are each a byte's, not all the first one's.
    assert np.allclose(np.sort(variance)[::-1], (scale**2)[:code_bytes], rtol=0.3)


def test_codes_of_turned_rows_are_nearer_to_them():
    """Of rows that differ in few directions, none of which is an axis."""
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((6, 32))
    rows = (rng.standard_normal((4000, 6)) @ mix).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    coder = Coder.fitted(rows, 4, 6, 0)
    axes = Coder(coder.lists, np.eye(36, 32, dtype=np.float32), coder.books)
    plain = faiss.ProductQuantizer(36, 6, 8)
    rest = rows - coder.lists.centroids[coder.lists.of(rows)]
    plain.train(rest @ axes.rotation.T)
    left = rest @ axes.rotation.T
    without = ((plain.decode(plain.compute_codes(left)) - left) ** 2).sum(1).mean()
    index = coder.empty_index()
    fill(index, [coder.codes(rows)])
    again = index.sa_decode(coder.codes(rows)) @ coder.rotation
    with_it = ((again - rows) ** 2).sum(1).mean()
    assert with_it < 0.6 * without


@pytest.mark.parametrize("lists", [1, 2, 3, 255, 256, 257, 70_000])
def test_numbers_of_lists_take_the_bytes_that_faiss_takes(lists):
    flat = faiss.IndexFlatIP(8)
    index = faiss.IndexIVFPQ(flat, 8, lists, 2, 8, faiss.METRIC_INNER_PRODUCT)
    assert index.coarse_code_size() == list_bytes(lists)


def test_one_seed_makes_the_same_codes():
    rows = rows_of(600)
    one, two = (Coder.fitted(rows, 9, 4, 3).codes(rows) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, Coder.fitted(rows, 9, 4, 4).codes(rows))
