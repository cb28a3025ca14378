import json
from types import SimpleNamespace

import pytest

from mmtaskssl.engine import fine_tune as module
from mmtaskssl.engine.fine_tune import FineTuning, read_map
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

NAMES = [f"s8-w8.16.32.64-d1.1.1.1{tail}" for tail in ("-p0.0.0.0", "-p0.1.0.0", "")]


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "voc" / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("".join(f"im{i}\n" for i in range(10)))
    return tmp_path / "voc"


@pytest.fixture
def trained(monkeypatch):
    """Stands in for exports and training; returns what was asked of it."""
    trainings = []

    def train(self, export, run, target, lists, seed):
        trainings.append((export, target, lists, seed))
        value = 0.1 * len(trainings) if len(trainings) < 3 else 0.15
        path = run / "20260101" / "vis_data"
        path.mkdir(parents=True)
        lines = [{"loss": 1.0, "step": 5}, {"pascal_voc/mAP": value, "step": 0}]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (path / "scalars.json").write_text(text + '{"loss": 1')

    monkeypatch.setattr(FineTuning, "_train", train)
    monkeypatch.setattr(module, "write_bundle", lambda *args: None)
    return trainings


def tune(target, tmp_path, **more):
    source = SimpleNamespace(elastic=None, meta={"checkpoint_sha256": "0" * 64})
    subnets = [Subnet.parse(name) for name in (*NAMES, NAMES[0])]
    tuning = FineTuning("det.py", tmp_path / "work", iters=5)
    return tuning.compare(source, subnets, target, **more)


def test_the_best_on_held_out_training_images_comes_first(target, tmp_path, trained):
    lines = []
    found = tune(target, tmp_path, log=lines.append)
    assert [row["subnet"] for row in found] == [NAMES[1], NAMES[2], NAMES[0]]
    assert [row["map"] for row in found] == [0.2, 0.15, 0.1]
    assert len(lines) == 3
    folder = tmp_path / "work" / f"det-5i-seed0-{'0' * 12}"
    fit, held_out = (
        (folder / name).read_text().split() for name in ("fit.txt", "held-out.txt")
    )
    assert len(fit) == 8 and len(held_out) == 2
    assert sorted(fit + held_out) == [f"im{i}" for i in range(10)]
    said = FineTuning("det.py", "", iters=5).conclude(found, Subnet.parse(NAMES[2]))
    assert f"5 iterations: {NAMES[1]} 20.0, MAX 15.0, {NAMES[0]} 10.0;" in said
    _, read, lists, seed = trained[0]
    assert read == target and seed == 0
    assert lists == (folder / "fit.txt", folder / "held-out.txt")
    # Nothing is trained twice.
    assert tune(target, tmp_path) == found and len(trained) == 3
    tune(target, tmp_path, seed=1)
    assert len(trained) == 6


def test_a_run_that_did_not_end_has_no_result(tmp_path):
    folder = tmp_path / "a" / "vis_data"
    folder.mkdir(parents=True)
    assert read_map(tmp_path) is None
    (folder / "scalars.json").write_text('{"loss": 0.5, "step": 4}\n{"pascal')
    assert read_map(tmp_path) is None
    (folder / "scalars.json").write_text('{"pascal_voc/mAP": 0.5, "step": 0}\n')
    assert read_map(tmp_path) == 0.5


def test_too_few_images_are_told(target, tmp_path, trained):
    (target / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match="too few images"):
        tune(target, tmp_path)
    with pytest.raises(UserError, match="at least"):
        FineTuning("det.py", tmp_path, top=0)


def test_a_training_goes_on_in_this_process_and_prints_into_a_file(
    target, tmp_path, monkeypatch, capsys
):
    asked = []

    def pretrain(config, **options):
        print("a line of the training")
        asked.append((config, options))

    monkeypatch.setattr(module, "pretrain", pretrain)
    monkeypatch.setattr(module, "write_bundle", lambda *args: None)
    with pytest.raises(UserError, match="ended without an mAP"):
        tune(target, tmp_path)
    (config, options), folder = asked[0], next((tmp_path / "work").iterdir())
    assert config == "det.py" and options["resume"] is True
    assert options["work_dir"] == folder / NAMES[0]
    changes = options["cfg_options"]
    assert changes["max_iters"] == 5 and changes["backbone"].endswith(NAMES[0])
    key = "train_dataloader.dataset.ann_file"
    assert changes[key] == str(folder / "fit.txt")
    log = folder / "logs" / f"{NAMES[0]}.log"
    assert log.read_text() == "a line of the training\n"
    assert not capsys.readouterr().out
