"""Slimmable trainings by the Runner: resumed, and by two gloo processes."""

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper

from mmtaskssl.config import load_config
from mmtaskssl.models.algorithms import ElasticDDP
from tests._gloo import in_two_processes
from tests.test_engine.test_resume import _check, _stop_hook  # noqa: F401  a fixture
from tests.test_models.test_algorithms._elastic import RecordingSGD, fresh_hub
from tests.test_models.test_algorithms._slimmable import batch, build, model_config

_DEBUG = (
    "configs/dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)
_STEPS = 3
_KINDS = ("BYOL", "SimSiam")


def _slimmable(cfg):
    debug = load_config(_DEBUG)
    cfg.model, cfg.model_wrapper_cfg = debug.model, debug.model_wrapper_cfg
    cfg.default_hooks.collapse = debug.default_hooks.collapse
    cfg.optim_wrapper = debug.optim_wrapper
    return cfg


def test_resume_is_bit_exact(tmp_path):
    _check("byol", tmp_path, _slimmable)


def _train(kind, wrap=lambda model: model, share=slice(None)):
    """Gradients of each step; without batch norm, so that batches can be split."""
    hub = fresh_hub(_STEPS)
    cfg = model_config(kind, preset="dsp_plus", subnet_sampler={"type": "Sandwich"})
    cfg.backbone.norm_cfg = {"type": "GN", "group_size": 2}
    cfg.backbone.space.subnets = ["s8-w8.12.16-d1.1.1", "s4-w4.6.8-d1.1.1"]
    cfg.neck |= {"norm": None, "num_switches": 1, "with_last_bn": False}
    cfg.head.predictor.norm = None
    model = build(**cfg)
    optimizer = RecordingSGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    wrapper, wrapped = OptimWrapper(optimizer), wrap(model).train()
    for step in range(_STEPS):
        hub.update_info("iter", step)
        views = [view[share] for view in batch(step)]
        wrapped.train_step({"inputs": views}, wrapper)
    return optimizer.gradients


def _work(rank, folder):
    dist.init_process_group("gloo")
    share = slice(rank * 4, rank * 4 + 4)
    results = {kind: _train(kind, ElasticDDP, share) for kind in _KINDS}
    return results


def test_two_processes_equal_one_with_the_joined_batch(tmp_path):
    ranks = in_two_processes(_work, tmp_path)
    for kind in _KINDS:
        expected = _train(kind)
        for rank in ranks:
            assert len(rank[kind]) == len(expected) == _STEPS
            for mine, reference in zip(rank[kind], expected, strict=True):
                for a, b in zip(mine, reference, strict=True):
                    assert (a is None) == (b is None)
                    if a is not None:
                        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", _KINDS)
def test_gradients_of_that_test_are_not_all_zero(kind):
    assert any(g is not None and g.abs().sum() > 0 for g in _train(kind)[0])
