import pytest
import torch

from mmtaskssl.utils import number_formats
from mmtaskssl.utils.number_formats import (
    has_native_bfloat16,
    prefers_channels_last,
    prefers_taps,
)


@pytest.fixture
def cpu(monkeypatch):
    """A CPU with everything, of which a test takes something away."""
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(number_formats, "_has_onednn", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    operator = torch.ops.mkldnn
    operator._is_mkldnn_bf16_supported  # noqa: B018  looked up once, then an attribute
    monkeypatch.setattr(operator, "_is_mkldnn_bf16_supported", lambda: True)
    return monkeypatch


def test_a_cpu_with_the_instructions(cpu):
    assert has_native_bfloat16()
    assert prefers_channels_last("cpu")
    assert prefers_channels_last("cpu", torch.bfloat16)


def test_avx512_without_bfloat16_emulates_it(cpu):
    cpu.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert torch.ops.mkldnn._is_mkldnn_bf16_supported()  # so oneDNN says
    assert not has_native_bfloat16()


def test_onednn_has_the_last_word(cpu):
    cpu.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert not has_native_bfloat16()


def test_a_torch_that_cannot_tell_is_given_float32(cpu):
    cpu.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert not has_native_bfloat16()


def test_a_torch_without_onednn(cpu):
    cpu.setattr(number_formats, "_has_onednn", lambda: False)
    assert not has_native_bfloat16()
    assert not prefers_channels_last("cpu")


@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
@pytest.mark.parametrize(
    ("limit", "native"),
    [
        ("AVX2", False),
        ("AVX512_CORE", False),
        ("avx512_core_vnni", False),
        ("AVX512_CORE_BF16", True),
        ("AVX512_CORE_AMX", True),
        ("ALL", True),
        ("", True),
    ],
)
def test_the_limits_of_onednn_are_heeded(cpu, name, limit, native):
    cpu.setenv(name, limit)
    assert has_native_bfloat16() == native


@pytest.mark.parametrize("capability", ["DEFAULT", "AVX2"])
def test_the_limits_of_aten_are_heeded(cpu, capability):
    cpu.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert not has_native_bfloat16()


def test_other_devices_are_left_in_float32(cpu):
    assert not has_native_bfloat16("meta")
    assert not prefers_channels_last("meta")


def test_the_answer_does_not_change():
    assert len({has_native_bfloat16() for _ in range(3)}) == 1


@pytest.mark.gpu
def test_a_gpu_is_asked_without_emulation():
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    assert has_native_bfloat16("cuda") == native
    assert prefers_channels_last("cuda", torch.bfloat16)
    assert not prefers_channels_last("cuda")


@pytest.mark.parametrize("capability", ["DEFAULT", "AVX2", "AVX512"])
def test_taps_are_taken_where_they_were_measured(capability, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert prefers_taps(torch.zeros(1)) == (capability == "AVX2")
    assert not prefers_taps(torch.zeros(1, device="meta"))
