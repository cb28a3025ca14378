"""SafeSGD and SafeLARS against the stock optimizers, whole and in slices."""

import copy

import pytest
import torch
from mmselfsup.engine.optimizers import LARS
from torch import nn

from mmtaskssl.engine.optimizers import SafeLARS, SafeSGD, safe_base
from mmtaskssl.registry import OPTIMIZERS
from mmtaskssl.utils.errors import UserError

_PAIRS = {"sgd": (torch.optim.SGD, SafeSGD), "lars": (LARS, SafeLARS)}
_SETTINGS = [
    {},
    {"momentum": 0.9},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
]


def _numbers(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _steps(optimizer, params, gradients):
    """One step for each entry of ``gradients``: a list with one tensor or None each."""
    for grads in gradients:
        for param, grad in zip(params, grads, strict=True):
            param.grad = None if grad is None else grad.clone()
        optimizer.step()
        optimizer.zero_grad()


def _params(*shapes):
    return [nn.Parameter(_numbers(*s, seed=i)) for i, s in enumerate(shapes)]


@pytest.mark.parametrize("settings", _SETTINGS, ids=str)
@pytest.mark.parametrize("kind", _PAIRS)
def test_equals_the_stock_optimizer_where_all_weights_are_active(kind, settings):
    stock, safe = _PAIRS[kind]
    params = _params((4, 3, 3, 3), (4,), (2, 4))
    twins = copy.deepcopy(params)
    gradients = [[_numbers(*p.shape, seed=9 + i) for p in params] for i in range(5)]
    _steps(stock(params, lr=0.3, **settings), params, gradients)
    _steps(safe(twins, lr=0.3, **settings), twins, gradients)
    for param, twin in zip(params, twins, strict=True):
        # SGD bit for bit; the host's LARS computes its rate in double precision.
        tolerance = {"rtol": 0, "atol": 0} if kind == "sgd" else {}
        torch.testing.assert_close(param, twin, **tolerance)


@pytest.mark.parametrize("settings", _SETTINGS, ids=str)
@pytest.mark.parametrize("kind", _PAIRS)
def test_a_slice_moves_like_a_layer_of_its_own_and_the_rest_rests(kind, settings):
    stock, safe = _PAIRS[kind]
    (whole,) = _params((6, 5, 3, 3))
    part = nn.Parameter(whole.detach()[:4, :2].clone())
    rest = torch.ones_like(whole, dtype=torch.bool)
    rest[:4, :2] = False
    before = whole.detach()[rest].clone()
    gradients = [_numbers(4, 2, 3, 3, seed=i) for i in range(4)]
    padded = []
    for gradient in gradients:
        padded.append(torch.zeros_like(whole))
        padded[-1][:4, :2] = gradient
    _steps(stock([part], lr=0.3, **settings), [part], [[g] for g in gradients])
    _steps(safe([whole], lr=0.3, **settings), [whole], [[g] for g in padded])
    torch.testing.assert_close(whole.detach()[:4, :2], part.detach())
    assert torch.equal(whole.detach()[rest], before)


@pytest.mark.parametrize("kind", _PAIRS)
def test_momentum_rests_too_and_goes_on_later(kind):
    """Three steps with a pause between: the pause leaves no trace."""
    _, safe = _PAIRS[kind]
    params = _params((3, 2), (3, 2))
    twins = copy.deepcopy(params)
    settings = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    grads = [[_numbers(3, 2, seed=i), _numbers(3, 2, seed=i + 5)] for i in range(3)]
    pause = [torch.zeros(3, 2), None]
    _steps(safe(params, **settings), params, [*grads[:2], pause, pause, grads[2]])
    _steps(safe(twins, **settings), twins, grads)
    for param, twin in zip(params, twins, strict=True):
        assert torch.equal(param, twin)


@pytest.mark.parametrize("kind", _PAIRS)
def test_stock_optimizers_move_what_got_no_gradient(kind):
    """The reason for all this."""
    stock, _ = _PAIRS[kind]
    params = _params((3, 2))
    optimizer = stock(params, lr=0.3, momentum=0.9, weight_decay=0.1)
    _steps(optimizer, params, [[_numbers(3, 2, seed=1)]])
    before = params[0].detach().clone()
    _steps(optimizer, params, [[torch.zeros(3, 2)]])
    assert not (params[0] == before).any()


@pytest.mark.parametrize("kind", _PAIRS)
def test_move_inactive_gives_the_stock_behaviour_by_group(kind):
    stock, safe = _PAIRS[kind]
    moved, resting = _params((3, 2), (3, 2))
    twin = copy.deepcopy(moved)
    before = resting.detach().clone()
    settings = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    groups = [{"params": [moved], "move_inactive": True}, {"params": [resting]}]
    zero = torch.zeros(3, 2)
    gradients = [_numbers(3, 2, seed=1), zero, zero]
    _steps(safe(groups, **settings), [moved, resting], [[g, zero] for g in gradients])
    _steps(stock([twin], **settings), [twin], [[g] for g in gradients])
    torch.testing.assert_close(moved, twin)
    assert torch.equal(resting.detach(), before)


def test_lars_exclude_is_plain_sgd():
    params = _params((3, 2))
    twins = copy.deepcopy(params)
    settings = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    grads = [[_numbers(3, 2, seed=i)] for i in range(3)]
    _steps(SafeLARS(params, lars_exclude=True, **settings), params, grads)
    # Momentum of lr * g instead of lr * momentum of g: equal at a constant rate.
    _steps(SafeSGD(twins, **settings), twins, grads)
    torch.testing.assert_close(params[0], twins[0])


def test_lars_by_hand():
    """Algorithm 1 of arXiv 1708.03888, written out."""
    (param,) = _params((4,))
    w, g = param.detach().clone(), _numbers(4, seed=3)
    velocity = torch.zeros(4)
    optimizer = SafeLARS([param], lr=0.5, momentum=0.8, weight_decay=0.01, eta=0.02)
    for _ in range(3):
        rate = 0.02 * w.norm() / (g.norm() + 0.01 * w.norm())
        velocity = 0.8 * velocity + 0.5 * rate * (g + 0.01 * w)
        w = w - velocity
        _steps(optimizer, [param], [[g]])
    torch.testing.assert_close(param.detach(), w)


def test_lars_of_zero_weights_or_gradients_is_finite():
    zeros = nn.Parameter(torch.zeros(3))
    (idle,) = _params((3,))
    optimizer = SafeLARS([zeros, idle], lr=0.1, weight_decay=0.1)
    _steps(optimizer, [zeros, idle], [[torch.ones(3), torch.zeros(3)]])
    torch.testing.assert_close(zeros.detach(), torch.full((3,), -0.1))
    assert idle.isfinite().all()


@pytest.mark.parametrize("kind", _PAIRS)
def test_not_a_number_spreads_instead_of_counting_as_idle(kind):
    _, safe = _PAIRS[kind]
    params = _params((3,))
    _steps(safe(params, lr=0.1), params, [[torch.tensor([1.0, torch.nan, 1.0])]])
    assert params[0][1].isnan()


@pytest.mark.parametrize("kind", _PAIRS)
def test_chunks_change_nothing(kind, monkeypatch):
    _, safe = _PAIRS[kind]
    params = _params((4, 3), (2,), (5, 5), (1,))
    params.append(nn.Parameter(_numbers(3, seed=7).double()))
    twins = copy.deepcopy(params)
    settings = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    grads = [[_numbers(*p.shape, seed=i).to(p.dtype) for p in params] for i in range(3)]
    _steps(safe(params, **settings), params, grads)
    monkeypatch.setattr(safe_base, "_CPU_CHUNK", 20)
    _steps(safe(twins, **settings), twins, grads)
    assert all(torch.equal(p, t) for p, t in zip(params, twins, strict=True))


@pytest.mark.parametrize("kind", _PAIRS)
def test_state_dict_goes_on_bit_for_bit(kind):
    _, safe = _PAIRS[kind]
    params = _params((4, 3), (2,))
    grads = [[_numbers(*p.shape, seed=i) for p in params] for i in range(4)]
    first = safe(params, lr=0.3, momentum=0.9, weight_decay=0.1)
    _steps(first, params, grads[:2])
    twins = copy.deepcopy(params)
    second = safe(twins, lr=1.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    _steps(first, params, grads[2:])
    _steps(second, twins, grads[2:])
    assert all(torch.equal(p, t) for p, t in zip(params, twins, strict=True))


def test_closure_is_called_with_gradients():
    (param,) = _params((3,))

    def closure():
        loss = param.square().sum()
        loss.backward()
        return loss

    before = param.detach().clone()
    loss = SafeSGD([param], lr=0.1).step(closure)
    torch.testing.assert_close(loss.detach(), before.square().sum())
    torch.testing.assert_close(param.detach(), 0.8 * before)


@pytest.mark.parametrize("name", ["SafeSGD", "SafeLARS"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lr": -1.0}, "lr must not be negative"),
        ({"momentum": -0.1}, "momentum must not be negative"),
        ({"weight_decay": -1e-4}, "weight_decay must not be negative"),
        ({"nesterov": True}, "needs a momentum"),
    ],
)
def test_bad_settings_are_refused(name, bad, message):
    config = {"type": f"mmtaskssl.{name}", "params": _params((2,)), "lr": 0.1, **bad}
    with pytest.raises(UserError, match=message):
        OPTIMIZERS.build(config)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", _PAIRS)
def test_cuda_equals_the_cpu(kind):
    _, safe = _PAIRS[kind]
    params = _params((4, 3, 3, 3), (4,), (2, 4))
    twins = [nn.Parameter(p.detach().cuda()) for p in params]
    settings = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    grads = [[_numbers(*p.shape, seed=i) for p in params] for i in range(3)]
    for step in grads:
        step[0][2:] = 0
    _steps(safe(params, **settings), params, grads)
    on_device = [[g.cuda() for g in step] for step in grads]
    _steps(safe(twins, **settings), twins, on_device)
    for param, twin in zip(params, twins, strict=True):
        torch.testing.assert_close(param, twin.cpu())
    assert torch.equal(twins[0][2:].cpu(), _params((4, 3, 3, 3))[0][2:])


@pytest.mark.parametrize("kind", [SafeSGD, SafeLARS])
def test_a_misspelt_option_is_no_option(kind):
    with pytest.raises(TypeError, match="momentun"):
        kind([torch.zeros(1, requires_grad=True)], lr=0.1, momentun=0.9)
