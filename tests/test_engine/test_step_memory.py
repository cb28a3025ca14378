"""The computed memory against counting by hand, real steps, and the docstrings."""

import ast
import contextlib
import itertools
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import build_optim_wrapper
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import ProfilerActivity, profile

from mmtaskssl import apis
from mmtaskssl.config import load_config
from mmtaskssl.engine import step_memory as module
from mmtaskssl.engine.live_bytes import LiveBytes
from mmtaskssl.engine.step_memory import (
    GIB,
    fits,
    memory_line,
    processes_of,
    stated_memory,
    step_memory,
    with_memory_line,
)
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root

_ROOT = resource_root("configs")
_STATED = with_memory_line(_ROOT)
_DEBUG = {
    "MoCo": "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py",
    "BYOL": "selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py",
    "supernet": "data/supernet-byol_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py",
    "routed": "sdr/routed-simsiam_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py",
    "classifier": "transfer/classification/"
    "finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py",
}
# One of each kind of training; tools/benchmarks/memory_of_configs.py --check does all.
_CHECKED = [
    "mocov2_resnet50_8xb32-coslr-200e_in1k",
    "byol_resnet50_16xb256-coslr-300e_in1k",
    "dspnet-byol_slimmable-resnet18_8xb32-coslr-100e_in1k",
    "routed-simsiam_resnet50-256paths_8xb32-coslr-500k_in1k",
    "linear-probe_resnet50_8xb32-steplr-100e_in1k",
    "byol_resnet18_1xb256-coslr-20k_folder-64px",
]


@pytest.mark.parametrize("fake", [True, False])
def test_tensors_are_counted_while_they_live(fake):
    kib = 1024
    mode = FakeTensorMode() if fake else contextlib.nullcontext()
    with mode, LiveBytes() as memory:
        weight = torch.zeros(256, 256, requires_grad=True)  # 256 KiB
        x = torch.zeros(64, 256)  # 64 KiB, as is every activation
        assert memory.live == memory.peak == (256 + 64) * kib
        y = (x @ weight).sigmoid()  # keeps its result, and lets the product go
        assert memory.live == (256 + 128) * kib
        assert memory.peak == (256 + 192) * kib
        assert y.t()[3:].shape == (253, 64)  # views take nothing
        assert memory.live == (256 + 128) * kib
        y.sum().backward()
        assert memory.live == (512 + 128) * kib
        del x, y
        assert memory.live == 512 * kib
        assert memory.peak <= (512 + 256) * kib


def _config(kind, **options):
    return load_config(str(_ROOT / _DEBUG[kind]), options)


@pytest.mark.parametrize("kind", _DEBUG)
def test_a_fake_step_takes_what_a_real_one_takes(kind):
    """By the account of the allocator, which sees what kernels borrow, too."""
    # Large enough for what kernels borrow to be small.
    cfg = _config(kind, **{"train_dataloader.batch_size": 64})
    assert step_memory(cfg) == pytest.approx(_real_peak(cfg), rel=0.15)


def _real_peak(cfg) -> int:
    """Bytes of what a step finds, and the most that it takes on top."""
    with module._scope(cfg):
        model = MODELS.build(cfg.model).train()
        batch = module._batch(model, cfg)
        model.data_preprocessor = BaseDataPreprocessor()
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
        model.train_step(batch(), wrapper)
        kept = [*model.parameters(), *model.buffers()]
        for state in wrapper.optimizer.state.values():
            kept += [value for value in state.values() if hasattr(value, "nbytes")]
        only_cpu = [ProfilerActivity.CPU]
        with profile(activities=only_cpu, profile_memory=True) as seen:
            model.train_step(batch(), wrapper)
    events = seen.profiler.kineto_results.events()
    changes = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    live = itertools.accumulate(size for _, size in sorted(changes, key=lambda c: c[0]))
    return sum(tensor.nbytes for tensor in kept) + max(live)


def test_buckets_are_as_large_as_the_gradients():
    cfg = _config("MoCo")
    with module._scope(cfg):
        model = MODELS.build(cfg.model)
    trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    assert step_memory(cfg, processes=8) - step_memory(cfg) == trained


def test_bfloat16_takes_about_half():
    cfg = _config("BYOL", **{"train_dataloader.batch_size": 256})
    whole = step_memory(cfg)
    cfg.optim_wrapper.type = "AutoPrecisionOptimWrapper"
    assert 0.4 * whole < step_memory(cfg) < 0.8 * whole
    cfg.optim_wrapper.precision = "float32"
    assert step_memory(cfg) == whole


def test_a_host_s_model_is_refused():
    cfg = _config("classifier")
    cfg.model = {"type": "mmcls.ImageClassifier", "backbone": cfg.model.backbone}
    cfg.model.data_preprocessor = {"type": "LabeledViewPreprocessor", "view_size": 32}
    with pytest.raises(UserError, match="no batch is known"):
        step_memory(cfg)


def test_lines_are_read_as_they_are_written():
    text = f"Hardware: 8 GPUs;\n{memory_line(int(12.34 * GIB))}."
    assert stated_memory(text) == 12.3
    assert stated_memory("Hardware: 8 GPUs of 32 GB.") is None
    assert fits(12.3, int(12.34 * GIB)) and fits(12.3, int(12.6 * GIB))
    assert not fits(12.3, int(12.8 * GIB)) and not fits(None, GIB)
    assert fits(0.3, int(0.34 * GIB)) and not fits(0.3, int(0.36 * GIB))
    assert processes_of("a/b_c_16xb256-coslr_in1k.py") == 16
    with pytest.raises(UserError, match="does not say"):
        processes_of("a/config.py")


def test_a_file_is_taken_for_its_config():
    path = _ROOT / _DEBUG["MoCo"]
    hubs = [*MessageHub._instance_dict]
    assert apis.step_memory(path) == step_memory(load_config(str(path))) > 0
    assert [*MessageHub._instance_dict] == hubs


@pytest.mark.parametrize("path", _STATED, ids=lambda p: p.stem)
def test_every_large_config_states_its_memory(path):
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert stated_memory(docstring) is not None


@pytest.mark.parametrize("name", _CHECKED)
def test_docstrings_state_what_is_computed(name):
    (path,) = (path for path in _STATED if path.stem == name)
    size = step_memory(load_config(str(path)), processes_of(path))
    docstring = ast.get_docstring(ast.parse(Path(path).read_text("utf-8")))
    assert fits(stated_memory(docstring), size), memory_line(size)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", _DEBUG)
def test_a_gpu_takes_what_was_computed(kind):
    """Within what cuDNN's workspaces add to a small step."""
    cfg = _config(kind, **{"train_dataloader.batch_size": 512})
    if kind == "MoCo":
        cfg.model.queue_len = 4096
    computed = step_memory(cfg)
    with module._scope(cfg):
        before = torch.cuda.memory_allocated()
        model = MODELS.build(cfg.model).train().cuda()
        batch = module._batch(model, cfg)
        model.data_preprocessor = BaseDataPreprocessor().cuda()
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
        for _ in range(2):
            torch.cuda.reset_peak_memory_stats()
            model.train_step(batch(), wrapper)
        peak = torch.cuda.max_memory_allocated() - before
    assert computed == pytest.approx(peak, rel=0.25)
