"""Options are mmengine's, except that paths stay as they were typed."""

import argparse

import pytest

from mmtaskssl.cli.cfg_options import OptionsAction
from mmtaskssl.utils.errors import UserError


def parse(*values):
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=OptionsAction)
    return parser.parse_args(["--cfg-options", *values]).cfg_options


@pytest.mark.parametrize("path", ["/my data/a, b", "2024", "1e5", "a(b", "x=y", "True"])
@pytest.mark.parametrize("key", ["backbone", "train_dataloader.dataset.data_root"])
def test_paths_stay(key, path):
    assert parse(f"{key}={path}") == {key: path}
    assert parse(f"{key}='{path}'") == {key: path}


def test_everything_else_is_mmengines():
    found = parse("a.lr=1e-3", "shape=(1, 2)", "names=a,b", "images=None", "lr=[1]")
    assert found == {
        "a.lr": 1e-3,
        "shape": (1, 2),
        "names": ["a", "b"],
        "images": None,
        "lr": [1],
    }
    assert parse("ann_file=[a,b]") == {"ann_file": ["a", "b"]}


@pytest.mark.parametrize("text", ["backbone", "=x"])
def test_no_pair(text):
    with pytest.raises(UserError, match="--cfg-options takes KEY=VALUE, not"):
        parse(text)


def test_dicts_and_lists_of_them_stay_whole():
    hooks = "custom_hooks=[{'type':'EarlyStoppingHook','monitor':'enough'}]"
    assert parse(hooks, "a={'b': (1, 2)}") == {
        "custom_hooks": [{"type": "EarlyStoppingHook", "monitor": "enough"}],
        "a": {"b": (1, 2)},
    }
    with pytest.raises(UserError, match="is no list or dict as Python writes it"):
        parse("custom_hooks=[{type:EarlyStoppingHook}]")
