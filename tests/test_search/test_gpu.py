"""A search on a CUDA device finds what one on the CPU finds."""

import pytest
import torch

from mmtaskssl.apis import search

from .test_search import BOTH, MIDDLE

pytestmark = pytest.mark.gpu


def test_scores_are_those_of_the_cpu(files, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    names = [MIDDLE, "HAND", "MAX", "MIN"]
    found = {}
    for device in ("cpu", "cuda"):
        result = search(*(files[:2], files[2]), subnets=names, device=device, **BOTH)
        rows = {(r["subnet"], r["metric"]): r["similarity"] for r in result.rows}
        found[device] = torch.tensor([rows[key] for key in sorted(rows)])
    torch.testing.assert_close(found["cuda"], found["cpu"], rtol=1e-3, atol=1e-3)
