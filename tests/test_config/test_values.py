"""Options and variables that mean nothing are refused by their names."""

import pytest

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError

MOCO = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_EMPTY = ["", [], 0, False, {}]
_NO_NUMBER = [-1, 1.5, "x", "", [], True, float("nan")]


@pytest.mark.parametrize("value", _EMPTY)
@pytest.mark.parametrize(
    "name",
    ["images", "selection", "target", "teacher", "dataset", "data_root", "backbone"],
)
def test_an_empty_name_is_not_taken_for_none(name, value):
    with pytest.raises(UserError, match=f"^{name} must name something, not "):
        load_config(MOCO, {name: value})


@pytest.mark.parametrize("name", ["selection", "target", "teacher"])
def test_none_stands_for_none(name):
    assert load_config(MOCO, {name: None}).model.type == load_config(MOCO).model.type


@pytest.mark.parametrize("value", _NO_NUMBER)
@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("num_workers", "train_dataloader.num_workers"),
        ("train_dataloader.num_workers", "train_dataloader.num_workers"),
        ("train_dataloader.batch_size", "train_dataloader.batch_size"),
        ("train_cfg.max_iters", "train_cfg.max_iters"),
        ("train_cfg.val_interval", "train_cfg.val_interval"),
        ("randomness.seed", "randomness.seed"),
        ("max_pixels", "max_pixels"),
    ],
)
def test_a_number_that_no_training_takes_is_refused(key, named, value):
    with pytest.raises(UserError, match=f"^`{named}` must be a whole number from "):
        load_config(MOCO, {key: value})


@pytest.mark.parametrize("value", [-0.1, 1.1, "x", "", [], True, float("nan")])
def test_a_share_is_a_part_of_the_whole(value):
    with pytest.raises(UserError, match=r"^`target_share` must be a number from "):
        load_config(MOCO, {"target_share": value, "target": "t"})


def test_a_childs_variables_are_looked_at_as_well(tmp_path):
    from mmtaskssl.utils.paths import resolve_config

    child = tmp_path / "child.py"
    base = f"_base_ = [{str(resolve_config(MOCO).resolve())!r}]\n"
    child.write_text(base + "selection = ''\n")
    with pytest.raises(UserError, match=r"^selection must name something, "):
        load_config(str(child))
