"""Trainings that others start."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mmtaskssl.customize.race.launched import ScriptedSteps, make_steps
from mmtaskssl.utils.errors import UserError


def _write(path, text):
    Path(path).write_text(text)


def _fail(text):
    raise UserError(text)


@pytest.fixture
def submitted(tmp_path):
    shown = []
    return make_steps("submitit", tmp_path / "logs", shown.append, {"cluster": "local"})


def test_submitit_runs_steps_at_once(submitted, tmp_path):
    files = [tmp_path / f"{name}.txt" for name in "ab"]
    submitted.run_several(
        lambda f=f: submitted.call(f.stem, f, _write, str(f), f.stem) for f in files
    )
    assert [f.read_text() for f in files] == ["a", "b"]
    assert (tmp_path / "logs" / "jobs").is_dir()


def _mark(folder):
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    Path(folder, f"{os.getpid()}").write_text(device)


def test_jobs_help(submitted, tmp_path):
    submitted.help("features", 3, _mark, str(tmp_path))
    assert len([p for p in tmp_path.iterdir() if p.name.isdecimal()]) == 3
    with pytest.raises(UserError, match="no such luck"):
        submitted.help("features", 1, _fail, "no such luck")


def test_every_gpu_helps(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6,7")
    steps = make_steps("pytorch", tmp_path / "logs", print, {"GPUS": "2"})
    steps.help("features", 8, _mark, str(tmp_path))
    files = [p for p in tmp_path.iterdir() if p.name.isdecimal()]
    assert sorted(p.read_text() for p in files) == ["4", "6"]
    with pytest.raises(UserError, match="no such luck"):
        steps.help("features", 8, _fail, "no such luck")
    # One of them is this process's own; so is what one process can do.
    for launcher, gpus, most in (("pytorch", "1", 8), ("pytorch", "2", 1)):
        make_steps(launcher, tmp_path / "logs", print, {"GPUS": gpus}).help(
            "features", most, _fail, "not called"
        )
    make_steps("none", tmp_path / "logs", print, {}).help("x", 8, _fail, "not called")


def test_a_failed_job_repeats_the_sentence(submitted, tmp_path):
    with pytest.raises(UserError, match="no such luck"):
        submitted.call("luck", tmp_path / "none", _fail, "no such luck")


def test_bad_parameters_of_submitit(tmp_path):
    with pytest.raises(UserError, match="submitit refuses"):
        make_steps("submitit", tmp_path, print, {"cluster": "local", "colour": "red"})


def test_submitit_leaves_log_files_open(tmp_path):
    # In a process of its own: what is imported once is not imported again.
    script = """if 1:
        import logging, os, sys
        from mmtaskssl.customize.race.launched import make_steps
        handler = logging.FileHandler(sys.argv[1] + "/training.log")
        assert "submitit" not in sys.modules
        make_steps("submitit", sys.argv[1] + "/logs", print, {"cluster": "local"})
        assert "submitit" in sys.modules
        handler.stream.write("still open")
        print(os.environ.get("SUBMITIT_LOG_LEVEL"))
    """
    for level in (None, "DEBUG"):
        environment = os.environ | ({"SUBMITIT_LOG_LEVEL": level} if level else {})
        command = [sys.executable, "-c", script, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.stdout == f"{level}\n", done.stderr
        assert (tmp_path / "training.log").read_text().endswith("still open")
        (tmp_path / "training.log").unlink()


def test_slurm_needs_a_partition(tmp_path, monkeypatch):
    monkeypatch.delenv("PARTITION", raising=False)
    with pytest.raises(UserError, match="PARTITION=NAME"):
        make_steps("slurm", tmp_path, print, {})


def test_slurm_trains_by_its_script(tmp_path, monkeypatch):
    """By a stand-in for srun, which notes its words and runs nothing."""
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"json.dump(sys.argv[1:], open({str(tmp_path / 'words.json')!r}, 'w'))\n"
    )
    srun.chmod(srun.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{srun.parent}{os.pathsep}{os.environ['PATH']}")
    jobs = {"PARTITION": "vision", "GPUS": "2", "CPUS_PER_TASK": "3"}
    steps = make_steps("slurm", tmp_path / "logs", print, jobs)
    line = ["pretrain", "a config.py", "--work-dir", "w", "--resume"]
    steps.run("train a", tmp_path / "words.json", *line)
    words = json.loads((tmp_path / "words.json").read_text())
    assert words[:3] == ["-p", "vision", "--job-name=a config"]
    assert "--ntasks=2" in words and "--cpus-per-task=3" in words
    assert words[-6:] == ["--launcher", "slurm", *line[1:]]


def test_torchrun_has_all_gpus_or_one_process(tmp_path):
    steps = ScriptedSteps(tmp_path, print, "pytorch", {})
    words = steps.command(["pretrain", "c.py", "--resume"])
    assert words[1].endswith("dist_train.sh") and words[2:] == ["c.py", "1", "--resume"]
    steps = ScriptedSteps(tmp_path, print, "pytorch", {"GPUS": "4"})
    assert steps.command(["pretrain", "c.py"])[3] == "4"
    order = []
    steps.run_several(lambda n=n: order.append(n) for n in range(3))
    assert order == [0, 1, 2]
