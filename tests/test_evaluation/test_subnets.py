"""All sub-nets in one table, through the two tools as a user runs them."""

import json

import pytest
import torch

from mmtaskssl.evaluation import subnets as module
from mmtaskssl.evaluation.subnet_table import format_subnets
from mmtaskssl.models.backbones import DynamicResNet
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.subnets import cost
from tests._images import make_image_folder
from tests.test_export._files import OTHER, STOCK, write_files
from tests.test_models.test_backbones._nets import batches, randomize
from tests.test_tools._tools import failure_of, load_tool

_WIDE, _THIN = "s16-w16.32.64.128-d1.1.1.1", "s8-w8.8.16.32-d1.1.1.1"
_BACKBONE = {
    "space": {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic"},
        "subnets": [_WIDE, _THIN],
        "anchors": {"1": _WIDE, "0.25": _THIN},
    },
    "norm_cfg": {"type": "SwitchableBN"},
}
SLIMMABLE = f"""
model = dict(
    type='Anything',
    data_preprocessor=dict(view_size=32),
    backbone=dict(type='mmtaskssl.DynamicResNet', **{_BACKBONE}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    for split, seed in (("train", 0), ("test", 1)):
        make_image_folder(folder / split, 4, ("red", "blue", "grey"), seed=seed)
    return folder


@pytest.fixture(scope="module")
def slimmable(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slim")
    (folder / "config.py").write_text(SLIMMABLE)
    net = randomize(DynamicResNet(**_BACKBONE)).eval()
    state = {f"backbone.{k}": v for k, v in net.state_dict().items()}
    torch.save({"state_dict": state}, folder / "net.pth")
    return str(folder / "config.py"), str(folder / "net.pth"), net


def options(folder, *more):
    more = (*more, "--workers", "0", "--device", "cpu")
    return ["--target", str(folder), *map(str, more)]


def test_switchable_widths_need_no_calibration(slimmable, folder, tmp_path, capsys):
    config, checkpoint, net = slimmable
    out = tmp_path / "r.json"
    more = options(folder, "--all-subnets", "--json", out)
    load_tool("eval_linear").main([config, checkpoint, *more])
    rows = json.loads(out.read_text())["rows"]
    assert [row["name"] for row in rows] == ["MAX 1", "MIN 0.25"]
    assert [row["dim"] for row in rows] == [128, 32]
    assert rows[1]["macs"] == cost(net.arch, net.resolve("MIN"), 32).macs
    for row in rows:
        assert row["results"].keys() == {"kNN", "linear"}
        assert 1 <= row["effective_rank"] <= 12
    assert "M MACs" in (text := capsys.readouterr().out) and "linear top1" in text


def test_rows_are_what_the_single_network_gets(slimmable, folder, tmp_path):
    config, checkpoint, net = slimmable
    out, plain_out = tmp_path / "r.json", tmp_path / "p.json"
    knn = load_tool("eval_knn")
    more = options(folder, "--subnet", "0.25", "--json", out, "-k", "3")
    knn.main([config, checkpoint, *more])
    subnet = net.resolve("0.25")
    model = {"data_preprocessor": {"view_size": 32}}
    model |= {"backbone": net.plain_config(subnet)}
    (tmp_path / "plain.py").write_text(f"model = {model}\n")
    torch.save(net.extract(subnet).state_dict(), tmp_path / "plain.pth")
    files = [str(tmp_path / "plain.py"), str(tmp_path / "plain.pth")]
    knn.main([*files, *options(folder, "--json", plain_out, "-k", "3")])
    (row,) = json.loads(out.read_text())["rows"]
    expected = json.loads(plain_out.read_text())["metrics"]
    assert row["results"]["kNN"]["metrics"] == expected


def test_calibrated_and_calibrate_on_the_way(folder, tmp_path):
    files = write_files(tmp_path, lambda net: calibrate(net, STOCK, batches()))
    config, checkpoint, _ = files
    knn = load_tool("eval_knn")
    knn.main([config, checkpoint, *options(folder, "--subnet", "MAX", STOCK)])
    asked = [config, checkpoint, *options(folder, "--subnet", STOCK, OTHER)]
    text = failure_of(knn, asked)
    assert f"mmtaskssl calibrate CONFIG CKPT --subnet {OTHER}" in text
    assert "give images to --calibrate with" in text
    asked += ["--calibrate", str(folder / "train"), "--json", str(tmp_path / "r.json")]
    knn.main(asked)
    first = (tmp_path / "r.json").read_text()
    assert json.loads(first)["calibration"]["images"] == 12
    (tmp_path / "r.json").unlink()
    knn.main([*asked[:5], OTHER, STOCK, *asked[7:]])  # in the other order
    second = json.loads((tmp_path / "r.json").read_text())
    assert second["rows"] == json.loads(first)["rows"][::-1]


def test_resumes_after_each_row(slimmable, folder, tmp_path, monkeypatch, capsys):
    config, checkpoint, _ = slimmable
    out = tmp_path / "r.json"
    asked = [config, checkpoint, *options(folder, "--all-subnets", "--json", out)]
    knn, done, real = load_tool("eval_knn"), [], module._Measure.__call__

    def interrupted(self, subnet):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(subnet)
        return real(self, subnet)

    monkeypatch.setattr(module._Measure, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        knn.main(asked)
    assert len(json.loads(out.read_text())["rows"]) == 1

    def counted(self, subnet):
        done.append(subnet)
        return real(self, subnet)

    monkeypatch.setattr(module._Measure, "__call__", counted)
    knn.main(asked)
    assert len(done) == 2 and len(json.loads(out.read_text())["rows"]) == 2
    assert "written anew" not in capsys.readouterr().out
    # Another sub-net's row stays where it is.
    knn.main([*asked[:4], "--subnet", "MIN", *asked[5:]])
    assert len(done) == 2 and len(json.loads(out.read_text())["rows"]) == 2
    knn.main([*asked, "-k", "2"])  # other settings: other results
    assert len(done) == 4 and "written anew" in capsys.readouterr().out


def test_untrained_network(slimmable, folder, tmp_path):
    config = slimmable[0]
    out = tmp_path / "r.json"
    load_tool("eval_knn").main(
        [config, "random", *options(folder, "--all-subnets", "--json", out)]
    )
    assert json.loads(out.read_text())["network"]["encoder"] == "random"


def test_table():
    def row(name, std):
        metrics = {"top1": {"mean": 50.0, "std": std, "n": 3}}
        result = {"metrics": metrics, "shots": 5, "train_images": 9, "test_images": 8}
        result |= {"classes": 2, "notes": ["a note"]}
        facts = {"macs": 2e6, "params": 1e6, "dim": 4, "effective_rank": 3.21}
        return {"name": name, "subnet": "s", "results": {"kNN": result}, **facts}

    text = format_subnets([row("MAX", 1.5), row("0.5", None)], ["kNN"], 64)
    lines = text.splitlines()
    assert lines[1].split() == [
        "MAX",
        "s",
        "2.000",
        "1.000",
        "4",
        "50.00",
        "+-",
        "1.50",
        "3.2",
    ]
    assert lines[2].split() == ["0.5", "s", "2.000", "1.000", "4", "50.00", "3.2"]
    assert "5 shots a class" in lines[3] and "64 px" in lines[3]
    assert lines[4] == "note: a note"


def test_bad_input(slimmable, folder, tmp_path):
    config, checkpoint, _ = slimmable
    knn = load_tool("eval_knn")
    asked = [config, checkpoint, *options(folder)]
    both = [*asked, "--subnet", "MIN", "--all-subnets"]
    assert "--subnet, or ask for --all-subnets" in failure_of(knn, both)
    stores = ["--train", "a", "--test", "b", "--all-subnets"]
    assert "and a target" in failure_of(knn, stores)
    assert "nonsense" in failure_of(knn, [*asked, "--subnet", "nonsense"])
    plain = tmp_path / "plain.py"
    plain.write_text("model = dict(backbone=dict(type='mmcls.MobileNetV2'))")
    asked[0] = str(plain)
    assert "has no sub-nets" in failure_of(knn, [*asked, "--all-subnets"])
