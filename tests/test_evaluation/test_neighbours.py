"""A bank of features in one process and in two."""

import math

import pytest
import torch

from mmtaskssl.evaluation.neighbours import Neighbours, ShardedBank, nearest
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes

DIM, TOTAL, QUERIES = 16, 50, 6


def _features():
    g = torch.Generator().manual_seed(0)
    bank = torch.randn(TOTAL, DIM, generator=g)
    bank[30:40] = bank[:10]  # equally near
    bank[45:] = 3 * bank[:5]
    queries = torch.randn(2 * QUERIES, DIM, generator=g)
    queries[::3] = bank[: 2 * QUERIES : 3]
    return bank, queries


def _work(rank, folder):
    torch.distributed.init_process_group("gloo")
    bank, queries = _features()
    found = {}
    for name, first in (("even", 25), ("uneven", 3), ("empty", 0)):
        rows = [torch.arange(first), torch.arange(first, TOTAL)][rank]
        shard = ShardedBank(len(rows), TOTAL)
        for part in rows.split(7):
            if len(part):
                shard.add(bank[part], part)
        mine = queries[rank * QUERIES : (rank + 1) * QUERIES]
        for k in (1, 8, 1000):
            some = shard.nearest(mine, k)
            found[name, k] = some.similarity, some.row
    return found


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return in_two_processes(_work, tmp_path_factory.mktemp("neighbours"))


@pytest.mark.parametrize("share", ["even", "uneven", "empty"])
@pytest.mark.parametrize("k", [1, 8, 1000])
def test_two_processes_find_what_one_finds(ranks, share, k):
    bank, queries = _features()
    alone = ShardedBank(TOTAL, TOTAL)
    alone.add(bank, torch.arange(TOTAL))
    expected = alone.nearest(queries, k)
    parts = zip(*(rank[share, k] for rank in ranks), strict=True)
    similarity, row = map(torch.cat, parts)
    assert torch.equal(row, expected.row)
    torch.testing.assert_close(similarity, expected.similarity)
    assert row.shape == (2 * QUERIES, min(k, TOTAL))


def test_is_a_sort_of_all_similarities():
    bank, queries = _features()
    found = nearest(bank, queries, 9, torch.arange(TOTAL))
    for i, query in enumerate(queries.tolist()):
        cosine = [
            math.fsum(a * b for a, b in zip(query, row, strict=True))
            / math.sqrt(math.fsum(a * a for a in query) * math.fsum(a * a for a in row))
            for row in bank.tolist()
        ]
        # 2**-16 apart is equal, and of equal ones the first is first.
        order = sorted(range(TOTAL), key=lambda j: (-round(cosine[j] * 2**16), j))
        assert found.row[i].tolist() == order[:9]
        expected = torch.tensor([cosine[j] for j in order[:9]])
        torch.testing.assert_close(found.similarity[i], expected)


def test_a_bank_is_half_as_large_as_its_features():
    bank, _ = _features()
    shard = ShardedBank(TOTAL, TOTAL)
    shard.add(bank, torch.arange(TOTAL))
    assert shard.features.nbytes == bank.nbytes // 2
    assert shard.features.dtype == torch.float16


def test_features_that_are_no_numbers_are_the_farthest():
    bank, queries = _features()
    bank[3] = torch.nan
    found = nearest(bank, queries, TOTAL, torch.arange(TOTAL))
    assert (found.row[:, -1] == 3).all()
    found = Neighbours(torch.tensor([[0.5, -torch.inf]]), torch.tensor([[7, 0]]))
    assert found.best(1).row.tolist() == [[7]]


def test_an_empty_bank():
    with pytest.raises(UserError, match="at least one training feature"):
        ShardedBank(0, 0)
