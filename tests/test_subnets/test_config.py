import pytest

from mmtaskssl.subnets import PRESETS, build_space, find_backbone
from mmtaskssl.utils.errors import UserError


def test_every_preset_builds():
    for name in PRESETS:
        assert len(build_space(name)) == len(build_space({"preset": name})) > 1


@pytest.mark.parametrize(
    "config",
    [
        {"model": {"backbone": {"type": "X"}}},
        {
            "lr": 1,
            "model": {"type": "Y", "detector": {"neck": {}, "backbone": {"type": "X"}}},
        },
    ],
)
def test_find_backbone(config):
    assert find_backbone(config) == {"type": "X"}


def test_find_no_backbone():
    assert find_backbone({"space": "data_basic", "backbone": "resnet", "lr": 1}) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "needs either preset"),
        ({"preset": "data_basic", "kind": "grid"}, "needs either preset"),
        ("data", "'data' is not a search space; known are data_bottleneck"),
        ({"kind": "tree"}, "known are grid, list"),
        ({"preset": "data_basic", "stems": 7}, "stems"),
        ({"preset": "slimmable_resnet", "depth": 77}, "depth must be one of"),
        ({"preset": "slimmable_resnet", "widths": [0.5]}, "contain 1"),
        ({"preset": "slimmable_resnet", "widths": []}, "contain 1"),
        ({"preset": "slimmable_resnet", "widths": [1, 0]}, "contain 1"),
        ({"preset": "routed_resnet", "style": "loose"}, "'compact' or 'export'"),
        ({"preset": "routed_resnet", "groups": 3}, "multiple of 6"),
        ({"preset": "routed_resnet", "groups": 1}, "at least 2 groups"),
        ({"preset": "routed_resnet", "base_width": 63}, "do not divide"),
        ({"kind": "grid", "stem": [8]}, "arch"),
    ],
)
def test_bad_configs(config, message):
    with pytest.raises(UserError, match=message):
        build_space(config)
