"""The configs of distillation are whole; the debug ones train."""

from pathlib import Path

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import build_runner
from mmtaskssl.engine.run_checks import check_batches, check_teachers
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

_ROOT = Path(__file__).resolve().parents[1] / "configs" / "distill"
_CONFIGS = sorted(_ROOT.glob("*.py"))
_DEBUG = [path for path in _CONFIGS if "debug" in path.stem]
_OTHERS = [path for path in _CONFIGS if "debug" not in path.stem]


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_names_and_docstrings_tell_what_a_config_does(path):
    assert f"{path.stem}.py" in path.read_text().split('"""')[1]
    cfg = load_config(str(path))
    processes, images = map(int, path.stem.split("_")[2].split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == images
    if "debug" not in path.stem:
        assert cfg.auto_scale_lr.base_batch_size == processes * images


@pytest.mark.parametrize("path", _OTHERS, ids=lambda p: p.stem)
def test_a_teacher_is_one_option_and_its_images_large_enough(path):
    cfg = load_config(str(path), {"teacher": "timm:resnet10t=file", "images": "there"})
    teacher = cfg.model.distill.teacher
    assert teacher.network == "timm:resnet10t=file"
    dataset = cfg.train_dataloader.dataset
    dataset = dataset.get("dataset", dataset)
    assert dataset.source == "there"
    stored = dataset.get("store_size", 512)
    assert stored >= teacher.get("view_size", 224)


@pytest.mark.parametrize("path", _DEBUG, ids=lambda p: p.stem)
def test_debug_config_trains(path, tmp_path):
    cfg = load_config(str(path), {"max_iters": 2})
    cfg.update(work_dir=str(tmp_path), launcher="none", log_level="WARNING")
    cfg.experiment_name = f"distill_{path.stem}"
    runner = build_runner(cfg)
    check_batches(runner)
    runner.train()
    assert runner.iter == 2 and (tmp_path / "iter_2.pth").is_file()


def test_a_store_takes_the_networks_place(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    cfg = load_config(str(_OTHERS[0]), {"teacher": str(tmp_path)})
    assert cfg.model.distill.teacher == {
        "type": "mmtaskssl.StoreTeacher",
        "store": str(tmp_path),
    }


def test_a_config_without_a_place_for_teachers_is_refused():
    path = "configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py"
    with pytest.raises(UserError, match=r"set model\.distill"):
        load_config(path, {"teacher": "timm:resnet10t"})


def test_images_smaller_than_the_teachers_crops_are_refused(tmp_path):
    (path,) = (p for p in _DEBUG if p.stem.startswith("distill_"))
    cfg = load_config(str(path))
    model = MODELS.build({**cfg.model, "_scope_": "mmtaskssl"})

    class Stored:
        store_size = 24
        image_ids = ("a", "b")

    with pytest.raises(UserError, match=r"keeps 24 pixels .* crops of 32"):
        check_teachers(model, Stored())
    Stored.store_size = 32
    check_teachers(model, Stored())


def test_a_training_taught_by_its_start_resumes_with_it(tmp_path):
    """The start is shown before the checkpoint's weights come."""
    (path,) = (p for p in _DEBUG if p.stem.startswith("distill-supernet"))
    options = {"max_iters": 2, "default_hooks.checkpoint.interval": 1}
    options |= {"teacher": "start", "model.distill.dense_losses": []}
    cfg = load_config(str(path), options)
    cfg.update(work_dir=str(tmp_path / "drawn"), launcher="none", log_level="WARNING")
    runner = build_runner(cfg)
    with pytest.raises(UserError, match=r"nothing yet: set `weights`"):
        runner.train()
    state = {f"backbone.{k}": v for k, v in runner.model.backbone.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "start.pth")
    options["weights"] = str(tmp_path / "start.pth")
    digests, weights = [], []
    steps = ((2, False), (3, True), (3, False))
    for number, (length, resume) in enumerate(steps):
        cfg = load_config(str(path), options | {"max_iters": length})
        folder = tmp_path / ("again" if number == 2 else "first")
        cfg.update(work_dir=str(folder), launcher="none", log_level="WARNING")
        cfg.update(experiment_name=f"start{number}", resume=resume)
        cfg.param_scheduler = []
        runner = build_runner(cfg)
        check_batches(runner)
        runner.train()
        digests.append(runner.model.distill[0].teacher.hexdigest())
        weights.append(runner.model.backbone.state_dict())
    assert digests[0] != "0" * 64 and len(set(digests)) == 1
    for key, value in weights[2].items():
        assert torch.equal(value, weights[1][key]), key
