"""A scheduler's SIGTERM: the step is finished, and the training goes on from there."""

import os
import shlex
import signal
import sys

import pytest
import torch

from mmtaskssl.engine.run import train
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.errors import run_tool
from tests.test_engine._runs import debug_config


@pytest.fixture(autouse=True)
def _terminate_hook():
    from mmengine.hooks import Hook

    @HOOKS.register_module(force=True)
    class TerminateHook(Hook):
        """Sends this process a SIGTERM before a step, or a validation's."""

        def __init__(self, step):
            self.step = step

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == self.step:
                os.kill(os.getpid(), signal.SIGTERM)

    yield
    HOOKS._module_dict.pop("TerminateHook", None)


def _config(folder, at=None, **options):
    options = {"max_iters": 6, "default_hooks__checkpoint__interval": 6, **options}
    cfg = debug_config("simsiam", folder, **options)
    if at is not None:
        cfg.custom_hooks = [{"type": "TerminateHook", "step": at}]
    return cfg


def _ended(cfg, capsys, monkeypatch, argv):
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        run_tool(lambda _: train(cfg) and None)
    return ended.value.code, capsys.readouterr().err.strip().splitlines()[-1]


def test_the_step_is_finished_and_saved_and_the_rest_is_the_same(
    tmp_path, capsys, monkeypatch
):
    train(_config(tmp_path / "whole"))
    argv = ["mmtaskssl pretrain", "my config.py", "--work-dir", str(tmp_path / "cut")]
    status, said = _ended(_config(tmp_path / "cut", 2), capsys, monkeypatch, argv)
    assert status == 143
    command = f"mmtaskssl pretrain {shlex.join(argv[1:])} --resume"
    assert said == f"error: interrupted; go on with: {command}"
    # The step that ran is whole, and no later one began.
    assert [p.name for p in (tmp_path / "cut").glob("*.pth")] == ["iter_3.pth"]
    assert (tmp_path / "cut/last_checkpoint").read_text().endswith("iter_3.pth")
    cfg = _config(tmp_path / "cut")
    cfg.resume = True
    train(cfg)
    whole, cut = (
        torch.load(tmp_path / name / "iter_6.pth", weights_only=False)
        for name in ("whole", "cut")
    )
    for key, value in whole["state_dict"].items():
        assert torch.equal(value, cut["state_dict"][key]), key


def test_accumulated_gradients_are_used_first(tmp_path, capsys, monkeypatch):
    options = {"optim_wrapper__accumulative_counts": 3}
    cfg = _config(tmp_path, 0, **options)
    assert _ended(cfg, capsys, monkeypatch, ["train.py"])[0] == 143
    assert [p.name for p in tmp_path.glob("*.pth")] == ["iter_3.pth"]


def test_a_second_one_does_not_wait(tmp_path, capsys, monkeypatch):
    cfg = _config(tmp_path, 1)
    cfg.custom_hooks = [{"type": "TerminateHook", "step": 1}] * 2
    status, said = _ended(cfg, capsys, monkeypatch, ["train.py", "--resume"])
    assert (status, said) == (
        143,
        "error: interrupted; go on with: python train.py --resume",
    )
    assert not list(tmp_path.glob("*.pth"))


def test_who_calls_a_function_deals_with_signals(tmp_path):
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append(1))
    try:
        train(_config(tmp_path, 1, max_iters=2))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came and (tmp_path / "iter_2.pth").is_file()
