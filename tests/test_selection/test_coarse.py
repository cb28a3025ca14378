import pytest
import torch

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
    scores, margin = scorer(rows)
    exact = queries.double() @ rows.double().T
    error = (scores.double() + scorer.offset[:, None] - exact).abs()
    assert (error <= margin[:, None]).all()
    # A margin that rules out nothing would be as useless as a wrong one.
    assert margin.max() < (1e-3 if dtype == torch.float32 else 2e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cutoff_keeps_every_pair_that_reaches_the_threshold(dtype):
    generator = torch.Generator().manual_seed(1)
    queries = unit_float16(generator, 50, 32, 0.05)
    rows = unit_float16(generator, 400, 32, 0.05)
    scorer = CoarseScorer(queries, dtype, centre=rows.mean(0))
    scores, margin = scorer(rows)
    exact = queries.double() @ rows.double().T
    for kth in (1, 20, 400):
        threshold = exact.topk(kth, dim=1).values[:, -1]
        kept = scores >= scorer.cutoff(threshold, margin)[:, None]
        assert kept[exact >= threshold[:, None]].all()
    everything = scorer.cutoff(torch.full((50,), -torch.inf).double(), margin)
    assert (scores >= everything[:, None]).all()
