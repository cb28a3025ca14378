"""Options and variables that mean nothing are refused by their names."""

import pytest
from mmengine.config import Config

from mmtaskssl.config import load_config
from mmtaskssl.config.values import check_places, check_values
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config

MOCO = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_NAMES = ("images", "selection", "target", "teacher", "dataset", "data_root")


@pytest.mark.parametrize("value", ["", [], 0, False, {}])
@pytest.mark.parametrize("name", [*_NAMES, "backbone", "clusters", "weights"])
def test_an_empty_name_is_not_taken_for_none(name, value):
    with pytest.raises(UserError, match=f"^{name} must name something, not "):
        check_values({name: value})
    check_values({name: None})
    check_values({name: "a"})


@pytest.mark.parametrize("value", [-1, 1.5, "x", "", [], True, float("nan"), {}])
@pytest.mark.parametrize(
    "key",
    [
        "train_dataloader.num_workers",
        "test_dataloader.batch_size",
        "train_cfg.max_iters",
        "train_cfg.val_interval",
        "randomness.seed",
        "max_pixels",
    ],
)
def test_a_number_that_no_training_takes_is_refused(key, value):
    first, _, last = key.partition(".")
    cfg = Config({first: {last: value} if last else value})
    with pytest.raises(UserError, match=rf"^`{key}` must be a whole number from "):
        check_places(cfg)


def test_a_whole_number_may_be_written_with_a_point():
    """As hosts' configs do that divide; mmengine's loops take it."""
    check_places(Config({"train_cfg": {"val_interval": 57300.0}}))


def test_what_a_config_does_not_say_is_left_to_others():
    check_places(Config({"train_dataloader": None, "randomness": {"seed": None}}))


@pytest.mark.parametrize("value", [-0.1, 1.1, "x", "", [], True, float("nan")])
def test_a_share_is_a_part_of_the_whole(value):
    with pytest.raises(UserError, match=r"^`target_share` must be a number from "):
        check_values({"target_share": value})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_workers": -1}, "train_dataloader.num_workers` must be .*, not -1"),
        ({"randomness.seed": "x"}, "randomness.seed` must be .*, not 'x'"),
        ({"selection": ""}, "selection must name something, not ''"),
    ],
)
def test_the_command_line_is_looked_at(options, sentence):
    with pytest.raises(UserError, match=sentence):
        load_config(MOCO, options)


def test_a_childs_variables_are_looked_at_as_well(tmp_path):
    child = tmp_path / "child.py"
    base = f"_base_ = [{str(resolve_config(MOCO).resolve())!r}]\n"
    child.write_text(base + "selection = ''\n")
    with pytest.raises(UserError, match=r"^selection must name something, "):
        load_config(str(child))
