"""The harness finds what is planted in a step, and nothing in a clean one."""

import pytest
import torch
from torch import nn

from harness.dispatch import DispatchCounter
from harness.fake_cuda import fake_cuda, fake_like, leaves_of
from mmtaskssl.engine.fake_tensors import to_fake
from tests._cuda import optimizer_of


def _net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3)
    )


def _counted(defect=lambda x: None, device="cuda"):
    """One step of a small network with ``defect(output)`` in it."""
    net = _net()
    with fake_cuda(device):
        to_fake(net, device)
        wrapper = optimizer_of(net)
        with DispatchCounter(device) as mode:
            out = net(fake_like((2, 3, 8, 8), device=device))
            defect(out)
            wrapper.update_params(out.square().mean())
    return mode.counts


def test_a_clean_step_waits_for_nothing():
    counts = _counted()
    assert not counts.waits
    assert counts.launches["convolution"] == 2
    assert counts.launches["cudnn_batch_norm"] == 1
    assert not {"view", "empty", "device", "detach"} & set(counts.launches)


@pytest.mark.parametrize(
    "defect",
    [
        lambda x: float(x.sum()),
        lambda x: x.sum().item(),
        lambda x: bool(x.sum() > 0),
        lambda x: x[0].flatten().tolist(),
        lambda x: x.cpu(),
        lambda x: x.nonzero(),
        lambda x: x[x > 0],
        lambda x: x.sum().to("cpu", non_blocking=True),
        lambda x: torch.zeros(3).to(x.device),
        lambda x: x.copy_(torch.zeros(x.shape)),
        lambda x: torch.as_tensor([1.0, 2.0], device=x.device),
    ],
)
def test_a_planted_wait_is_found_with_its_place(defect):
    counts = _counted(lambda x: defect(x.detach()))
    assert sum(counts.waits.values()) >= 1
    assert all("test_dispatch.py:" in place for place in counts.waits), counts.waits


def test_work_on_the_host_is_no_wait():
    counts = _counted(lambda x: (float(torch.ones(3).sum()), torch.ones(3).nonzero()))
    assert not counts.waits


def test_copies_from_pinned_memory_are_counted_apart():
    def copy(x):
        torch.zeros(5).to(x.device, non_blocking=True)

    counts = _counted(copy)
    assert not counts.waits and counts.to_device_async == 20


def test_a_real_step_on_the_cpu_is_counted_with_its_backward():
    net = _net()
    wrapper = optimizer_of(net)
    images = torch.randn(2, 3, 8, 8)
    with DispatchCounter() as mode:
        out = net(images)
        wrapper.update_params(out.square().mean())
        float(out.sum())
    assert mode.counts.launches["convolution_backward"] == 2
    assert sum(mode.counts.reads.values()) == 1


def test_peak_memory_is_of_what_lives_at_once():
    with fake_cuda(), DispatchCounter("cuda") as mode:
        kept = fake_like((256,))  # 1 KiB
        for _ in range(3):
            fake_like((512,)).add_(kept.sum())  # 2 KiB, freed in each round
    # The sum is rounded up to a block of 512 bytes.
    assert mode.counts.peak == 1024 + 2048 + 512


def test_peak_of_a_step_follows_the_batch():
    def peak(n):
        net = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU())
        with fake_cuda("cpu"), DispatchCounter() as mode:
            to_fake(net, "cpu")
            net(fake_like((n, 3, 64, 64), device="cpu")).sum().backward()
        return mode.counts.peak

    image = 4 * 64 * 64
    # Input, convolution, its ReLU, and the gradient of both.
    assert peak(8) - peak(4) == pytest.approx(4 * image * (3 + 64 * 3), rel=0.35)


def test_a_faked_backward_reaches_what_the_real_one_does():
    net = _net()
    net[3].requires_grad_(False)
    loss = net(torch.randn(2, 3, 8, 8)).sum()
    reached = {id(leaf) for leaf in leaves_of(loss)}
    loss.backward()
    assert reached == {id(p) for p in net.parameters() if p.grad is not None}


def test_shared_weights_stay_shared():
    net = nn.ModuleList([nn.Linear(2, 2)])
    net.append(net[0])
    net[0].register_buffer("steps", torch.tensor(0))
    with fake_cuda():
        to_fake(net)
        assert net[0].weight is net[1].weight
        assert net[0].steps.device.type == "cuda"
        assert isinstance(net[0].weight, nn.Parameter)
