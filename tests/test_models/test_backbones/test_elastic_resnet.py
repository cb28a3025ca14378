import copy
import pickle

import pytest
import torch
from mmengine.model.utils import convert_sync_batchnorm, revert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.export.hosts import host_config
from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableResNet,
    SubnetResNet,
)
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._compare import buffers, equal, same, tiny
from ._nets import NETS, TINY_BOTTLENECK, batches, randomize


def test_full_width_is_torchvisions_bit_for_bit():
    models = pytest.importorskip("torchvision.models")
    static = randomize(models.resnet18())
    static.fc = nn.Identity()
    elastic = SlimmableResNet(18, divisor=8)
    elastic.load_state_dict(static.state_dict(), strict=True)
    x = torch.randn(3, 3, 64, 64)
    for _ in range(2):
        out = elastic(x)[-1].mean((2, 3))
        expected = static(x)
        assert torch.equal(out, expected)
        out.square().sum().backward()
        expected.square().sum().backward()
    assert equal(buffers(elastic), buffers(static))
    theirs = dict(static.named_parameters())
    for name, parameter in elastic.named_parameters():
        assert torch.equal(parameter.grad, theirs[name].grad), name
    assert torch.equal(elastic.eval()(x)[-1].mean((2, 3)), static.eval()(x))


@pytest.mark.parametrize("kind", ["dynamic-basic", "routed-compact", "slimmable-18"])
def test_activation_checkpointing_changes_nothing(kind):
    plain, saving = randomize(NETS[kind]()), randomize(NETS[kind](with_cp=True))
    x = batches()[0]
    for subnet in (plain.space.max, plain.space.sample(1)):
        for net in (plain, saving):
            net.zero_grad()
            sum(o.square().mean() for o in net(x, subnet)).backward()
        assert equal(buffers(plain), buffers(saving))
        theirs = dict(saving.named_parameters())
        for name, parameter in plain.named_parameters():
            grad = theirs[name].grad
            assert (grad is None) == (parameter.grad is None)
            assert grad is None or torch.equal(grad, parameter.grad)


def test_copies_and_pickles_run_alone():
    net = tiny().eval()
    small, x = net.space.min, batches()[0]
    calibrate(net, small, batches())
    expected = net(x, small)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert same(twin(x, small), expected)
        with torch.no_grad():
            twin.conv1.weight.zero_()
        assert not torch.equal(twin(x, small)[-1], expected[-1])
    assert same(net(x, small), expected)


@pytest.mark.parametrize("kind", ["dynamic-basic", "routed-compact"])
def test_channels_last_autocast_and_double(kind):
    net = randomize(NETS[kind]())
    subnet, x = net.space.sample(0), batches()[0]
    expected = net(x, subnet)[-1]
    last = copy.deepcopy(net).to(memory_format=torch.channels_last)
    out = last(x.contiguous(memory_format=torch.channels_last), subnet)[-1]
    # Batch statistics of few pixels amplify rounding: compare the whole.
    assert (out - expected).norm() < 1e-3 * expected.norm()
    plain = net.extract(subnet, uncalibrated_ok=True)
    with torch.autocast("cpu", torch.bfloat16):
        out, expected = net(x, subnet)[-1], plain(x)[-1]
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, expected)
    out.float().sum().backward()
    assert torch.isfinite(net.conv1.weight.grad).all()
    calibrate(net, subnet, batches())
    wide = copy.deepcopy(net).double().eval()
    assert wide(x.double(), subnet)[-1].dtype == torch.float64


@pytest.mark.parametrize("kind", ["dynamic-basic", "slimmable-18"])
@pytest.mark.parametrize(
    "convert", [nn.SyncBatchNorm.convert_sync_batchnorm, convert_sync_batchnorm]
)
def test_conversion_to_synchronised_norms(kind, convert):
    net = randomize(NETS[kind]())
    synced = convert(copy.deepcopy(net))
    assert not any(type(m) is nn.BatchNorm2d for m in synced.modules())
    x = batches()[0]
    for subnet in (net.space.max, net.space.sample(2)):
        for a, b in zip(net(x, subnet), synced(x, subnet), strict=True):
            torch.testing.assert_close(a, b)
    reverted = revert_sync_batchnorm(synced)
    assert same(net(x, subnet), reverted(x, subnet))


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN"])
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiles_whole_for_each_sub_net(norm, backend):
    space = {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic"},
        "subnets": ["s16-w16.16-d1.1", "s8-w8.8-d1.1"],
    }
    net = DynamicResNet(space, norm_cfg={"type": norm}, out_indices=(1,))
    randomize(net)
    compiled = torch.compile(net, backend=backend, fullgraph=True)
    x = batches(size=32)[0]
    for subnet in net.space:
        net.view(subnet)
        results = [_gradients(net, run(x, subnet)) for run in (compiled, net)]
        torch.testing.assert_close(*results)
    torch._dynamo.reset()


def _gradients(net, outs):
    """The outputs, and the gradients of a loss on them."""
    net.zero_grad()
    sum(out.square().mean() for out in outs).backward()
    gradients = {n: p.grad for n, p in net.named_parameters() if p.grad is not None}
    return [out.detach() for out in outs], gradients


def test_default_sub_net_and_names():
    net = tiny(subnet="MIN")
    x = batches()[0]
    assert net.subnet == net.space.min
    assert same(net(x), net(x, net.space.min.name))
    assert same(net(x), net(x, net.space.min.to_dict()))
    assert net.out_channels() == (32, 64, 64, 128)
    with pytest.raises(UserError, match="does not fit"):
        net(x, "s32-w16.24.32.56-d1.1.1.1")
    with pytest.raises(UserError, match="not the name of a sub-net"):
        net(x, "tiny")


def test_a_path_uses_shared_channels_and_its_group():
    net = randomize(RoutedResNet(18, groups=2, base_width=16))
    subnet = Subnet.of("s16-w16.32.64.128-d2.2.2.2-p0.1.x.1")
    units = net.view(subnet).units
    assert units["layer1.0.conv1"].out == 12
    assert units["layer2.0.conv1"].out == ((0, 16), (24, 32))
    assert units["layer3.0.conv1"].out == 64
    assert units["layer2.0.conv2"].in_ == ((0, 16), (24, 32))
    assert units["layer2.0.conv2"].out == 32


def test_projection_follows_the_sub_net():
    net = DynamicResNet("data_basic")
    assert "layer1.0.downsample.0" in net.view("s24-w32.48.96.192-d1.1.1.1").units
    same = net.view("s32-w32.48.96.192-d1.1.1.1").units
    assert "layer1.0.downsample.0" not in same
    assert SlimmableResNet(18).layer1[0].downsample is None
    assert RoutedResNet(18, groups=2, base_width=16).layer1[0].downsample is None
    space = {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic"},
        "subnets": ["s16-w16.16-d1.1", "s8-w16.16-d1.1"],
    }
    net = DynamicResNet(space, out_indices=(1,), subnet="MIN")
    assert net.layer1[0].downsample is not None
    assert net(batches()[0])[0].shape == (4, 16, 6, 6)
    slim = SlimmableResNet(18, divisor=8)
    with pytest.raises(UserError, match=r"needs layer1.0.downsample.0"):
        slim(batches()[0], "s32-w64.64.64.64-d1.1.1.1")


def test_defaults_follow_the_number_of_stages():
    space = {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic"},
        "subnets": ["s16-w16.16.24-d1.2.1", "s8-w8.8.8-d1.1.1"],
    }
    net = randomize(DynamicResNet(space)).eval()
    small, x = net.space.min, batches()[0]
    calibrate(net, small, batches())
    plain = net.extract(small)
    with torch.no_grad():
        outs = net(x, small)
        for out, expected in zip(plain(x), outs, strict=True):
            torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    assert [tuple(o.shape[1:]) for o in outs] == [(8, 12, 12), (8, 6, 6), (8, 3, 3)]
    assert "strides" not in net.plain_config(small)
    config = host_config(net, small, "mmseg", None)
    config.pop("type")
    assert config["strides"] == (1, 2, 1) and config["dilations"] == (1, 1, 2)
    # Stage 2 is as wide as stage 1: the projection is there for its stride alone, and
    # stays where a dilation takes its place. Same weights, keys and parameters.
    dense = SubnetResNet(**config)
    dense.load_state_dict(plain.state_dict())
    assert "layer3.0.downsample.0.weight" in dense.state_dict()
    assert dense(x)[-1].shape[2:] == (6, 6)
    own, before = dense.cost(96), plain.cost(96)
    assert own.params == before.params and own.macs > before.macs


def test_outputs_freezing_and_norm_evaluation():
    net = tiny(out_indices=(1, 3), frozen_stages=2, norm_eval=True)
    assert [o.shape[-1] for o in net(batches()[0])] == [6, 2]
    net.train()
    frozen = {n for n, p in net.named_parameters() if not p.requires_grad}
    prefixes = {name.split(".")[0] for name in frozen}
    assert prefixes == {"conv1", "bn1", "layer1", "layer2"}
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm)]
    assert norms and not any(norm.training for norm in norms)
    assert net.layer3.training and not net.layer2.training


def test_initialisation():
    net = DynamicResNet(TINY_BOTTLENECK)
    net.init_weights()
    assert (net.layer1[0].bn3.weight == 0).all() and (net.bn1.weight == 1).all()
    std = net.layer4[0].conv2.weight.std()
    assert abs(std - (2 / (48 * 9)) ** 0.5) < 0.1 * std
    net = DynamicResNet(TINY_BOTTLENECK, zero_init_residual=False)
    net.init_weights()
    assert (net.layer1[0].bn3.weight == 1).all()


def test_an_untrained_sub_net_starts_as_its_network_did():
    alive = DynamicResNet(TINY_BOTTLENECK, zero_init_residual=False)
    plain = MODELS.build(alive.plain_config(alive.space.min))
    plain.init_weights()
    assert all((norm.weight == 1).all() for norm in plain.last_norms())
    assert "zero_init_residual" not in tiny().plain_config(alive.space.min)


def test_pretrained_weights_are_not_zeroed(tmp_path):
    source = tiny()
    torch.save({"state_dict": source.state_dict()}, tmp_path / "net.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "net.pth")}
    net = DynamicResNet(TINY_BOTTLENECK, init_cfg=init_cfg)
    net.init_weights()
    assert equal(source.state_dict(), net.state_dict())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"out_indices": (4,)}, "out_indices"),
        ({"frozen_stages": 5}, "frozen_stages"),
        ({"style": "caffe"}, "style"),
        ({"strides": (1, 2)}, "strides"),
        ({"dilations": (1, 2)}, "dilations"),
        ({"norm_cfg": {"type": "LN"}}, "norm_cfg"),
        ({"norm_cfg": {"type": "SwitchableBN"}}, "listed search space"),
        ({"space": "slimmable_mobilenet_v3"}, "ResNets"),
        ({"subnet": "s1-w1-d1"}, "does not fit"),
    ],
)
def test_bad_options_say_what_is_wrong(options, words):
    with pytest.raises(UserError, match=words):
        DynamicResNet(**{"space": TINY_BOTTLENECK, **options})


def test_registered():
    net = MODELS.build({"type": "mmtaskssl.RoutedResNet", "depth": 18, "groups": 2})
    assert len(net.space) == 16
