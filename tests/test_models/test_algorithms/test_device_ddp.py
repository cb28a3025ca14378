"""Every algorithm in two gloo processes that hold to NCCL's rules."""

import pytest
import torch
import torch.distributed as dist
from torch.nn.functional import interpolate

from harness.collectives import strict_collectives
from mmtaskssl.models.algorithms.shuffle import BatchShuffle
from tests import _cuda
from tests._gloo import in_two_processes
from tests.test_models.test_algorithms._elastic import fresh_hub

_NAMES = list(_cuda.algorithms())


def _work(rank, folder):
    dist.init_process_group("gloo")
    device = torch.device("cpu")
    x = torch.arange(6.0).view(3, 2) + 100 * rank
    shuffle = BatchShuffle(3, 7, device)
    maps = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(rank))
    maps = maps.transpose(1, 2)  # as DenseCL's
    with strict_collectives("cpu"):
        results = {
            "forth": shuffle.forth(x),
            "back": shuffle.back(shuffle.forth(x)),
            "maps": torch.equal(shuffle.back(shuffle.forth(maps)), maps),
            "losses": {},
        }
    for name in _NAMES:
        for amp in (False, True):
            results["losses"][name, amp] = _train(name, amp, rank)
    return results


def _train(name, amp, rank):
    """An optimizer step of two iterations, under NCCL's rules."""
    fresh_hub().update_info("iter", 5)
    model = _cuda.algorithms()[name]()
    model.data_preprocessor = _cuda.BaseDataPreprocessor()
    wrapped = _cuda.wrap(name, model)
    optimizer = _cuda.optimizer_of(model, amp, accumulate=2)
    data = _cuda.batch_of(name, model)
    # Of larger images: oneDNN (3.12) makes the weights' gradient of a strided bfloat16
    # convolution of one pixel from memory that it never wrote, where a CPU has AVX512.
    views = [interpolate(view, scale_factor=2.0) for view in data["inputs"]]
    data["inputs"] = [view + 0.01 * rank for view in views]
    with strict_collectives("cpu"):
        for _ in range(2):
            loss = wrapped.train_step(data, optimizer)["loss"]
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return {"loss": float(loss), "weights": weights}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return in_two_processes(_work, tmp_path_factory.mktemp("steps"))


def test_shuffled_rows_are_those_of_the_order_and_come_back(ranks):
    everyone = torch.cat([torch.arange(6.0).view(3, 2) + 100 * r for r in range(2)])
    order = torch.randperm(6, generator=torch.Generator().manual_seed(7))
    for rank, found in enumerate(ranks):
        assert torch.equal(found["forth"], everyone[order.view(2, 3)[rank]])
        assert torch.equal(found["back"], everyone[3 * rank : 3 * rank + 3])
        assert found["maps"]


@pytest.mark.parametrize("amp", [False, True])
@pytest.mark.parametrize("name", _NAMES)
def test_two_processes_train_under_nccls_rules(ranks, name, amp):
    first, second = (rank["losses"][name, amp] for rank in ranks)
    assert torch.tensor(first["loss"]).isfinite()
    assert first["weights"].isfinite().all()
    assert torch.equal(first["weights"], second["weights"])
