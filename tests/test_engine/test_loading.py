"""How batches come from the loading workers to the model."""

import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

from mmtaskssl.datasets import SyntheticImages, pack_images
from mmtaskssl.engine.cpu_runner import CPURunner
from mmtaskssl.engine.hooks import ThroughputHook
from tests.test_engine._runs import debug_config

ROOT = Path(__file__).parents[2]
BASES = sorted((ROOT / "configs/_base_/datasets").rglob("*.py"))


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_every_data_set_is_packed_and_pinned(path):
    cfg = Config.fromfile(path)
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        if name in cfg:
            assert cfg[name].collate_fn.type == "mmtaskssl.pack_images"
            assert cfg[name].pin_memory


def test_a_batch_needs_few_file_descriptors(tmp_path):
    """256 images a batch from two workers, in a process that may open 256 files."""
    limit = 256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    config = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    options = {
        "batch_size": 256,
        "num_workers": 2,
        "max_iters": 2,
        "train_dataloader.dataset.num_images": 512,
    }
    command = [sys.executable, "tools/train.py", config]
    command += ["--work-dir", str(tmp_path / "run"), "--cfg-options"]
    command += [f"{key}={value}" for key, value in options.items()]
    done = subprocess.run(
        command,
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "iter_2.pth").is_file()
    assert "no accelerator is found" not in done.stderr  # where there is none


@pytest.mark.parametrize("collate", [pack_images, pseudo_collate])
def test_throughput_counts_images(collate):
    """Whatever their number of pixels."""
    data = SyntheticImages(12, size=40)
    hub = MessageHub(f"throughput-{collate.__name__}")
    hub.update_scalar("train/time", 0.5)
    batch = collate([data[i] for i in range(12)])
    ThroughputHook().after_train_iter(SimpleNamespace(message_hub=hub), 0, batch)
    assert hub.get_scalar("train/images_per_s").current() == 24


def test_no_memory_is_pinned_without_a_gpu():
    init_default_scope("mmtaskssl")
    cfg = debug_config("simsiam", Path("unused")).train_dataloader
    assert cfg.pin_memory
    assert not CPURunner.build_dataloader(cfg, seed=0).pin_memory
