"""A stock ResNet is a sub-net of the right elastic network, bit for bit."""

import re

import pytest
import torch
from torchvision import models

from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableResNet,
    SubnetResNet,
)
from mmtaskssl.networks.embed import embed
from mmtaskssl.networks.importance import by_importance
from mmtaskssl.networks.start import start_from
from mmtaskssl.utils.errors import UserError

STOCK = "s8-w8.16.24.32-d2.1.1.1"
ARCH = {"kind": "resnet", "block": "bottleneck", "stem_kernel": 7}


def plain(name=STOCK, block="bottleneck", **options):
    """A network whose every value is drawn, in evaluation mode."""
    torch.manual_seed(0)
    net = SubnetResNet(name, arch={**ARCH, "block": block}, **options).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for value in (module.weight.data, module.bias.data, module.running_mean):
                value.normal_(std=0.5)
            module.weight.data.abs_()
            module.running_var.uniform_(0.5, 1.5)
    return net


def listed(*names, **options):
    torch.manual_seed(1)
    space = {"kind": "list", "arch": ARCH, "subnets": list(names)}
    net = DynamicResNet(space, **options)
    net.init_weights()
    return net.eval()


IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def same(elastic, net, subnet):
    with torch.no_grad():
        pairs = zip(elastic(IMAGES, subnet), net(IMAGES), strict=True)
        return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN"])
def test_it_is_the_largest_sub_net(norm):
    net = plain()
    elastic = listed(STOCK, "s8-w4.8.8.8-d2.1.1.1", norm_cfg={"type": norm})
    done = embed(elastic, net.state_dict())
    assert done.subnet == STOCK and not done.drawn
    assert same(elastic, net, "MAX")
    assert "layer1.0.conv1.weight" in done.whole
    plain_again = elastic.extract(STOCK).eval()
    with torch.no_grad():
        assert torch.equal(plain_again(IMAGES)[-1], net(IMAGES)[-1])


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN"])
def test_it_is_a_smaller_sub_net(norm):
    """Wider and, of shared norms, also deeper networks hold it; the rest is drawn."""
    net = plain()
    larger = (
        "s12-w16.16.32.48-d2.1.1.1"
        if norm == "SwitchableBN"
        else ("s12-w16.16.32.48-d3.2.1.2")
    )
    elastic = listed(larger, STOCK, norm_cfg={"type": norm})
    before = elastic.conv1.weight.detach().clone()
    done = embed(elastic, net.state_dict())
    assert done.subnet == STOCK
    assert same(elastic, net, STOCK)
    assert torch.equal(elastic.conv1.weight[8:], before[8:])
    assert "conv1.weight" not in done.whole
    with torch.no_grad():
        assert not torch.equal(elastic(IMAGES)[-1][:, :128], net(IMAGES)[-1])


def torchvisions(depth):
    """torchvision's network without its classifier, each norm with a past."""
    torch.manual_seed(0)
    net = getattr(models, f"resnet{depth}")().eval()
    net.fc = torch.nn.Identity()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_torchvisions_is_a_slimmable_ones_full_width(depth):
    net = torchvisions(depth)
    elastic = SlimmableResNet(depth, out_indices=(3,)).eval()
    assert embed(elastic, net.state_dict()).subnet == elastic.space.max.name
    with torch.no_grad():
        assert torch.equal(elastic(IMAGES)[0].mean((2, 3)), net(IMAGES))
        thin = elastic(IMAGES, "MIN")[0]
    assert torch.isfinite(thin).all()


@pytest.mark.parametrize(
    "depth, block, name, larger",
    [
        (18, "basic", "s64-w64.128.256.512-d2.2.2.2", "s80-w80.128.320.640-d2.3.2.4"),
        (34, "basic", "s64-w64.128.256.512-d3.4.6.3", "s64-w64.144.256.528-d3.5.6.3"),
        (
            50,
            "bottleneck",
            "s64-w64.128.256.512-d3.4.6.3",
            "s72-w64.144.256.512-d4.4.7.3",
        ),
    ],
)
def test_torchvisions_is_a_sub_net_of_a_larger_search_space(depth, block, name, larger):
    net = torchvisions(depth)
    torch.manual_seed(1)
    arch = {**ARCH, "block": block}
    space = {"kind": "list", "arch": arch, "subnets": [larger, name]}
    elastic = DynamicResNet(space, out_indices=(3,))
    elastic.init_weights()
    done = embed(elastic.eval(), net.state_dict())
    assert done.subnet == name
    alone = elastic.extract(name).eval()
    with torch.no_grad():
        expected = net(IMAGES)
        assert torch.equal(elastic(IMAGES, name)[0].mean((2, 3)), expected)
        assert torch.equal(alone(IMAGES)[0].mean((2, 3)), expected)


@pytest.mark.parametrize("norm", ["BN", "SwitchableBN"])
@pytest.mark.parametrize("style", ["compact", "export"])
def test_it_is_the_whole_or_every_path_of_a_routed_network(style, norm):
    options = {"depth": 10, "base_width": 16, "groups": (1, 1, 2, 2)}
    elastic = RoutedResNet(style=style, norm_cfg={"type": norm}, **options).eval()
    arch, full = elastic.arch, elastic.space.max
    paths = list(elastic.space)
    inner = arch.inner_widths(full if style == "compact" else paths[0])
    name = f"s{full.stem}-w{'.'.join(map(str, inner))}-d1.1.1.1"
    net = plain(name, arch.block, out_indices=elastic.out_indices)
    done = embed(elastic, net.state_dict())
    assert not done.drawn and done.subnet is not None
    subnets = [full] if style == "compact" else paths
    assert all(same(elastic, net, subnet) for subnet in subnets)


def test_of_a_larger_one_leading_or_important_channels_are_taken():
    net = plain()
    small = "s4-w8.8.8.8-d1.1.1.1"
    elastic = listed(small)
    done = embed(elastic, net.state_dict())
    assert done.subnet is None
    assert torch.equal(elastic.conv1.weight, net.conv1.weight[:4])
    inner = net.layer2[0].conv1.weight
    assert torch.equal(elastic.layer2[0].conv1.weight, inner[:8, :32])
    embed(elastic, net.state_dict(), "importance")
    best = net.bn1.weight.abs().argsort(descending=True)[:4]
    assert torch.equal(elastic.conv1.weight, net.conv1.weight[best])


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@torch.no_grad()
def test_sorted_channels_compute_the_same(block):
    net = plain("s8-w8.16.24.32-d2.1.2.1", block)
    state = by_importance(net.state_dict())
    assert not torch.equal(state["conv1.weight"], net.conv1.weight)
    turned = SubnetResNet(net.subnet, arch={**ARCH, "block": block}).eval()
    turned.load_state_dict(state)
    mine, theirs = turned(IMAGES)[-1], net(IMAGES)[-1]
    scale = float(theirs.abs().max())
    torch.testing.assert_close(mine.sum(1), theirs.sum(1), rtol=1e-4, atol=1e-4 * scale)
    torch.testing.assert_close(
        mine.sort(1).values, theirs.sort(1).values, rtol=1e-4, atol=1e-4 * scale
    )
    inner = state["layer2.0.bn1.weight"].abs()
    assert (inner.diff() <= 0).all()


def test_what_cannot_be():
    net = plain(block="basic")
    with pytest.raises(UserError, match=r"of basic blocks .* of bottleneck blocks"):
        embed(listed(STOCK), net.state_dict())
    with pytest.raises(UserError, match="only a plain ResNet goes into"):
        embed(listed(STOCK), {"stem.weight": torch.ones(1)})
    with pytest.raises(UserError, match="order must be"):
        embed(listed(STOCK), net.state_dict(), "any")
    grouped = {"type": "GN", "group_size": 4}
    with pytest.raises(UserError, match="group norms"):
        embed(listed(STOCK, norm_cfg=grouped), plain().state_dict())


GREY = {"conv1.weight": lambda x: x[:, :1]}
GROUPED = {"layer1.0.conv2.weight": lambda x: x[:, :2]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (GREY, r"conv1\.weight with \(8, 1, 7, 7\) instead of \(8, 3, 7, 7\)"),
        (GROUPED, r"layer1\.0\.conv2\.weight with \(8, 2, 3, 3\)"),
        ({"layer1.0.conv3.weight": lambda x: x[:16]}, r"conv3\.weight with \(16, 8"),
        ({"bn1.running_var": None}, r"it lacks 1, such as bn1\.running_var"),
        ({"layer1.0.se.fc1.weight": torch.ones(1)}, r"has 1 .* layer1\.0\.se\.fc1"),
    ],
)
def test_only_a_plain_resnet_goes_in(changed, said):
    """Grey images, groups, width, lacking statistics and gates show in no shape."""
    state = plain().state_dict()
    for key, change in changed.items():
        value = change(state[key]) if callable(change) else change
        state = {**state, key: value} if value is not None else state
        if value is None:
            del state[key]
    elastic = listed(STOCK)
    before = {k: v.clone() for k, v in elastic.state_dict().items()}
    with pytest.raises(UserError, match=said):
        embed(elastic, state)
    assert all(torch.equal(v, before[k]) for k, v in elastic.state_dict().items())
    done = embed(elastic, state, allow=[re.escape(key) for key in changed])
    assert done.subnet is None  # it computes something else
    with pytest.raises(UserError, match="by importance where no weights differ"):
        embed(elastic, state, "importance", [re.escape(key) for key in changed])


class _Model(torch.nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


def test_a_larger_one_has_the_names_of_a_smaller_with_shared_norms(tmp_path):
    """Deeper or with a classifier, it is no checkpoint of the elastic network."""
    deeper = plain("s8-w8.16.24.32-d2.2.1.1")
    torch.save({**deeper.state_dict(), "fc.bias": torch.ones(2)}, tmp_path / "a.pth")
    model = _Model(listed(STOCK))
    started = start_from(model, tmp_path / "a.pth")
    assert started.subnet is None
    weights = model.backbone.layer2[0].conv1.weight
    assert torch.equal(weights, deeper.layer2[0].conv1.weight)
    with pytest.raises(UserError, match="order must be"):
        start_from(model, tmp_path / "a.pth", order="any")
    torch.save(model.backbone.state_dict(), tmp_path / "own.pth")
    assert start_from(model, tmp_path / "own.pth", allow=["x"]).subnet is None
