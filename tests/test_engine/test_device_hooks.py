"""The hooks of every run: what they ask of the device, and when."""

import weakref
from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import LoggerHook
from mmengine.hooks import RuntimeInfoHook as StockRuntimeInfoHook
from mmengine.logging import HistoryBuffer
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from torch import nn

from harness.dispatch import DispatchCounter
from harness.fake_cuda import fake_cuda, fake_like
from mmtaskssl.engine.hooks import (
    ChannelsLastHook,
    NonFiniteLossHook,
    RuntimeInfoHook,
    SyncNormHook,
    channels_last,
)
from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.elastic.sync_norm import WaitFreeSyncBatchNorm
from mmtaskssl.utils.errors import UserError
from tests._cuda import fake_group
from tests.test_models.test_algorithms._elastic import fresh_hub

_LOGGED = 10


class _Loader(list):
    """A train_dataloader of 25 batches."""

    def __len__(self):
        return 25


def _runner(**fields):
    hub = fresh_hub()
    return SimpleNamespace(
        iter=0,
        max_iters=25,
        message_hub=hub,
        hooks=[LoggerHook(interval=_LOGGED)],
        train_dataloader=_Loader(),
        work_dir="work",
        logger=SimpleNamespace(info=lambda text: None),
        **fields,
    )


def _reads(hook):
    """Host reads of each of 25 iterations, with three values of the device each."""
    runner, reads = _runner(), []
    with fake_cuda():
        for step in range(25):
            runner.iter = step
            outputs = {name: fake_like(()) for name in ("loss", "max/loss", "std")}
            # Made-up values are no losses: a hook may find them bad.
            with DispatchCounter("cuda") as mode, suppress(UserError):
                hook.after_train_iter(runner, step, None, outputs)
            reads.append(sum(mode.counts.waits.values()))
    return runner, reads


def test_runtime_info_reads_when_the_log_does():
    runner, reads = _reads(RuntimeInfoHook())
    at = [step for step, count in enumerate(reads) if count]
    assert at == [9, 19, 24]  # and the end of the epoch
    assert len(runner.message_hub.get_scalar("train/loss")._log_history) == 25


def test_mmengines_reads_each_value_in_each_iteration():
    """Shows that the test above can fail."""
    assert _reads(StockRuntimeInfoHook())[1] == [3] * 25


def test_non_finite_loss_reads_on_its_cadence():
    _, reads = _reads(NonFiniteLossHook(interval=_LOGGED))
    assert [step for step, count in enumerate(reads) if count] == [9, 19]


class _Late(RuntimeInfoHook):
    """Treats CPU tensors as those of a GPU."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._waiting += [(f"train/{k}", v.detach()) for k, v in outputs.items()]
        if self._is_read(runner, batch_idx):
            self.hand_over(runner)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64])
def test_what_is_handed_over_later_is_the_same(dtype):
    histories = []
    for hook in (_Late(), StockRuntimeInfoHook()):
        runner = _runner()
        for step in range(25):
            runner.iter = step
            value = torch.tensor(0.1 + step).to(dtype)
            hook.after_train_iter(runner, step, None, {"loss": value, "other": -value})
        scalars = runner.message_hub.log_scalars
        histories.append({k: v.data[0].tolist() for k, v in scalars.items()})
    assert histories[0] == histories[1]


def test_a_checkpoint_holds_what_still_waits():
    hook, runner = _Late(), _runner()
    for step in range(4):
        runner.iter = step
        hook.after_train_iter(runner, step, None, {"loss": torch.tensor(float(step))})
    checkpoint = {"message_hub": runner.message_hub.state_dict()}
    assert "train/loss" not in checkpoint["message_hub"]["log_scalars"]
    hook.before_save_checkpoint(runner, checkpoint)
    saved = checkpoint["message_hub"]["log_scalars"]["train/loss"]
    assert isinstance(saved, HistoryBuffer) and saved.data[0].tolist() == [0, 1, 2, 3]


def test_no_graph_is_kept():
    hook, runner = RuntimeInfoHook(), _runner()
    with fake_cuda():
        weight = nn.Parameter(fake_like((2,)))
        hook.after_train_iter(runner, 0, None, {"loss": weight.sum()})
    assert all(not value.requires_grad for _, value in hook._waiting)


class _Wrapper(MMDistributedDataParallel):
    """Remembers in which layout it got the weights."""

    def __init__(self, module, **options):
        weight = next(module.parameters())
        layout = weight.is_contiguous(memory_format=torch.channels_last)
        super().__init__(module=module, **options)
        self.layout, self.options = layout, options


def test_channels_last_is_there_when_ddp_wraps():
    options = {"broadcast_buffers": False, "find_unused_parameters": True}
    with fake_group(8):
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        before = [p.detach().clone() for p in net.parameters()]
        runner = _runner(model=_Wrapper(net, **options), optim_wrapper=None)
        assert not runner.model.layout
        old = weakref.ref(runner.model)
        ChannelsLastHook().before_train(runner)
        # Gone, and its hooks on the weights with it.
        assert old() is None
        assert is_model_wrapper(runner.model) and runner.model.layout
        assert runner.model.options.items() >= options.items()
        assert runner.model.module is net
        for weight, was in zip(net.parameters(), before, strict=True):
            assert torch.equal(weight, was)


def test_channels_last_without_a_wrapper_is_in_place():
    net = nn.Conv2d(3, 4, 3)
    runner = _runner(model=net, optim_wrapper=None)
    ChannelsLastHook().before_train(runner)
    assert runner.model is net
    assert net.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("prefers", [False, True])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_taps_go_with_the_layout(prefers, layout, monkeypatch):
    monkeypatch.setattr(channels_last, "prefers_taps", lambda weight: prefers)
    net = nn.Sequential(nn.Conv2d(3, 4, 3))
    wrapper = SimpleNamespace(memory_format=layout)
    runner, hook = _runner(model=net, optim_wrapper=wrapper), ChannelsLastHook()
    hook.before_train(runner)
    by_taps = prefers and layout == torch.channels_last
    assert ("_conv_forward" in vars(net[0])) == by_taps
    hook.after_train(runner)
    assert "_conv_forward" not in vars(net[0])


@pytest.mark.parametrize("local", [False, True])
def test_sync_norm_hook(local):
    online = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    model = nn.ModuleDict(
        {"online": online, "target": MomentumEncoder(online, momentum=0.9)}
    )
    names = set(model.state_dict())
    model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    runner = _runner(model=model)
    SyncNormHook(local_targets=local).before_train(runner)
    assert set(model.state_dict()) == names
    assert type(model["online"][1]) is WaitFreeSyncBatchNorm
    target = model["target"].module[0][1]
    assert isinstance(target, nn.SyncBatchNorm) != local
    target(torch.randn(2, 4, 3, 3)) if local else None
