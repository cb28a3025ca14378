import pytest
import torch
from torch import nn

from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableMobileNetV3,
    SlimmableResNet,
)
from mmtaskssl.search.prefixes import (
    PopulationNorm,
    PrefixRunner,
    make_steps,
    measure_norms,
    prefix_order,
    step_keys,
)

from ..test_models.test_backbones._nets import randomize

BOTTLENECK = {
    "kind": "grid",
    "arch": {"kind": "resnet", "block": "bottleneck"},
    "stem": (4, 8),
    "widths": ((4, 8), (8,), (8,), (8, 12)),
    "depths": ((1, 2), (1,), (1, 2), (1,)),
}


@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (6, 5)])
def test_norm_takes_the_first_batch_as_the_population(shape):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(5) if len(shape) == 4 else nn.BatchNorm1d(5)
    randomize(norm)
    x, later = torch.randn(shape) * 3 + 1, torch.randn(shape)
    dims = [d for d in range(len(shape)) if d != 1]
    ours = PopulationNorm(norm)
    with torch.no_grad():
        first, second = ours(x), ours(later)
        mean, var = x.mean(dims), x.var(dims, correction=0)
        norm.running_mean, norm.running_var = mean, var
        norm.eval()
        torch.testing.assert_close(ours.mean, mean)
        torch.testing.assert_close(ours.var, var)
        torch.testing.assert_close(first, norm(x))
        torch.testing.assert_close(second, norm(later))


def test_norm_of_a_dead_channel():
    norm = PopulationNorm(nn.BatchNorm2d(2))
    assert torch.equal(norm(torch.zeros(4, 2, 3, 3)), torch.zeros(4, 2, 3, 3))
    assert norm.var.max() < 1e-11
    assert norm(torch.ones(4, 2, 3, 3)).isfinite().all()


def test_stored_statistics_are_those_of_the_norm():
    norm = randomize(nn.BatchNorm2d(3)).eval()
    x = torch.randn(4, 3, 5, 5)
    torch.testing.assert_close(measure_norms(norm, stored=True)(x), norm(x))


@pytest.mark.parametrize(
    "make",
    [
        lambda: DynamicResNet(BOTTLENECK),
        lambda: DynamicResNet(BOTTLENECK, norm_cfg={"type": "GN", "group_size": 4}),
        lambda: SlimmableResNet(18, widths=(1, 0.25)),
        lambda: RoutedResNet(18, groups=2, base_width=8),
        lambda: SlimmableMobileNetV3((1, 0.35)),
    ],
    ids=["bottleneck", "group norm", "slimmable", "routed", "mobilenet"],
)
def test_steps_are_the_network(make):
    net = randomize(make()).eval()
    x = torch.randn(2, 3, 32, 32)
    stored = net.norm_cfg["type"] != "BN"
    subnets = [net.space.max, net.space.min if stored else net.space.max]
    for subnet in subnets:
        steps = make_steps(net, subnet, stored=True)
        assert [step.key for step in steps] == step_keys(net, subnet)
        with torch.no_grad():
            out = x
            for step in steps:
                out = step.module(out)
            torch.testing.assert_close(out, net(x, subnet)[-1])


def test_runner_gives_the_bits_of_each_sub_net_alone(encoders, images):
    net = encoders.student.backbone
    subnets = prefix_order(net, net.space.sample_distinct(14, seed=0))
    chunks = [images[:16], images[16:21], images[21:]]
    alone = {}
    for subnet in subnets:
        maps = chunks
        with torch.inference_mode():
            for step in make_steps(net, subnet):
                maps = [step.module(x) for x in maps]
        alone[subnet] = maps
    # Nothing kept, too little room for the early maps, everything kept.
    work = []
    for room in (0, 50_000, 1e9):
        runner = PrefixRunner(net, chunks, room)
        found = dict(runner.run(subnets))
        assert list(found) == subnets
        for subnet, maps in found.items():
            assert all(torch.equal(*p) for p in zip(maps, alone[subnet], strict=True))
        assert runner.steps_run + runner.steps_shared == sum(
            len(step_keys(net, s)) for s in subnets
        )
        work.append(runner.steps_run)
    assert work[0] > work[1] > work[2]
    # Each part of the tree of beginnings has been run just once.
    parts = {tuple(step_keys(net, s)[:n]) for s in subnets for n in range(1, 9)}
    assert work[2] == len(parts) and runner.steps_shared > 0


def test_order_brings_common_beginnings_together(encoders):
    net = encoders.student.backbone
    subnets = list(net.space)
    order = prefix_order(net, [*subnets, subnets[0]])
    assert sorted(order, key=str) == sorted(subnets, key=str)
    assert order == prefix_order(net, subnets[::-1])
    seen, last = set(), None
    for subnet in order:
        start = (subnet.stem, subnet.widths[0], subnet.depths[0])
        assert start == last or start not in seen
        seen.add(start)
        last = start
