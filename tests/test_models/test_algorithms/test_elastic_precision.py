"""Elastic algorithms under autocast and with scaled losses."""

import functools

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper

from mmtaskssl.engine.optimizers import BFloat16OptimWrapper
from tests.test_models.test_algorithms._elastic import (
    batch,
    build,
    fresh_hub,
)
from tests.test_models.test_algorithms._gradients import (
    assert_close,
    flat,
    recording_optimizer,
    separate_gradients,
    trained,
)


@pytest.fixture(autouse=True)
def hub():
    return fresh_hub()


def test_bfloat16_autocasts_every_subnet(monkeypatch):
    model = build()
    seen, inner = [], model.subnet_loss

    def subnet_loss(*args):
        seen.append(torch.is_autocast_enabled("cpu"))
        return inner(*args)

    monkeypatch.setattr(model, "subnet_loss", subnet_loss)
    expected = separate_gradients(build(), batch(0))
    optimizer = recording_optimizer(model)
    logs = model.train_step({"inputs": batch(0)}, BFloat16OptimWrapper(optimizer))
    assert seen == [True] * 3
    assert logs["loss"].dtype == torch.float32
    got, expected = flat(optimizer.gradients[0]), flat(expected)
    assert torch.cosine_similarity(got, expected, dim=0) > 0.99
    assert not torch.equal(got, expected)


@pytest.fixture
def amp(monkeypatch):
    """mmengine's wrapper with loss scaling, which refuses to be built without a GPU."""
    scaler = functools.partial(torch.amp.GradScaler, "cpu", init_scale=2.0**10)
    monkeypatch.setattr(amp_optimizer_wrapper, "GradScaler", scaler)
    monkeypatch.setattr(amp_optimizer_wrapper, "is_cuda_available", lambda: True)

    return functools.partial(AmpOptimWrapper, dtype="bfloat16")


def test_loss_scale_is_one_for_all_subnets_and_taken_back(amp):
    scaled, unscaled = build(), build()
    optimizer, expected = recording_optimizer(scaled), recording_optimizer(unscaled)
    # mmengine unscales before clipping, otherwise inside of the optimizer's step.
    wrapper = amp(optimizer=optimizer, clip_grad={"max_norm": 1e9})
    scaled.train_step({"inputs": batch(0)}, wrapper)
    unscaled.train_step({"inputs": batch(0)}, BFloat16OptimWrapper(expected))
    assert wrapper.loss_scaler.get_scale() == 2.0**10
    assert_close(optimizer.gradients[0], expected.gradients[0])


def test_an_overflow_in_any_subnet_skips_the_step(amp, monkeypatch):
    model = build()
    inner = model.subnet_loss

    def subnet_loss(inputs, shared, subnet):
        losses = inner(inputs, shared, subnet)
        factor = torch.inf if subnet == model.backbone.space.min else 1
        return {"loss": losses["loss"] * factor}

    monkeypatch.setattr(model, "subnet_loss", subnet_loss)
    before = [p.detach().clone() for p in trained(model)]
    optimizer = recording_optimizer(model)
    wrapper = amp(optimizer=optimizer)
    model.train_step({"inputs": batch(0)}, wrapper)
    assert not optimizer.gradients
    assert all(torch.equal(p, b) for p, b in zip(trained(model), before, strict=True))
    assert wrapper.loss_scaler.get_scale() == 2.0**9
