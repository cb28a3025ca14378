"""Which number format and memory layout a device computes fast.

Where bfloat16 is emulated, a convolution in it takes several times as long as in
float32, so a machine is asked for what it can do, never guessed from its name. Nothing
is timed: the answer is the same in every run.
"""

import os

import torch

# Limits that oneDNN takes from its environment, below native bfloat16 products. With
# the AVX-512 ones it still accepts the format, and converts to float32 and back. Those
# that the AVX2 family has (AVX2_VNNI_2) convert as well.
_ONEDNN_WITHOUT = (
    *("sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"),
    *("avx512_core", "avx512_core_vnni"),
)
# ATen's kernels between the products: these have no wide bfloat16 conversions.
_ATEN_WITHOUT = ("NO AVX", "DEFAULT", "AVX2")


def has_native_bfloat16(device: str | torch.device = "cpu") -> bool:
    """Says whether a device multiplies bfloat16 numbers itself.

    On a CPU that takes AVX512-BF16, which every CPU with AMX has, too, and leave to use
    it: ``ONEDNN_MAX_CPU_ISA`` and ``ATEN_CPU_CAPABILITY`` are heeded. (ARM's
    instructions do not count: oneDNN has no backward convolution for them.)

    Args:
        device: Any CPU or CUDA device; False for other kinds.
    """
    device = torch.device(device)
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and _cpu_has_native_bfloat16()


def prefers_channels_last(
    device: str | torch.device, dtype: torch.dtype = torch.float32
) -> bool:
    """Says whether a device convolves faster in channels-last layout.

    oneDNN does in both formats (measured), tensor cores do in half precision.

    Args:
        device: Any CPU or CUDA device; False for other kinds.
        dtype: Of the activations.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return dtype != torch.float32
    return device.type == "cpu" and _has_onednn()


def prefers_taps(weight: torch.Tensor) -> bool:
    """Says whether convolutions of a few pixels are faster as products of matrices.

    Measured, and so, on CPUs with AVX2 but not AVX-512, in float32.

    Args:
        weight: Of the network.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    return weight.device.type == "cpu" and capability == "AVX2"


def _has_onednn() -> bool:
    backend = torch.backends.mkldnn
    return backend.is_available() and bool(getattr(backend, "enabled", True))


def _cpu_has_native_bfloat16() -> bool:
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    return (
        _has_onednn()
        # oneDNN's own answer counts emulation in AVX-512; the CPU's does not.
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        and _cpu_has_avx512_bf16()
        and (limit or "").lower() not in _ONEDNN_WITHOUT
        and torch.backends.cpu.get_cpu_capability() not in _ATEN_WITHOUT
    )


def _cpu_has_avx512_bf16() -> bool:
    """False where this torch cannot tell: float32 is never far from the best."""
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return ask is not None and bool(ask())
