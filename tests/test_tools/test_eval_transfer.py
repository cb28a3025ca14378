"""tools/eval_transfer.py as a user runs it, on small copies of the public sets."""

import functools
import json
import shutil

import pytest
import torch

from mmtaskssl.evaluation.metrics import classification_metrics
from mmtaskssl.evaluation.transfer_probes import PROBES, linear
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.models.backbones import SlimmableResNet
from tests._images import make_image_folder
from tests._public_sets import accept_copies, make_public_sets
from tests.test_models.test_backbones._nets import randomize
from tests.test_tools._tools import failure_of, load_tool
from tests.test_tools.test_extract_features import CONFIG


@pytest.fixture
def tool(monkeypatch):
    # Few values, for time; the whole grids have tests of their own.
    few = functools.partial(linear, weight_decays=(1e-6, 1.0, 1e5))
    monkeypatch.setitem(PROBES, "linear", few)
    monkeypatch.setattr("mmtaskssl.evaluation.svm.SVM_COSTS", (0.1, 10.0))
    return load_tool("eval_transfer")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = make_public_sets(
            tmp_path_factory.mktemp("data"),
            ("aircraft", "cifar10", "dtd", "imagenet", "voc2007"),
        )
        accept_copies(patch.setattr, root)
        yield root


@pytest.fixture
def options(data, tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    network = [str(tmp_path / "config.py"), "random", "--image-size", "12"]
    return [
        *(*network, "--workers", "0", "--device", "cpu"),
        *("--root", str(data), "--out", str(tmp_path / "out")),
    ]


def results(tmp_path):
    return json.loads((tmp_path / "out/results.json").read_text())


def test_every_set_there_is_measured_and_the_others_are_named(
    tool, options, tmp_path, capsys
):
    tool.main([*options, "--probe", "linear", "knn", "svm"])
    rows = {(row["set"], row["probe"]): row for row in results(tmp_path)["rows"]}
    metrics = {
        "aircraft": "mean_per_class",
        "cifar10": "top1",
        "dtd": "top1",
        "voc2007": "mAP_11point",
    }
    assert rows.keys() == {
        *((name, probe) for name in metrics for probe in ("linear", "knn")),
        ("voc2007", "svm"),
    }
    for (name, probe), row in rows.items():
        assert row["metric"] == metrics[name]
        assert row["score"] == row["metrics"][row["metric"]]
        if probe == "linear":  # the classes differ in colour
            assert row["score"] > 80 and 1e-6 <= row["weight_decay"] <= 1e5
    assert [rows["cifar10", "linear"][key] for key in ("train", "val", "test")] == [
        *(18, 2, 6)
    ]
    assert len(rows["voc2007", "svm"]["costs"]) == 3
    text = capsys.readouterr().out
    table = text[text.index("set  ") :].splitlines()
    assert [line.split()[0] for line in table[1:5]] == list(metrics)
    mean = sum(rows[name, "linear"]["score"] for name in metrics) / 4
    assert table[5].split()[:4] == ["mean", "of", "4", f"{mean:.2f}"]
    assert table[5].split()[-1] == "-"  # svm is of one set only
    assert "note: dtd: 2 classes instead of 47: incomplete" in table
    assert table[-1] == (
        "not on this disk: caltech101, cars, cifar100, flowers102, food101, pets, "
        "sun397"
    )
    assert "cars: skipped. Cars is not in" in text


def test_the_same_command_goes_on(tool, options, tmp_path, capsys, monkeypatch):
    tool.main([*options, "--sets", "dtd", "--json", str(tmp_path / "first.json")])
    first = json.loads((tmp_path / "first.json").read_text())
    capsys.readouterr()
    # What is done is neither extracted nor fitted again.
    monkeypatch.setattr("mmtaskssl.evaluation.transfer_protocol.extract_to_store", None)
    tool.main([*options, "--sets", "dtd", "--json", str(tmp_path / "again.json")])
    assert json.loads((tmp_path / "again.json").read_text()) == first
    monkeypatch.undo()
    tool.main([*options, "--sets", "dtd", "aircraft", "--probe", "knn"])
    assert "dtd/train: 6 images, " in capsys.readouterr().out
    kept = [(row["set"], row["probe"]) for row in results(tmp_path)["rows"]]
    assert kept == [("dtd", "linear"), ("dtd", "knn"), ("aircraft", "knn")]


def test_stores_hold_what_the_files_of_arrays_show(tool, options, tmp_path):
    tool.main([*options, "--sets", "cifar10", "--probe", "knn"])
    stores = {
        split: FeatureStore.open(tmp_path / "out/features/cifar10" / split)
        for split in ("train", "val", "test")
    }
    assert stores["train"].image_ids[0] == "cifar-10-batches-py/train/00000"
    assert stores["test"].image_ids[5] == "cifar-10-batches-py/test/00005"
    # The protocol's transform: the short side becomes the crop's.
    assert stores["test"].manifest["transform"]["short_side"] == 12
    x = torch.from_numpy(stores["test"].read())
    similar = x @ x.T
    same = torch.arange(6)[:, None] % 2 == torch.arange(6) % 2
    assert similar[same].min() > similar[~same].max()


def test_an_export_takes_the_place_of_config_and_checkpoint(
    tool, options, tmp_path, capsys
):
    net = randomize(SlimmableResNet(depth=18, widths=[1, 0.25])).eval()
    write_bundle(net, net.space.min, tmp_path / "export", {}, image_size=32)
    rest = [*options[2:], "--sets", "dtd", "--probe", "knn"]
    tool.main([str(tmp_path / "export"), *rest])
    assert results(tmp_path)["rows"][0]["dim"] == 128
    assert results(tmp_path)["extractor"]["source"] == "online"
    target = str(make_image_folder(tmp_path / "target/train").parent)
    make_image_folder(tmp_path / "target/test")
    folder = [str(tmp_path / "export"), "--target", target, "--workers", "0"]
    load_tool("eval_knn").main([*folder, "--image-size", "32"])
    assert "8 training images, 8 test images, 2 classes, 128 features" in (
        capsys.readouterr().out
    )
    assert "not made from the same inputs (extractor" in failure_of(
        tool, [*options, "--sets", "dtd"]
    )
    assert "has its own weights" in failure_of(
        tool, [str(tmp_path / "export"), "x.pth", *rest]
    )
    shutil.rmtree(tmp_path / "out")
    tool.main([str(tmp_path / "export"), "random", *rest])
    assert results(tmp_path)["extractor"]["source"] == "random"


def test_other_sets_by_name_or_by_file(tool, options, tmp_path):
    (tmp_path / "mine.py").write_text(
        "model = dict(head=dict(num_classes=2))\n"
        "val_evaluator = dict(type='TransferMetric', metric='top1')\n"
        "train_dataloader = dict(dataset=dict(type='PublicImages', name='dtd'))\n"
    )
    tool.main([*options, "--sets", "imagenet", str(tmp_path / "mine.py")])
    rows = results(tmp_path)["rows"]
    assert [row["set"] for row in rows] == ["imagenet", "mine"]
    assert rows[1]["notes"] == [n for n in rows[1]["notes"] if "incomplete" not in n]
    (tmp_path / "other.py").write_text("model = dict()\n")
    text = failure_of(tool, [*options, "--sets", str(tmp_path / "other.py")])
    assert "is none of a transfer set" in text


def test_unreadable_images_are_left_out_and_said(tool, options, tmp_path, data):
    copy = tmp_path / "data"
    shutil.copytree(data / "dtd", copy / "dtd")
    broken = copy / "dtd/dtd/images/banded/banded_0005.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    options[options.index("--root") + 1] = str(copy)
    tool.main([*options, "--sets", "dtd", "--probe", "knn"])
    (row,) = results(tmp_path)["rows"]
    assert "dtd/test: 1 images cannot be read" in row["notes"]


def test_bad_input(tool, options, tmp_path):
    root = options.index("--root") + 1
    assert "no transfer set 'birds'; known are aircraft" in failure_of(
        tool, [*options, "--sets", "birds"]
    )
    elsewhere = [*options[:root], str(tmp_path), *options[root + 1 :]]
    text = failure_of(tool, elsewhere)
    assert f"none of the sets is in {tmp_path}, such as: Aircraft is not in" in text
    nowhere = [*options[:root], str(tmp_path / "no"), *options[root + 1 :]]
    assert "is no folder" in failure_of(tool, nowhere)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/results.json").write_text("{")
    assert "results.json is damaged: delete it" in failure_of(tool, options)


def test_metrics_of_open_labels_are_over_the_rest():
    scores = torch.tensor([[3.0, 0.0], [2.0, 1.0], [1.0, 2.0]])
    y = torch.tensor([[0, 0], [1, 1], [-1, 1]])
    found = classification_metrics(scores, y)
    # Class 0: one positive behind one negative, the open row is not counted.
    assert found["mAP"] == pytest.approx(100 * (0.5 + 1) / 2)
