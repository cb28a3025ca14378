"""No step of any algorithm waits for the device, or breaks NCCL's rules."""

import pytest
import torch
import torch.distributed as dist
from mmselfsup.engine.optimizers import LARS
from mmselfsup.models.heads import ContrastiveHead
from torch import nn

from mmtaskssl.benchmarks.collectives import strict_collectives
from mmtaskssl.engine.optimizers import SafeLARS, SafeSGD
from mmtaskssl.models.algorithms import MoCo
from mmtaskssl.models.algorithms.shuffle import BatchShuffle
from mmtaskssl.models.elastic.sync_norm import without_waiting
from tests import _cuda
from tests._gloo import in_two_processes
from tests.test_models.test_algorithms._elastic import fresh_hub

_NAMES = list(_cuda.algorithms())
_SETTINGS = {
    "fp32 of 1": {},
    "amp, accumulated, of 8": {"amp": True, "accumulate": 2, "world_size": 8},
}


@pytest.mark.parametrize("setting", _SETTINGS)
@pytest.mark.parametrize("name", _NAMES)
def test_a_step_waits_for_nothing(name, setting):
    seen = _cuda.fake_steps(name, **_SETTINGS[setting])
    assert not seen.counts.waits, dict(seen.counts.waits)
    assert not seen.traffic.objects
    assert seen.counts.launches["convolution"] > 10


@pytest.mark.parametrize("optimizer", [SafeSGD, SafeLARS])
def test_our_optimizers_wait_for_nothing(optimizer):
    assert not _cuda.fake_steps("BYOL", type=optimizer).counts.waits


def test_the_hosts_lars_waits_twice_a_weight():
    """What `SafeLARS` is for; shows that the test above can fail."""
    counts = _cuda.fake_steps("BYOL", type=LARS).counts
    assert sum(counts.waits.values()) > 100


def test_the_hosts_head_copies_its_labels(monkeypatch):
    """What `MoCo._contrast` is for."""
    monkeypatch.setattr(MoCo, "_contrast", lambda self, p, n: self.head(p, n))
    (place,) = _cuda.fake_steps("SupernetMoCo").counts.waits
    assert place.startswith("mmselfsup/models/heads/contrastive_head.py")


def test_own_contrast_is_the_hosts(monkeypatch):
    model = _cuda.algorithms()["MoCo"]()
    assert type(model.head) is ContrastiveHead
    positive, negative = torch.randn(4, 1), torch.randn(4, 7)
    assert torch.equal(
        model._contrast(positive, negative), model.head(positive, negative)
    )


def test_a_shuffle_brings_a_process_its_own_share_only():
    """By gathering all images it would be eight times as much, and the keys twice."""
    traffic = _cuda.fake_steps("MoCo", world_size=8).traffic
    images, keys = 8 * 3 * 16 * 16 * 4, 8 * 12 * 4
    assert traffic.bytes == {
        "all_to_all_single": images + keys,
        "all_gather": 8 * keys,  # for the queue
    }


def _synchronised(name, **options):
    return _cuda.fake_steps(
        name,
        world_size=8,
        change=lambda model: _convert(model, **options),
    )


def _convert(model, ours):
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if ours:
        assert without_waiting(model) > 20
    return model


@pytest.mark.parametrize("name", ["BYOL", "SupernetBYOL"])
def test_synchronised_norms_wait_for_nothing(name):
    waits = _synchronised(name, ours=False).counts.waits
    assert sum(waits.values()) > 50
    seen = _synchronised(name, ours=True)
    assert not seen.counts.waits, dict(seen.counts.waits)
    assert seen.traffic.calls.total() > 50


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
    hub = fresh_hub()
    model = _cuda.algorithms()[name]()
    model.data_preprocessor = _cuda.BaseDataPreprocessor()
    wrapped = _cuda.wrap(name, model)
    optimizer = _cuda.optimizer_of(model, amp, accumulate=2)
    data = _cuda.batch_of(name, model)
    data["inputs"] = [view + 0.01 * rank for view in data["inputs"]]
    with strict_collectives("cpu"):
        for _ in range(2):
            hub.update_info("iter", 5)
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
    assert torch.equal(first["weights"], second["weights"])
