"""Logs become tables; the tools that make and compare runs refuse bad input."""

import json
import subprocess

import pytest

from mmtaskssl.transfer.compare import compare
from mmtaskssl.transfer.results import comparison_table, find_runs, read_run
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root
from tests.test_tools._tools import load_tool


def write_run(folder, seed, weights, rows, time="20260101_000000", config=""):
    log = folder / time / "vis_data"
    log.mkdir(parents=True)
    (log / "scalars.json").write_text("".join(json.dumps(r) + "\n" for r in rows))
    export = {"subnet": "s8-w8.16-d1.1", "weights": weights}
    (log / "config.py").write_text(
        f"export = {export!r}\nrandomness = dict(seed={seed})\n{config}\n"
    )
    (folder / "faster-rcnn_bccd.py").touch()
    return folder


def rows(step, ap):
    return [
        {"loss": 2.0, "lr": 0.1, "step": step - 1},
        {"pascal_voc/mAP": ap, "pascal_voc/AP50": 2 * ap, "step": step},
    ]


@pytest.fixture
def runs(tmp_path):
    for seed, ap in enumerate((0.1, 0.3)):
        write_run(tmp_path / f"moco{seed}", seed, "/x/moco/weights.pth", rows(10, ap))
    write_run(tmp_path / "random", 0, "untrained", rows(10, 0.05))
    return tmp_path


def test_resumed_run_is_one(tmp_path):
    write_run(tmp_path / "a", 3, "untrained", rows(10, 0.1))
    later = "20260102_000000", "resume = True"
    write_run(tmp_path / "a", 3, "untrained", rows(20, 0.25), *later)
    run = read_run(tmp_path / "a")
    assert run.metrics == {"mAP": 25.0, "AP50": 50.0}
    assert run.curves["mAP"] == [(10, 10.0), (20, 25.0)]
    assert (run.seed, run.task) == (3, "faster-rcnn_bccd")
    assert run.backbone == "s8-w8.16-d1.1 untrained"


def test_the_last_of_several_trainings_counts(tmp_path):
    write_run(tmp_path / "a", 3, "/x/byol/weights.pth", rows(20, 0.9))
    again = rows(10, 0.1)
    write_run(tmp_path / "a", 4, "/x/moco/weights.pth", again, "20260102_000000")
    # tools/test.py logs into the same folder, without the options of the training.
    tested = [{"pascal_voc/mAP": 0.7, "step": 0}]
    write_run(tmp_path / "a", 0, "untrained", tested, "20260103_000000")
    run = read_run(tmp_path / "a")
    assert run.curves["mAP"] == [(10, 10.0)]
    assert (run.seed, run.backbone) == (4, "x/moco")


def test_table_and_tool(runs, capsys):
    tool = load_tool("analysis_tools/compare_transfer")
    tool.main([str(runs), "--out", str(runs / "table.md")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "faster-rcnn_bccd"
    assert lines[2] == "| backbone | seeds | mAP | AP50 |"
    assert lines[4] == "| x/moco | 2 | 20.0 ± 14.1 | 40.0 ± 28.3 |"
    assert lines[5] == "| s8-w8.16-d1.1 untrained | 1 | 5.0 | 10.0 |"
    assert (runs / "table.md").read_text().splitlines() == lines


def test_metrics_that_are_counted_in_epochs_lie_at_their_iterations(tmp_path):
    log = []
    for step, ap in ((50, 0.1), (100, 0.2)):
        log += [{"loss": 1.0, "step": step}, {"pascal_voc/mAP": ap, "step": 0}]
    run = read_run(write_run(tmp_path / "a", 0, "untrained", log))
    assert run.curves["mAP"] == [(50, 10.0), (100, 20.0)]


def test_only_the_seed_may_differ_within_a_row(runs):
    settings = "train_cfg = dict(max_iters=99)\nwork_dir = 'x'"
    longer = rows(20, 0.9)
    write_run(runs / "other", 0, "/x/moco/weights.pth", longer, config=settings)
    (found,) = compare(find_runs([runs])).tasks.values()
    titles = {title: [run.seed for run in row] for title, row in found.items()}
    assert titles == {
        "x/moco, train_cfg.max_iters=None": [0, 1],
        "x/moco, train_cfg.max_iters=99": [0],
        "s8-w8.16-d1.1 untrained, train_cfg.max_iters=None": [0],
    }


def test_the_channels_of_another_backbone_are_no_setting(runs):
    settings = "model = dict(neck=dict(in_channels=[8]))"
    write_run(runs / "other", 0, "/x/byol/weights.pth", rows(9, 0.9), config=settings)
    (found,) = compare(find_runs([runs])).tasks.values()
    assert set(found) == {"x/moco", "x/byol", "s8-w8.16-d1.1 untrained"}


def test_what_has_not_ended_is_left_out_and_said(runs, capsys):
    write_run(runs / "begun", 2, "/x/moco/weights.pth", [{"loss": 1.0, "step": 5}])
    write_run(runs / "half", 3, "/x/moco/weights.pth", rows(5, 0.9))
    load_tool("analysis_tools/compare_transfer").main([str(runs)])
    said = capsys.readouterr()
    assert "| x/moco | 2 | 20.0 ± 14.1 | 40.0 ± 28.3 |" in said.out
    assert f"{runs / 'begun'} has no result yet: left out" in said.err
    assert f"{runs / 'half'} is at step 5 of 10: left out" in said.err
    with pytest.raises(UserError, match="no training has a result yet"):
        compare(find_runs([runs / "begun"]))


def test_the_same_run_twice_is_refused(runs):
    write_run(runs / "again", 1, "/x/moco/weights.pth", rows(10, 0.5))
    with pytest.raises(UserError, match="are the same training with the same seed, 1"):
        compare(find_runs([runs]))


def test_plot(runs):
    pytest.importorskip("matplotlib")
    tool = load_tool("analysis_tools/compare_transfer")
    tool.main([str(runs), "--plot", str(runs / "curves.png")])
    assert (runs / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_missing_cells_stay_empty():
    table = comparison_table({"a": [{"mIoU": 30.0}], "b": [{"top1": 5.0}]}, "net")
    assert table.splitlines()[2:] == ["| a | 1 | 30.0 |  |", "| b | 1 |  | 5.0 |"]


def test_folders_without_logs(tmp_path):
    with pytest.raises(UserError, match="holds no work dir"):
        find_runs([tmp_path])
    with pytest.raises(UserError, match="is no work dir"):
        read_run(tmp_path)
    run = write_run(tmp_path / "a", 0, "untrained", rows(10, 0.1))
    (run / "20260101_000000/vis_data/scalars.json").write_text('{"loss": 1}\n{"lo')
    with pytest.raises(UserError, match=r"scalars\.json, line 2, is no JSON"):
        read_run(run)


@pytest.mark.parametrize("task", ["classification", "detection", "segmentation"])
@pytest.mark.parametrize("launcher", ["dist", "slurm"])
def test_scripts_say_how_to_use_them(task, launcher):
    script = resource_root("tools") / "benchmarks" / task / f"{launcher}_train.sh"
    result = subprocess.run(["bash", script], capture_output=True, text=True)
    assert result.returncode == 2 and "CONFIG EXPORT GPUS" in result.stderr
