import pytest
import torch
import torch.nn.functional as F
from mmengine.model.utils import convert_sync_batchnorm, revert_sync_batchnorm
from torch import nn

from mmtaskssl.models.elastic import (
    ElasticBatchNorm2d,
    ElasticGroupNorm,
    NormView,
    SwitchableBatchNorm2d,
    build_elastic_norm,
    elastic_norm,
)
from mmtaskssl.utils.errors import UserError

RANGES = ((0, 2), (4, 6))
PART = NormView(channels=4, tracked=False, subnet="s8-w4-d1")


def _random(norm):
    torch.manual_seed(0)
    for tensor in (norm.weight, norm.bias):
        nn.init.normal_(tensor)
    return norm


def _statistics(norm):
    return norm.running_mean.clone(), norm.running_var.clone(), norm.num_batches_tracked


@pytest.mark.parametrize("training", [True, False])
def test_whole_batch_norm_is_the_static_one_bit_for_bit(training):
    elastic = _random(ElasticBatchNorm2d(8))
    static = nn.BatchNorm2d(8)
    static.load_state_dict(elastic.state_dict())
    elastic.train(training), static.train(training)
    x = torch.randn(4, 8, 3, 3)
    assert torch.equal(elastic(x), static(x))
    for a, b in zip(elastic.buffers(), static.buffers(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("channels", [4, RANGES, None])
def test_a_sub_net_uses_batch_statistics_and_leaves_the_running_ones(channels):
    norm = _random(ElasticBatchNorm2d(6))
    before = [b.clone() for b in norm.buffers()]
    rows = {4: [0, 1, 2, 3], RANGES: [0, 1, 4, 5], None: list(range(6))}[channels]
    x = torch.randn(4, len(rows), 3, 3)
    out = norm(x, NormView(channels, tracked=False))
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    expected = (x - mean[:, None, None]) / (var + 1e-5).sqrt()[:, None, None]
    expected = expected * norm.weight[rows][:, None, None]
    torch.testing.assert_close(out, expected + norm.bias[rows][:, None, None])
    for a, b in zip(norm.buffers(), before, strict=True):
        assert torch.equal(a, b)
    out.square().sum().backward()
    rest = [i for i in range(6) if i not in rows]
    assert (norm.weight.grad[rest] == 0).all() and (norm.weight.grad[rows] != 0).all()


def test_evaluation_needs_calibration():
    norm = ElasticBatchNorm2d(8).eval()
    with pytest.raises(UserError, match=r"calibrate CONFIG CKPT --subnet s8-w4"):
        norm(torch.randn(2, 4, 3, 3), PART)
    mean, var = torch.arange(4.0), torch.arange(1.0, 5.0)
    view = NormView(channels=4, tracked=False, mean=mean, var=var)
    x = torch.randn(2, 4, 3, 3)
    expected = F.batch_norm(x, mean, var, norm.weight[:4], norm.bias[:4])
    assert torch.equal(norm(x, view), expected)


def test_switchable_keeps_the_widths_apart():
    norm = SwitchableBatchNorm2d([8, 4])
    assert sorted(norm.state_dict())[:2] == ["0.bias", "0.num_batches_tracked"]
    x = torch.randn(4, 8, 3, 3)
    before = [b.clone() for b in norm[0].buffers()]
    norm(x[:, :4], NormView(channels=4, switch=1))
    assert all(
        torch.equal(a, b) for a, b in zip(norm[0].buffers(), before, strict=True)
    )
    assert norm[1].num_batches_tracked == 1
    static = nn.BatchNorm2d(4)
    static(x[:, :4])
    assert torch.equal(norm[1].running_var, static.running_var)
    norm.eval(), static.eval()
    out = norm(x[:, :4], NormView(channels=4, switch=1))
    assert torch.equal(out, static(x[:, :4]))


def test_group_norm():
    norm = _random(ElasticGroupNorm(16, group_size=4))
    static = nn.GroupNorm(4, 16)
    static.load_state_dict(norm.state_dict())
    x = torch.randn(2, 16, 3, 3)
    assert torch.equal(norm(x), static(x))
    thin = norm(x[:, :8])
    torch.testing.assert_close(thin, static(x)[:, :8])
    with pytest.raises(ValueError, match="group_size 4"):
        norm(x[:, :6])
    with pytest.raises(ValueError, match="no multiple"):
        ElasticGroupNorm(10, group_size=4)


def test_group_norm_of_ranges():
    norm = _random(ElasticGroupNorm(8, group_size=2))
    x = torch.randn(2, 4, 3, 3)
    rows = [0, 1, 4, 5]
    expected = F.group_norm(x, 2, norm.weight[rows], norm.bias[rows])
    view = NormView(channels=RANGES)
    torch.testing.assert_close(elastic_norm(norm, x, view), expected)


@pytest.mark.parametrize(
    "convert",
    [nn.SyncBatchNorm.convert_sync_batchnorm, convert_sync_batchnorm],
    ids=["torch", "mmengine"],
)
def test_conversion_to_synchronised_batch_norm(convert):
    # Without a process group a synchronised norm falls back to its own batch.
    norm = nn.Sequential(_random(ElasticBatchNorm2d(8)), SwitchableBatchNorm2d([8, 4]))
    synced = convert(norm)
    assert isinstance(synced[0], nn.SyncBatchNorm)
    assert isinstance(synced[1], SwitchableBatchNorm2d)
    assert isinstance(synced[1][1], nn.SyncBatchNorm)
    x = torch.randn(4, 4, 3, 3)
    reference = _random(ElasticBatchNorm2d(8))
    before = [b.clone() for b in synced[0].buffers()]
    assert torch.equal(elastic_norm(synced[0], x, PART), reference(x, PART))
    assert all(
        torch.equal(a, b) for a, b in zip(synced[0].buffers(), before, strict=True)
    )
    synced.eval()
    view = NormView(4, tracked=False, mean=torch.zeros(4), var=torch.ones(4))
    reference.eval()
    assert torch.equal(elastic_norm(synced[0], x, view), reference(x, view))
    reverted = revert_sync_batchnorm(synced)
    assert torch.equal(elastic_norm(reverted[0], x, view), reference(x, view))


def test_build():
    assert isinstance(build_elastic_norm({"type": "SyncBN"}, [8]), nn.SyncBatchNorm)
    norm = build_elastic_norm({"type": "BN", "eps": 0.1, "requires_grad": False}, [8])
    assert norm.eps == 0.1 and not norm.weight.requires_grad
    norm = build_elastic_norm({"type": "SwitchableBN"}, [8, 4])
    assert [n.num_features for n in norm] == [8, 4]
    assert build_elastic_norm({"type": "GN", "group_size": 4}, [8]).num_groups == 2
    with pytest.raises(UserError, match="LN"):
        build_elastic_norm({"type": "LN"}, [8])
