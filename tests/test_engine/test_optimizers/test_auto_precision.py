import logging

import pytest
import torch
from mmengine.logging import MMLogger

from mmtaskssl.engine.optimizers import AutoPrecisionOptimWrapper, auto_precision
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes


@pytest.fixture(params=[True, False], ids=["native", "emulated"])
def native(request, monkeypatch):
    _pretend(monkeypatch, request.param)
    return request.param


def _pretend(monkeypatch, native):
    monkeypatch.setattr(auto_precision, "has_native_bfloat16", lambda _: native)


def _build(precision="auto", **options):
    torch.manual_seed(0)
    model = torch.nn.Conv2d(3, 4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, AutoPrecisionOptimWrapper(optimizer, precision=precision, **options)


def _step(model, wrapper):
    with wrapper.optim_context(model):
        output = model(torch.ones(1, 3, 8, 8))
    wrapper.update_params(output.float().square().mean())
    return output.dtype


@pytest.fixture
def lines(monkeypatch):
    seen = []
    monkeypatch.setattr(
        auto_precision, "print_log", lambda text, *_, **__: seen.append(text)
    )
    return seen


def test_auto_takes_what_the_machine_has(native, lines):
    model, wrapper = _build()
    dtype = torch.bfloat16 if native else torch.float32
    assert [_step(model, wrapper) for _ in range(2)] == [dtype] * 2
    assert wrapper.dtype == dtype
    assert len(lines) == 1
    assert str(dtype).removeprefix("torch.") in lines[0]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_forced(native, precision, lines):
    model, wrapper = _build(precision)
    assert _step(model, wrapper) == getattr(torch, precision)
    assert lines == [f"trains in {precision}, {_layout(wrapper)} layout: as configured"]


def _layout(wrapper):
    last = wrapper.memory_format == torch.channels_last
    return "channels-last" if last else "contiguous"


@pytest.mark.parametrize("last", [True, False])
def test_the_layout_goes_with_the_format(native, monkeypatch, last):
    asked = []
    monkeypatch.setattr(
        auto_precision,
        "prefers_channels_last",
        lambda device, dtype: asked.append((device.type, dtype)) or last,
    )
    _, wrapper = _build()
    assert asked == [("cpu", torch.bfloat16 if native else torch.float32)]
    assert (wrapper.memory_format == torch.channels_last) == last


@pytest.mark.parametrize("precision", ["float16", "fp32", None, 16])
def test_unknown_precisions_are_refused(precision):
    with pytest.raises(UserError, match="it can be auto, float32 or bfloat16"):
        _build(precision)


def test_the_choice_is_kept_elsewhere(native, monkeypatch, lines):
    model, wrapper = _build()
    dtype = _step(model, wrapper)
    state = wrapper.state_dict()
    _pretend(monkeypatch, not native)
    monkeypatch.setattr(
        auto_precision,
        "prefers_channels_last",
        lambda *_: wrapper.memory_format != torch.channels_last,
    )
    other_model, other = _build()
    other.load_state_dict(state)
    assert _step(other_model, other) == dtype
    assert other.memory_format == wrapper.memory_format
    assert other.state_dict()["number_format"] == state["number_format"]
    assert "as it began" in lines[-1]
    assert ("emulated here" in lines[-1]) == native
    assert len(lines) == 2


def test_a_forced_format_overrules_the_choice_and_says_so(native, monkeypatch, lines):
    model, wrapper = _build()
    _step(model, wrapper)
    forced, began = ("float32", "bfloat16") if native else ("bfloat16", "float32")
    model, other = _build(forced)
    other.load_state_dict(wrapper.state_dict())
    assert _step(model, other) == getattr(torch, forced)
    assert f"although it began in {began}" in lines[-1]


def test_states_go_from_and_to_other_wrappers(native):
    from mmengine.optim import OptimWrapper

    model, wrapper = _build()
    _step(model, wrapper)
    plain_model, _ = _build()
    plain = OptimWrapper(torch.optim.SGD(plain_model.parameters(), 0.2, momentum=0.9))
    plain.load_state_dict(wrapper.state_dict())
    assert plain.get_lr() == {"lr": [0.1]}
    _, again = _build()
    again.load_state_dict(plain.state_dict())
    assert again.dtype == (torch.bfloat16 if native else torch.float32)


def test_a_state_with_another_format_is_refused(native):
    _, wrapper = _build()
    state = wrapper.state_dict()
    state["number_format"] = {"precision": "float8", "layout": "contiguous"}
    with pytest.raises(UserError, match="'float8'"):
        wrapper.load_state_dict(state)


def test_a_state_is_safe_to_load_as_tensors_only(native, tmp_path):
    model, wrapper = _build()
    _step(model, wrapper)
    torch.save(wrapper.state_dict(), tmp_path / "state.pth")
    state = torch.load(tmp_path / "state.pth", weights_only=True)
    _build()[1].load_state_dict(state)


def test_float32_is_the_plain_wrapper_bit_for_bit(monkeypatch):
    from mmengine.optim import OptimWrapper

    model, wrapper = _build("float32", clip_grad={"max_norm": 1.0})
    plain_model, _ = _build()
    plain = OptimWrapper(
        torch.optim.SGD(plain_model.parameters(), lr=0.1, momentum=0.9),
        clip_grad={"max_norm": 1.0},
    )
    for _ in range(3):
        _step(model, wrapper)
        _step(plain_model, plain)
    assert torch.equal(model.weight, plain_model.weight)


def test_the_line_reaches_the_logger(native, caplog):
    logger = MMLogger.get_instance(f"precision-{native}", log_level="INFO")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        model, wrapper = _build()
        _step(model, wrapper)
    assert sum("trains in" in record.message for record in caplog.records) == 1


def _one_of_two(rank, folder):
    torch.distributed.init_process_group("gloo")
    auto_precision.has_native_bfloat16 = lambda _: rank == 0
    auto_precision.prefers_channels_last = lambda *_: rank == 1
    return _build()[1].state_dict()["number_format"]


def test_processes_on_unlike_machines_agree(tmp_path):
    expected = {"precision": "float32", "layout": "contiguous"}
    assert in_two_processes(_one_of_two, tmp_path) == [expected] * 2
