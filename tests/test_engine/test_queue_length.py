import logging
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from mmtaskssl.config import load_config
from mmtaskssl.engine import run as run_module
from mmtaskssl.engine.hooks import QueueLengthHook, queue_length
from mmtaskssl.models.algorithms import MoCo
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run

ROOT = Path(__file__).resolve().parents[2] / "configs"
SUPERNETS = {
    "SupernetMoCo": "data/supernet-mocov2_dynamic-resnet-basic_1xb16-coslr-12i_debug-"
    "32px.py",
    "SupernetDenseCL": "data/supernet-densecl_dynamic-resnet-basic_1xb16-coslr-12i_"
    "debug-64px.py",
}


def _config(tmp_path, images=100, queue=64, iters=3, **options):
    cfg = debug_config("mocov2", tmp_path, max_iters=iters, **options)
    cfg.train_dataloader.dataset.num_images = images
    cfg.model.queue_len = queue
    return cfg


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(
        queue_length, "print_log", lambda text, _, level=20: lines.append((level, text))
    )
    return lines


@pytest.mark.parametrize(
    ("images", "configured", "expected"),
    [
        (400, 64, 64),  # shorter than a quarter
        (100, 64, 25),  # a quarter, which no batch of 16 divides
        (40, 64, 16),  # one batch
        (64, 65536, 16),
    ],
)
def test_queue_in_force(images, configured, expected, tmp_path, told):
    model = run(_config(tmp_path, images, configured)).model
    assert model.queue_len == expected and model.queue.shape == (32, expected)
    assert int(model.queue_ptr) == 3 * 16 % expected
    torch.testing.assert_close(model.queue.norm(dim=0), torch.ones(expected))
    text = f"queue: {expected} keys for {images} images (configured: {configured})"
    assert (logging.INFO, text) in [(level, line) for level, line in told]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.25, 1 / 32), (0.5, 1 / 8), (1, 0.5), (4, 3.5)]
)
def test_a_queue_holds_as_many_keys_of_the_querys_own_image(share, expected):
    """What the hook's text derives, counted in shuffled epochs."""
    images, epochs = 64, 400
    generator = torch.Generator().manual_seed(0)
    order = torch.cat(
        [torch.randperm(images, generator=generator) for _ in range(epochs)]
    )
    length = int(share * images)
    queues = order.unfold(0, length, 1)[:-1]  # those before each image
    own = (queues == order[length:, None]).sum(1)[-390 * images :]
    assert own.double().mean() == pytest.approx(expected, rel=0.1)


def test_one_batch_is_that_of_all_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(queue_length, "get_world_size", lambda: 2)
    assert run(_config(tmp_path, 64)).model.queue_len == 32


@pytest.mark.parametrize("kind", SUPERNETS)
def test_of_the_supernets(kind, tmp_path):
    cfg = load_config(str(ROOT / SUPERNETS[kind]), {"max_iters": 2})
    cfg.work_dir, cfg.experiment_name = str(tmp_path), kind
    cfg.train_dataloader.dataset.num_images = 72
    model = run(cfg).model
    assert type(model).__name__ == kind
    for name in model.queues:
        assert model.get_buffer(name).shape[1] == model.queue_len == 18
        assert int(model.get_buffer(f"{name}_ptr")) == 32 % 18


def test_every_algorithm_with_a_queue_names_all_of_them():
    kinds = [k for k in MODELS.module_dict.values() if issubclass(k, MoCo)]
    names = {kind.__name__ for kind in kinds}
    assert names >= {"MoCo", "SupernetMoCo", "SupernetDenseCL", "SlimmableMoCo"}
    for kind, name in SUPERNETS.items():
        with DefaultScope.overwrite_default_scope("mmtaskssl"):
            model = MODELS.build(load_config(str(ROOT / name)).model)
        queues = [k for k, b in model.named_buffers() if b.shape[-1:] == (64,)]
        assert sorted(model.queues) == sorted(k for k in queues if "queue" in k), kind


def test_it_counts_what_a_selection_leaves(tmp_path):
    cfg = _config(tmp_path, 400)
    cfg.train_dataloader.dataset = {
        "type": "RepeatDataset",
        "times": 5,
        "dataset": cfg.train_dataloader.dataset,
    }
    cfg.train_dataloader.dataset.dataset.num_images = 100
    assert run(cfg).model.queue_len == 25  # the same images again are no others
    from tests._images import make_image_folder

    images = make_image_folder(tmp_path / "images", 96, classes=(), size=16)
    chosen = tmp_path / "selection.txt"
    ids = sorted(str(p.relative_to(images)) for p in Path(images).rglob("*.*"))[:80]
    chosen.write_text("\n".join(ids))
    cfg = _config(tmp_path / "b", queue=4096)
    cfg.train_dataloader.dataset = {
        "type": "SelectedImages",
        "dataset": {
            "type": "UnlabeledImages",
            "source": str(images),
            "store_size": 40,
        },
        "selection": str(chosen),
    }
    assert run(cfg).model.queue_len == 20


def test_a_kept_queue_is_warned_of_and_refused(tmp_path, told):
    cfg = _config(tmp_path)
    cfg.default_hooks.queue.keep = True
    assert run(cfg).model.queue_len == 64
    assert [level for level, _ in told] == [logging.WARNING, logging.INFO]
    assert "exceeds 0.25 of the 100" in told[0][1] and "kept" in told[1][1]
    cfg = _config(tmp_path / "long", queue=101)
    cfg.default_hooks.queue.keep = True
    with pytest.raises(UserError, match=r"queue of 101 .* 100 .*model.queue_len=25"):
        run(cfg)
    cfg = _config(tmp_path / "study", queue=101)
    cfg.default_hooks.queue = {"type": "QueueLengthHook", "keep": True, "limit": 4}
    assert run(cfg).model.queue_len == 101


def test_a_length_on_the_command_line_is_kept(tmp_path):
    cfg = debug_config("mocov2", tmp_path, model__queue_len=48, max_iters=2)
    assert cfg.default_hooks.queue.keep
    assert run(cfg).model.queue_len == 48  # of 64 images
    cfg = debug_config("mocov2", tmp_path / "b", model__queue_len=65)
    with pytest.raises(UserError, match="queue of 65 keys"):
        run(cfg)
    free = {"model__queue_len": 65, "default_hooks__queue__keep": False}
    cfg = debug_config("mocov2", tmp_path / "c", **free, max_iters=2)
    assert run(cfg).model.queue_len == 16


def test_resuming_keeps_the_queue(tmp_path):
    whole = run(_config(tmp_path / "whole", iters=6)).model
    cfg = _config(tmp_path / "parts", iters=6, default_hooks__checkpoint__interval=3)
    run(cfg)
    cfg = _config(tmp_path / "parts", iters=6)
    cfg.resume, cfg.load_from = True, str(tmp_path / "parts" / "iter_3.pth")
    resumed = run(cfg).model
    assert resumed.queue_len == 25
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_another_queue_is_not_resumed_but_its_weights_can_be_loaded(tmp_path, told):
    run(_config(tmp_path, iters=3))
    checkpoint = str(tmp_path / "iter_3.pth")
    cfg = _config(tmp_path / "more", images=200, iters=6)
    cfg.resume, cfg.load_from = True, checkpoint
    with pytest.raises(UserError, match=r"queue of 25 keys, .* would be 50: .*load_f"):
        run(cfg)
    cfg = _config(tmp_path / "new", images=200, iters=1)
    cfg.load_from = checkpoint
    model = run(cfg).model
    assert model.queue.shape[1] == 50 and int(model.queue_ptr) == 16
    assert "queue of 25 keys is left out" in told[-1][1]


def test_a_config_that_does_not_name_the_hook_gets_it(tmp_path, monkeypatch):
    cfg = _config(tmp_path)
    cfg.default_hooks.pop("queue")
    built = []
    build = run_module.build_runner
    monkeypatch.setattr(
        run_module, "build_runner", lambda cfg: built.append(build(cfg)) or built[0]
    )
    run_module.train(cfg)
    assert built[0].model.queue_len == 25
    assert sum(isinstance(h, QueueLengthHook) for h in built[0].hooks) == 1


def test_an_average_of_the_model_has_the_queue_in_force(tmp_path, monkeypatch):
    cfg = _config(tmp_path)
    cfg.default_hooks.pop("queue")
    cfg.custom_hooks = [{"type": "EMAHook"}]
    built = []
    build = run_module.build_runner
    monkeypatch.setattr(
        run_module, "build_runner", lambda cfg: built.append(build(cfg)) or built[0]
    )
    run_module.train(cfg)
    hook = next(h for h in built[0].hooks if type(h).__name__ == "EMAHook")
    assert hook.ema_model.module.queue.shape == (32, 25)


def test_published_recipes_keep_theirs_and_no_other_does():
    kept = {}
    for path in sorted({*ROOT.rglob("*mocov2*.py"), *ROOT.rglob("*densecl*.py")}):
        if "_base_" not in path.parts:
            hook = load_config(str(path)).default_hooks.queue
            kept[path.stem] = hook.get("keep", False)
    assert sum(kept.values()) == 4
    assert all(keep == ("in1k" in stem) for stem, keep in kept.items())
