import pytest
import torch
from mmselfsup.models.necks import NonLinearNeck

from mmtaskssl.models.elastic import NormView
from mmtaskssl.models.necks import ElasticNonLinearNeck, PerWidthNeck
from mmtaskssl.utils.errors import UserError

SMALL = NormView(tracked=False, switch=1, subnet="small")


def make(**options) -> ElasticNonLinearNeck:
    torch.manual_seed(0)
    return ElasticNonLinearNeck(16, 24, 8, **options)


def maps(channels: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, channels, 3, 3, generator=generator)


@pytest.mark.parametrize("last", [False, True])
def test_at_full_width_it_is_the_hosts_neck(last):
    neck = make(num_layers=3, with_last_bn=last, with_last_bn_affine=False)
    host = NonLinearNeck(
        16,
        24,
        8,
        num_layers=3,
        with_last_bn=last,
        with_last_bn_affine=False,
        with_last_bias=not last,
    )
    linears = [m for m in host.modules() if isinstance(m, torch.nn.Linear)]
    for mine, theirs in zip(neck.layers, linears, strict=True):
        theirs.weight.data.copy_(mine.weight)
        if theirs.bias is not None:
            theirs.bias.data.copy_(0 if mine.bias is None else mine.bias)
    expected = host((torch.nn.functional.adaptive_avg_pool2d(maps(), 1),))[0]
    torch.testing.assert_close(neck((maps(),))[0], expected)


def test_a_narrow_net_uses_the_first_columns_and_leaves_the_rest():
    neck = make()
    neck(maps(8), SMALL)[0].square().sum().backward()
    gradient = neck.layers[0].weight.grad
    assert gradient[:, :8].abs().sum() > 0
    assert (gradient[:, 8:] == 0).all()


def test_shared_statistics_are_those_of_the_largest():
    neck = make()
    before = neck.norms[0][0].running_mean.clone()
    neck(maps(8), SMALL)
    assert torch.equal(neck.norms[0][0].running_mean, before)
    neck(maps())
    assert not torch.equal(neck.norms[0][0].running_mean, before)


def test_evaluating_a_narrow_net_needs_statistics():
    neck = make().eval()
    neck(maps())
    with pytest.raises(UserError, match="sub-net small has no batch-norm statistics"):
        neck(maps(8), SMALL)


def test_switchable_norms_are_apart():
    neck = make(norm="SwitchableBN", num_switches=2)
    first, second = neck.norms[0]
    neck(maps(8), SMALL)
    assert torch.equal(first.running_mean, torch.zeros(24))
    assert not torch.equal(second.running_mean, torch.zeros(24))


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN", None])
def test_the_extracted_neck_is_plain_and_equal(norm):
    neck = make(norm=norm, num_switches=2)
    for _ in range(3):
        neck(maps(8), NormView(switch=1))
    neck.eval()
    plain = neck.extract(8, switch=1)
    assert plain[2].weight.shape == (24, 8)
    expected = neck(maps(8), NormView(switch=1))[0]
    torch.testing.assert_close(plain(maps(8)), expected)
    plain[2].weight.data.zero_()
    assert neck.layers[0].weight.abs().sum() > 0


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN", None])
def test_a_sliced_head_is_a_plain_one_of_fewer_hidden_features(norm):
    torch.manual_seed(0)
    neck = ElasticNonLinearNeck((16, 8), 24, 8, 3, norm=norm, slice_hidden=True)
    x = maps(8)
    plain = neck.extract(8, switch=1)
    shapes = [m.weight.shape for m in plain if isinstance(m, torch.nn.Linear)]
    assert shapes == [(12, 8), (12, 12), (8, 12)]
    torch.testing.assert_close(neck(x, SMALL)[0], plain(x))
    neck(x, SMALL)[0].square().sum().backward()
    hidden = neck.layers[1].weight.grad
    assert hidden[:12, :12].abs().sum() > 0
    assert not hidden[12:].any() and not hidden[:, 12:].any()


def test_heads_of_each_width_share_nothing():
    torch.manual_seed(0)
    neck = PerWidthNeck((16, 8), 24, 8)
    assert neck.num_switches == 2
    neck(maps(8), SMALL)[0].square().sum().backward()
    assert all(p.grad is None for p in neck.necks[0].parameters())
    neck.eval()
    expected = neck(maps(8), SMALL)[0]
    torch.testing.assert_close(neck.extract(8, switch=1)(maps(8)), expected)


def test_bad_options():
    with pytest.raises(UserError, match="a neck's norm is BN"):
        make(norm="LN")
    with pytest.raises(UserError, match="at least one layer"):
        make(num_layers=0)
    with pytest.raises(UserError, match="start with the most"):
        ElasticNonLinearNeck((8, 16), 24, 8)
    with pytest.raises(UserError, match="list the sub-nets' in_channels"):
        make(norm="SwitchableBN", num_switches=2, slice_hidden=True)
