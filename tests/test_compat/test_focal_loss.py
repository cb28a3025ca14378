import math

import pytest
import torch
from mmcv.ops import sigmoid_focal_loss, softmax_focal_loss
from torch.autograd import gradcheck

LOGITS = torch.tensor(
    [[0.3, -1.2, 2.0], [-0.7, 0.1, 0.0], [4.0, -3.0, 1.5], [1.0, 1.0, -1.0]],
    dtype=torch.float64,
)
TARGET = torch.tensor([2, 0, 3, 1])  # 3 is background
SOFTMAX_TARGET = torch.tensor([2, 0, -1, 1])  # -1 is ignored
WEIGHT = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)


def _slow_loss(weight=None, gamma=2.0, alpha=0.25):
    loss = torch.zeros_like(LOGITS)
    for n, row in enumerate(LOGITS.tolist()):
        target = TARGET[n].item()
        for c, logit in enumerate(row):
            p = 1 / (1 + math.exp(-logit))
            if target == c:
                value = -alpha * (1 - p) ** gamma * math.log(p)
            else:
                value = -(1 - alpha) * p**gamma * math.log(1 - p)
            if weight is not None and target < 3:
                value *= weight[target].item()
            loss[n, c] = value
    return loss


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("gamma, alpha", [(2.0, 0.25), (0.5, 0.7)])
def test_equals_the_slow_loop(gamma, alpha, weight):
    expected = _slow_loss(weight, gamma, alpha)
    actual = sigmoid_focal_loss(LOGITS, TARGET, gamma, alpha, weight, "none")
    torch.testing.assert_close(actual, expected)
    mean = sigmoid_focal_loss(LOGITS, TARGET, gamma, alpha, weight, "mean")
    torch.testing.assert_close(mean, expected.sum() / len(LOGITS))


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradient(reduction, weight):
    x = LOGITS.clone().requires_grad_()
    assert gradcheck(
        lambda x: sigmoid_focal_loss(x, TARGET, 1.7, 0.3, weight, reduction), x
    )


def test_extreme_logits_stay_finite():
    x = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = sigmoid_focal_loss(x, torch.tensor([1]), 2.0, 0.25, None, "sum")
    loss.backward()
    assert loss.isfinite()
    assert x.grad.isfinite().all()


def test_half_precision():
    loss = sigmoid_focal_loss(LOGITS.bfloat16(), TARGET, 2.0, 0.25, None, "none")
    assert loss.dtype == torch.bfloat16
    torch.testing.assert_close(loss.double(), _slow_loss(), rtol=0.05, atol=0.01)


def _slow_softmax_loss(weight, gamma, alpha):
    loss = torch.zeros(len(LOGITS), dtype=torch.float64)
    for n, row in enumerate(LOGITS.tolist()):
        target = SOFTMAX_TARGET[n].item()
        if target >= 0:
            p = math.exp(row[target]) / sum(map(math.exp, row))
            factor = 1 if weight is None else weight[target].item()
            loss[n] = -factor * alpha * (1 - p) ** gamma * math.log(p)
    return loss


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("gamma, alpha", [(2.0, 0.25), (0.5, 0.7), (0.0, 1.0)])
def test_softmax_equals_the_slow_loop(gamma, alpha, weight):
    expected = _slow_softmax_loss(weight, gamma, alpha)
    args = (SOFTMAX_TARGET, gamma, alpha, weight)
    actual = softmax_focal_loss(LOGITS.clone(), *args, "none")
    torch.testing.assert_close(actual, expected)
    mean = softmax_focal_loss(LOGITS.clone(), *args, "mean")
    torch.testing.assert_close(mean, expected.sum() / len(LOGITS))


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("gamma", [1.7, 0.0])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_softmax_gradient(reduction, gamma, weight):
    x = LOGITS.clone().requires_grad_()
    assert gradcheck(
        lambda x: softmax_focal_loss(x, SOFTMAX_TARGET, gamma, 0.3, weight, reduction),
        x,
    )


def test_softmax_of_a_sure_prediction_is_finite():
    for gamma in (0.0, 0.5, 2.0):
        x = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
        loss = softmax_focal_loss(x, torch.zeros(2).long(), gamma, 0.25, None, "sum")
        loss.backward()
        assert loss.isfinite() and x.grad.isfinite().all()
