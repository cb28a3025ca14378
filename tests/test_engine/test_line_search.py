"""The line between two weights: its ends, its choice, and what noise chooses."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmtaskssl.apis import line_search, open_network
from mmtaskssl.cli.line_search import main
from mmtaskssl.engine.line_search import choose
from mmtaskssl.models.backbones import SubnetResNet
from mmtaskssl.utils.errors import UserError

BACKBONE = {
    "type": "SubnetResNet",
    "subnet": "s4-w4.4-d1.1",
    "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 3},
    "out_indices": (1,),
}
CONFIG = Config(
    {
        "default_scope": "mmtaskssl",
        "model": {
            "type": "SimSiam",
            "backbone": BACKBONE,
            "data_preprocessor": {"type": "TwoViewPreprocessor", "view_size": 16},
        },
    }
)
FAST = {"workers": 0, "device": "cpu", "folds": 4}


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Two classes that only the colour tells apart."""
    root = tmp_path_factory.mktemp("target")
    generator = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        (root / "train" / name).mkdir(parents=True)
        for i in range(12):
            pixels = generator.integers(0, 120, (16, 16, 3), dtype=np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(root / "train" / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """A network that sees colours, and one that does not."""
    folder = tmp_path_factory.mktemp("ends")
    torch.manual_seed(0)
    options = {k: v for k, v in BACKBONE.items() if k != "type"}
    net = SubnetResNet(**options, zero_init_residual=False)
    net.init_weights()
    seeing = net.state_dict()
    blind = {k: v.clone() for k, v in seeing.items()}
    grey = seeing["conv1.weight"].mean(1, keepdim=True)
    blind["conv1.weight"] = grey.expand_as(seeing["conv1.weight"]).clone()
    other = {k: v.clone() for k, v in seeing.items()}
    other["bn1.running_var"] = 2 * other["bn1.running_var"]
    for name, state in (("seeing", seeing), ("blind", blind), ("other", other)):
        torch.save(state, folder / f"{name}.pth")
    return folder


def test_it_takes_the_end_where_that_is_better(ends, target):
    found = line_search(
        (CONFIG, ends / "blind.pth"),
        (CONFIG, ends / "seeing.pth"),
        target,
        points=3,
        **FAST,
    )
    assert found.points == (0.0, 0.5, 1.0) and found.norms == "interpolated"
    assert found.chosen > 0 and found.gain > 20
    mixed = found.network.backbone.state_dict()["conv1.weight"]
    a, b = (torch.load(ends / f"{n}.pth")["conv1.weight"] for n in ("blind", "seeing"))
    torch.testing.assert_close(mixed, a + found.chosen * (b - a))
    assert "<- taken" in found.table() and "over the start" in found.table()


def test_it_takes_the_start_where_nothing_is_better(ends, target, tmp_path):
    start = (CONFIG, ends / "seeing.pth")
    found = line_search(start, (CONFIG, ends / "blind.pth"), target, points=3, **FAST)
    assert found.chosen == 0 and found.gain == 0
    own = open_network(*start).weights_sha256
    assert found.network.weights_sha256 == own == found.facts["start"]["weights_sha256"]
    found.save(tmp_path / "out")
    again = open_network(CONFIG, tmp_path / "out" / "weights.pth")
    assert again.weights_sha256 == own
    written = json.loads((tmp_path / "out" / "line_search.json").read_text())
    assert written["chosen"] == 0 and len(written["scores"]) == 3


def test_batch_norms_between_unlike_ends_are_measured(ends, target):
    pair = (CONFIG, ends / "seeing.pth"), (CONFIG, ends / "other.pth")
    found = line_search(*pair, target, points=[0.5], **FAST)
    assert found.points == (0.0, 0.5) and found.norms == "reestimated"
    lerped = line_search(*pair, target, points=[0.5, 1], norms="interpolated", **FAST)
    assert lerped.norms == "interpolated" and lerped.points == (0.0, 0.5, 1.0)
    # The starts are the same; what is between has other statistics.
    assert found.scores[0] == lerped.scores[0]


def test_one_standard_error_decides():
    start, better, noisy = [50, 52, 48], [60, 61, 59], [50, 56, 46]
    assert choose([start, noisy]) == 0
    assert choose([start, better]) == 1
    assert choose([start, better, [60.5, 61, 59.5]]) == 2
    assert choose([start, better, [62, 61, 58]]) == 1
    assert choose([better, start]) == 0


def test_what_cannot_be_searched(ends, target, tmp_path):
    pair = (CONFIG, ends / "seeing.pth"), (CONFIG, ends / "blind.pth")
    with pytest.raises(UserError, match="are two networks, with no line between"):
        line_search(("torchvision:shufflenet_v2_x0_5", "random"), pair[1], target)
    with pytest.raises(UserError, match="must be a whole number from 2"):
        line_search(*pair, target, points=1)
    with pytest.raises(UserError, match="must be a number from 0 to 1"):
        line_search(*pair, target, points=[2])
    with pytest.raises(UserError, match="no class has 13 images, as many as `folds`"):
        line_search(*pair, target, points=2, **{**FAST, "folds": 13})
    with pytest.raises(UserError, match="train does not exist"):
        line_search(*pair, tmp_path, **FAST)


def test_the_tool(ends, target, tmp_path, capsys):
    path = tmp_path / "config.py"
    path.write_text(CONFIG.pretty_text)
    argv = [str(path), str(ends / "seeing.pth"), "--weights", str(ends / "blind.pth")]
    argv += ["--target", str(target), "--out", str(tmp_path / "o"), "--points", "2"]
    main([*argv, "--device", "cpu", "--workers", "0", "--folds", "4"])
    assert "1.00 end" in capsys.readouterr().out
    assert (tmp_path / "o" / "weights.pth").is_file()
