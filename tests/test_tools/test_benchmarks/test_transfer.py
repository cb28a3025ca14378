"""The transfer evidence: probes that are run, tables of results that are given."""

import json

import pytest

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import SlimmableResNet
from studies.transfer import Transfer
from studies.transfer_tasks import FINE_TUNE
from tests._images import make_image_folder
from tests.test_models.test_backbones._nets import randomize
from tests.test_tools._tools import failure_of, load_tool
from tests.test_transfer.test_results import rows, write_run

_TOOL = "benchmarks/transfer_evidence"


@pytest.fixture
def data(tmp_path):
    for split, shots in (("train", 6), ("test", 4)):
        folder = tmp_path / "data" / "classification" / "dots" / split
        make_image_folder(folder, shots)
    (tmp_path / "data" / "detection" / "bccd").mkdir(parents=True)
    return tmp_path / "data"


@pytest.fixture
def exports(tmp_path):
    """Two seeds of a network that is the same but for its weights."""
    net = SlimmableResNet(depth=18, widths=[1, 0.125], zero_init_residual=False)
    for seed in range(2):
        folder = tmp_path / f"export-{seed}"
        write_bundle(randomize(net).eval(), net.space.min, folder, {}, image_size=32)
    return tmp_path / "export-{seed}"


def _argv(data, tmp_path, exports, *more):
    rows = [f"scratch=random:{exports}".format(seed=0), f"trained={exports}"]
    argv = ["--data", str(data), "--work-dir", str(tmp_path / "out"), "--seeds", "2"]
    return [*argv, "--exports", *rows, *more]


def test_probes_run_once(data, tmp_path, exports, capsys):
    argv = _argv(data, tmp_path, exports, "--tasks", "--targets", "dots")
    tool = load_tool(_TOOL)
    tool.main(argv)
    done = capsys.readouterr().out
    for name in ("scratch seed 0", "scratch seed 1", "trained seed 1"):
        assert f"dots {name}: knn" in done
    assert (tmp_path / "out" / "tables.md").read_text() in done
    found = tmp_path / "out" / "dots" / "trained" / "seed1" / "probes.json"
    assert set(json.loads(found.read_text())) == {"knn", "linear"}
    found.write_text('{"knn": 12.5, "linear": 25.0}')
    tool.main(argv)
    again = capsys.readouterr().out
    assert "dots trained" not in again and "12.5" in found.read_text()


def test_a_seed_draws_other_untrained_weights(data, tmp_path, exports):
    argv = _argv(data, tmp_path, exports, "--tasks", "--targets", "dots")
    tool = load_tool(_TOOL)
    tool.main(argv)
    out = tmp_path / "out"
    same = [out / "dots" / "scratch" / f"seed{seed}" / "arm.json" for seed in (0, 1)]
    assert same[0].read_text() == same[1].read_text()
    assert json.loads(same[0].read_text()).startswith("random:")
    # One seed's weights are not another's: their results may not be mixed.
    argv[argv.index("--exports") + 2] = f"trained={exports}".format(seed=0)
    assert "holds results of" in failure_of(tool, argv)


def _results(out):
    """Writes a detector's and a fine-tuned classifier's results, two seeds each."""
    for row, shift in (("scratch", 0), ("trained", 3)):
        for seed in range(2):
            ap = (10 + shift + seed * (shift or 1)) / 100
            folder = out / "bccd" / row / f"seed{seed}"
            write_run(folder, seed, "untrained", rows(10, ap))
            probes = out / "dots" / row / f"seed{seed}" / "probes.json"
            probes.parent.mkdir(parents=True)
            figures = {"knn": 20.0 + shift, "linear": 30.0 + seed}
            probes.write_text(json.dumps(figures))
            log = out / "dots-fine-tune" / row / f"seed{seed}"
            write_run(log, seed, "untrained", [{"accuracy/top1": 40.0, "step": 9}])


def test_tables_of_made_up_results(data, tmp_path, capsys):
    _results(tmp_path / "out")
    names = ["--tasks", "bccd", "--targets", "dots", "--fine-tune"]
    argv = _argv(data, tmp_path, "nowhere", *names, "--control", "scratch")
    load_tool(_TOOL).main([*argv, "--tables-only"])
    text = capsys.readouterr().out
    assert "| scratch | 2 | 10.5 ± 0.7 | 21.0 ± 1.4 |" in text
    assert "| trained | 2 | 14.5 ± 2.1 | 29.0 ± 4.2 |" in text
    # Seed by seed 3 and 5 points, not the difference of two spreads.
    assert "| trained | +4.0 ± 1.0 | +8.0 ± 2.0 |" in text
    knn, linear, tuned = text.split("top-1 (%)")[1:]
    assert "| trained | 2 | 23.0 ± 0.0 | 23.0 ± 0.0 | +3.0 ± 0.0 |" in knn
    assert "| scratch | 2 | 30.5 ± 0.7 | 30.5 ± 0.7 |  |" in linear
    assert "| trained | 2 | 40.0 ± 0.0 | 40.0 ± 0.0 | +0.0 ± 0.0 |" in tuned


def test_the_mean_is_of_seeds_that_all_sets_have(data, tmp_path, capsys):
    out = tmp_path / "out"
    _results(out)
    make_image_folder(data / "classification" / "lines" / "train")
    probes = out / "lines" / "scratch" / "seed1" / "probes.json"
    probes.parent.mkdir(parents=True)
    probes.write_text('{"knn": 30.0, "linear": 10.0}')
    names = ["--tasks", "--targets", "dots", "lines", "--tables-only"]
    load_tool(_TOOL).main(_argv(data, tmp_path, "nowhere", *names))
    knn = capsys.readouterr().out.split("top-1 (%)")[1]
    assert "| scratch | 1 | 20.0 ± 0.0 | 30.0 | 25.0 |" in knn
    assert "| trained | 0 | 23.0 ± 0.0 | - | - |" in knn


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--tasks", "camvid"], "camvid does not exist"),
        (["--tasks", "--targets", "cats"], "--data has no cats"),
        (["--tasks", "bccd", "--control", "x"], "--control x is no row"),
        (["--exports", "a"], "takes NAME=EXPORT_DIR, not 'a'"),
        (["--exports", "a=x", "a=y"], "names a row twice"),
        (["--tasks", "bccd"], "is no folder of an export"),
    ],
)
def test_bad_input(data, tmp_path, change, words):
    argv = _argv(data, tmp_path, "nowhere", *change)
    assert words in failure_of(load_tool(_TOOL), argv)
    assert not (tmp_path / "out").exists()


def test_the_options_of_a_training(data, tmp_path, exports):
    rows = [f"scratch=random:{exports}", f"trained={exports}"]
    study = Transfer(
        *(data, tmp_path, rows, ["bccd"], ["dots"], 1),
        fine_tune=True,
        options=["train_cfg.max_iters=5"],
    )
    detector, probe, classifier = study.tasks
    assert (probe.folder, classifier.folder) == ("dots", "dots-fine-tune")
    assert probe.config is None and classifier.config.stem == FINE_TUNE
    scratch, trained = (arm.export("bccd", 1) for arm in study.arms)
    options = detector.options_of(scratch, 1)
    assert options == [
        f"data_root={data}/detection/bccd/",
        f"backbone={tmp_path}/export-1/{trained.name}",
        "weights=random",
        "randomness.seed=1",
        "train_cfg.max_iters=5",
    ]
    assert "weights=export" in detector.options_of(trained, 1)
    assert detector.note(scratch).endswith(" train_cfg.max_iters=5")
    target = f"target={data}/classification/dots"
    assert classifier.options_of(trained, 0)[0] == target
    # The detectors' options are not the classifier's.
    assert "train_cfg.max_iters=5" not in classifier.options_of(trained, 0)
