"""A SIGTERM of one of two processes: both finish the step, and one saves it."""

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook

from mmtaskssl.engine.run import train
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils import interrupts
from mmtaskssl.utils.errors import run_tool
from tests._gloo import in_two_processes
from tests.test_engine._runs import debug_config


class _Terminate(Hook):
    """Sends this process a SIGTERM, or two as of a launcher and a group."""

    def __init__(self, at, times=1):
        self.at, self.times = at, times

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for _ in range(self.times if runner.iter == self.at else 0):
            os.kill(os.getpid(), signal.SIGTERM)


def _config(folder, **options):
    options = {"max_iters": 6, "default_hooks__checkpoint__interval": 6, **options}
    cfg = debug_config("simsiam", folder, **options)
    cfg.launcher = "pytorch"
    cfg.model.backbone.norm_cfg.type = "BN"
    return cfg


def _status(cfg):
    try:
        run_tool(lambda _: train(cfg) and None)
    except SystemExit as ended:
        return ended.code, interrupts.how_to_go_on()


def _files(folder):
    return sorted(p.name for p in folder.glob("*.pth"))


def _work(rank, folder):
    HOOKS.register_module(module=_Terminate, name="TerminateHook", force=True)
    found = {}
    train(_config(folder / "whole"))
    cut = _config(folder / "cut")
    if rank == 1:  # the other one hears of it
        cut.custom_hooks = [{"type": "TerminateHook", "at": 2, "times": 2}]
    found["iterations"] = _status(cut)
    found["saved"] = _files(folder / "cut")
    cut = _config(folder / "cut")
    cut.resume = True
    train(cut)
    epochs = _config(folder / "epochs")
    epochs.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 3}
    epochs.train_dataloader.sampler = {"type": "DefaultSampler"}
    epochs.train_dataloader.dataset.num_images = 64  # two steps an epoch
    epochs.default_hooks.checkpoint.update(interval=1, by_epoch=True)
    epochs.custom_hooks = [{"type": "TerminateHook", "at": 2}]
    found["epochs"] = _status(epochs)
    found["epochs saved"] = _files(folder / "epochs")
    return found


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    return folder, in_two_processes(_work, folder)


def test_both_end_with_the_same_step_and_its_checkpoint(ended):
    _, ranks = ended
    said = "; go on with the same command and --resume"
    for found in ranks:
        assert found["iterations"] == (143, said)
        # Asked in the third step, agreed in the fourth.
        assert found["saved"] == ["iter_4.pth"]


def test_they_resume_to_the_same_end(ended):
    folder, _ = ended
    whole, cut = (
        torch.load(folder / name / "iter_6.pth", weights_only=False)["state_dict"]
        for name in ("whole", "cut")
    )
    assert all(torch.equal(value, cut[key]) for key, value in whole.items())


def test_epochs_go_on_from_the_last_one(ended):
    _, ranks = ended
    for found in ranks:
        assert found["epochs"][0] == 143
        assert found["epochs saved"] == ["epoch_1.pth"]
