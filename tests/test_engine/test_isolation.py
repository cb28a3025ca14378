"""What a training may change in its process is put back, whatever happens."""

import multiprocessing
import os
import random

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmengine.utils.dl_utils import set_multi_processing

from mmtaskssl.engine.isolation import isolated


def _state():
    return {
        "environment": dict(os.environ),
        "start": multiprocessing.get_start_method(allow_none=True),
        "cudnn": (
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ),
        "strict": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
        "torch": torch.get_rng_state().tolist(),
        "scope": DefaultScope.get_current_instance(),
        "logger": {*MMLogger._instance_dict},
        "hub": {*MessageHub._instance_dict},
    }


def _change(tmp_path):
    set_random_seed(3, deterministic=True)
    set_multi_processing("spawn")
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    os.environ["A_NEW_NAME"] = "1"
    os.environ.pop("PATH")
    DefaultScope.get_instance("inner", scope_name="mmdet")
    MessageHub.get_instance("inner")
    logger = MMLogger.get_instance("inner", log_file=str(tmp_path / "log"))
    logger.info("here")
    return logger


@pytest.mark.parametrize("error", [None, ValueError])
def test_all_is_put_back(tmp_path, error):
    DefaultScope.get_instance("outer", scope_name="mmtaskssl")
    before = _state()
    try:
        with isolated():
            # Nothing of others is seen.
            assert DefaultScope.get_current_instance() is None
            assert not MessageHub._instance_dict
            logger = _change(tmp_path)
            if error:
                raise error
    except ValueError:
        assert error
    after = _state()
    assert [key for key in before if before[key] != after[key]] == []
    assert all(getattr(h, "stream", None) is None for h in logger.handlers[1:])
    assert "here" in (tmp_path / "log").read_text()
    del DefaultScope._instance_dict["outer"]


def test_one_in_another(tmp_path):
    with isolated():
        MessageHub.get_instance("outer")
        with isolated():
            MessageHub.get_instance("inner")
        assert [*MessageHub._instance_dict] == ["outer"]
