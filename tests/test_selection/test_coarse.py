import itertools

import pytest
import torch

from mmtaskssl.selection import coarse
from mmtaskssl.selection.coarse import CoarseScorer


def unit_float16(generator, rows, dim, spread):
    x = 1 + spread * torch.randn(rows, dim, generator=generator)
    return torch.nn.functional.normalize(x, dim=1).half().float()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("spread", [3.0, 0.1, 0.001, 0.0])
@pytest.mark.parametrize("dim", [3, 64, 2048])
def test_coarse_scores_stay_within_their_margin(dtype, spread, dim):
    generator = torch.Generator().manual_seed(0)
    queries = unit_float16(generator, 9, dim, spread)
    rows = unit_float16(generator, 500, dim, spread)
    scorer = CoarseScorer(queries, dtype, centre=rows[:100].mean(0))
    scorer.load(rows)
    scores, margin = scorer.scores(slice(9)), scorer.margin
    exact = queries.double() @ rows.double().T
    rounding = scores.double().abs() * (0 if dtype == torch.float32 else 2.0**-8)
    error = (scores.double() + scorer.offset[:, None] - exact).abs()
    assert (error <= margin[:, None] + rounding).all()
    kth = scores.topk(5, dim=1).values[:, -1]
    assert (
        exact.topk(5, dim=1).values[:, -1] >= scorer.lower_bound(kth, slice(9))
    ).all()
    # A margin that rules out nothing would be as useless as a wrong one.
    assert margin.max() < (1e-3 if dtype == torch.float32 else 1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cutoff_keeps_every_pair_that_reaches_the_threshold(dtype):
    generator = torch.Generator().manual_seed(1)
    queries = unit_float16(generator, 50, 32, 0.05)
    rows = unit_float16(generator, 400, 32, 0.05)
    scorer = CoarseScorer(queries, dtype, centre=rows.mean(0))
    scorer.load(rows)
    scores = scorer.scores(slice(50))
    exact = queries.double() @ rows.double().T
    for kth in (1, 20, 400):
        threshold = exact.topk(kth, dim=1).values[:, -1]
        kept = scorer.candidates(scores, threshold, slice(50)).clone()
        assert torch.equal(scorer.marked(threshold, slice(50)), kept)
        scores = scorer.scores(slice(50))
        assert kept[exact >= threshold[:, None]].all()
        if kth == 1:
            assert kept.float().mean() < 0.2
    nothing = torch.full((50,), -torch.inf).double()
    assert scorer.candidates(scores, nothing, slice(50)).all()


def test_rounding_of_the_sum_loses_no_pair():
    # Both factors are exact in bfloat16, their sum 1 + 2**-8 becomes 1.
    scorer = CoarseScorer(torch.tensor([[1.0, 1.0]]), torch.bfloat16)
    scorer.load(torch.tensor([[1.0, 2.0**-8]]))
    scores = scorer.scores(slice(1))
    exact = torch.tensor([1 + 2.0**-8]).double()
    assert scores.item() == 1
    assert scorer.margin.item() < 2.0**-9
    assert scorer.candidates(scores, exact, slice(1)).item()
    assert not scorer.candidates(scores, exact + 2.0**-6, slice(1)).item()


@pytest.mark.parametrize("threshold", [0.5, 1e-3, 0.0, -0.3])
def test_integer_comparison_equals_comparison(threshold):
    generator = torch.Generator().manual_seed(2)
    queries = torch.randn(7, 16, generator=generator)
    queries = torch.nn.functional.normalize(queries, dim=1).half().float()
    scorer = CoarseScorer(queries, torch.bfloat16)
    scorer.load(queries[:5])
    scores = scorer.scores(slice(7))
    wanted = torch.full((7,), threshold).double()
    found = scorer.candidates(scores, wanted, slice(7))
    cut = (wanted - scorer.margin)[:, None]
    assert found[scores.double() >= cut].all()
    assert not found[scores.double() < cut - cut.abs() * 2.0**-7].any()


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_tried_where_it_is_native(monkeypatch, native):
    tried, clock = [], itertools.count()
    inner = torch.ones
    monkeypatch.setattr(coarse, "has_native_bfloat16", lambda _: native)
    monkeypatch.setattr(
        torch,
        "ones",
        lambda *size, dtype, **kw: (
            tried.append(dtype) or inner(*size, dtype=dtype, **kw)
        ),
    )
    # Every product seems to take one second, so no time decides.
    monkeypatch.setattr(coarse.time, "perf_counter", lambda: float(next(clock)))
    dtype, speed = coarse.measure.__wrapped__(64, 32, torch.device("cpu"))
    assert set(tried) == {torch.float32, *([torch.bfloat16] if native else [])}
    assert dtype == torch.float32  # bfloat16 has to win clearly
    assert speed == 64 * 1024


@pytest.mark.parametrize("faster", ["_torch_product", "_numpy_product"])
def test_the_faster_float32_product_is_taken(monkeypatch, faster):
    taken, clock = [], [0.0]
    for name in ("_torch_product", "_numpy_product"):
        product = getattr(coarse, name)

        def counted(*args, name=name, product=product):
            taken.append(name)
            clock[0] += 1.0 if name == faster else 2.0
            return product(*args)

        monkeypatch.setattr(coarse, name, counted)
    monkeypatch.setattr(coarse.time, "process_time", lambda: clock[0])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    probe = coarse._fastest_product.__wrapped__
    assert probe(9, 4, 1) is getattr(coarse, faster)
    # Of other threads than numpy's, torch's own is taken untried.
    taken.clear()
    assert probe(9, 4, 3) is coarse._torch_product
    assert not taken


@pytest.mark.parametrize("name", ["_torch_product", "_numpy_product"])
def test_each_product_scores_the_same_pairs(name):
    generator = torch.Generator().manual_seed(3)
    queries = unit_float16(generator, 5, 40, 1.0)
    rows = unit_float16(generator, 70, 40, 1.0)
    out = getattr(coarse, name)(queries, rows, torch.empty(5, 70))
    torch.testing.assert_close(out, queries @ rows.T)
