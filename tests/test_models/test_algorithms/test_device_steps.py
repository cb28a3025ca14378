"""No step of any algorithm waits for the device, or breaks NCCL's rules."""

import pytest
import torch
from mmselfsup.engine.optimizers import LARS
from mmselfsup.models.heads import ContrastiveHead
from torch import nn

from mmtaskssl.engine.optimizers import SafeLARS, SafeSGD
from mmtaskssl.models.algorithms import MoCo
from mmtaskssl.models.elastic.sync_norm import without_waiting
from tests import _cuda

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
