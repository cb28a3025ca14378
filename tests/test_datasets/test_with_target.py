from pathlib import Path

import pytest
import torch
from PIL import Image

from mmtaskssl.config import load_config
from mmtaskssl.config.selecting import (
    held_out_of,
    pool_of,
    selection_of,
    without_selection,
)
from mmtaskssl.datasets.with_target import WithTarget
from mmtaskssl.utils.errors import UserError

_SMALL = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"


@pytest.fixture
def folders(tmp_path):
    for name, count in (("pool", 8), ("task/train/a", 1), ("task/train/b", 2)):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for i in range(count):
            shade = (20 * i, 100 if name == "pool" else 200, 0)
            Image.new("RGB", (30, 30), shade).save(folder / f"{i}.png")
    return tmp_path


def _build(folders, **options):
    inner = {
        "type": "mmtaskssl.UnlabeledImages",
        "source": str(folders / "pool"),
        "store_size": 20,
    }
    return WithTarget(inner, str(folders / "task"), **options)


def test_targets_images_follow_as_often_as_asked_for(folders):
    data = _build(folders, share=0.5)
    assert data.repeats == 3 and len(data) == 8 + 9 and data.distinct_images == 11
    assert len(data.image_ids) == len(data)
    assert data.image_ids[8].endswith("task/train/a/0.png")
    for index in (0, 7, 8, 16, -1):
        sample = data[index]
        place = index % len(data)
        assert set(sample) == {"inputs", "sample_idx"} and sample["sample_idx"] == place
        assert sample["inputs"].shape == (3, 20, 20)
        assert int(sample["inputs"][1, 0, 0]) == (100 if place < 8 else 200)
    assert torch.equal(data[8]["inputs"], data[11]["inputs"])
    assert _build(folders, share=0.01).repeats == 1
    assert not hasattr(data, "labels")


def test_bad_shares_and_folders_are_refused(folders):
    with pytest.raises(UserError, match="between 0 and 1"):
        _build(folders, share=1.0)
    with pytest.raises(UserError, match="does not exist"):
        WithTarget(_build(folders).dataset, str(folders / "none"))


def test_the_option_wraps_what_is_trained_on():
    options = {"target": "task", "target_share": 0.3, "selection": "some.txt"}
    cfg = load_config(_SMALL, options)
    assert cfg.train_dataloader.dataset.type == "mmtaskssl.WithTarget"
    assert cfg.train_dataloader.dataset.share == 0.3
    assert cfg.train_dataloader.dataset.target == "task"
    assert cfg.train_dataloader.dataset.dataset.type == "mmtaskssl.SelectedImages"
    with pytest.raises(UserError, match=r"target_share=0\.3 needs one target"):
        load_config(_SMALL, {"target_share": 0.3})


def test_a_printed_config_is_changed_below_the_targets_images(tmp_path):
    options = {"target": "task", "target_share": 0.3, "selection": "some.txt"}
    cfg = load_config(_SMALL, options)
    assert selection_of(cfg) == "some.txt" and held_out_of(cfg) == 0
    assert pool_of(cfg)["type"] == "UnlabeledImages"
    whole = without_selection(cfg).train_dataloader.dataset
    assert whole["type"] == "mmtaskssl.WithTarget"
    assert whole["dataset"]["type"] == "UnlabeledImages"
    printed = tmp_path / "printed.py"
    printed.write_text(cfg.pretty_text)
    other = load_config(printed, {"selection": "other.txt", "held_out": 5})
    assert selection_of(other) == "other.txt" and held_out_of(other) == 5
    types = []
    dataset = other.train_dataloader.dataset
    while "dataset" in dataset:
        types.append(dataset.type.removeprefix("mmtaskssl."))
        dataset = dataset.dataset
    assert types == ["WithTarget", "HoldOutImages", "SelectedImages"]
    printed.write_text(other.pretty_text)
    assert held_out_of(load_config(printed, {"held_out": 0})) == 0


def test_a_list_names_the_images(folders, tmp_path):
    inner = _build(folders).dataset
    paths = sorted(Path(folders / "task" / "train").rglob("*.*"))
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    listed = WithTarget(inner, str(tmp_path / "list.txt"))
    whole = _build(folders)
    assert len(listed.target) == len(whole.target) == len(paths)
    assert listed.repeats == whole.repeats
