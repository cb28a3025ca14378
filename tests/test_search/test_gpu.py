"""A search on a CUDA device finds what one on the CPU finds."""

from dataclasses import replace

import pytest
import torch

from mmtaskssl.search import score_subnets

from .test_search import MIDDLE, OPTIONS

pytestmark = pytest.mark.gpu


def test_scores_are_those_of_the_cpu(files, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    names = [MIDDLE, "HAND", "MAX", "MIN"]
    found = {}
    for device in ("cpu", "cuda"):
        options = replace(OPTIONS, device=device)
        rows = score_subnets(*files, names, tmp_path / device, options)
        found[device] = torch.tensor([row["similarity"] for row in rows])
    torch.testing.assert_close(found["cuda"], found["cpu"], rtol=1e-3, atol=1e-3)
