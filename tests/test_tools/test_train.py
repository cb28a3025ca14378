"""tools/train.py and its neighbours, as a user meets them."""

import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmtaskssl.cli import cpus as cli_cpus
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root
from tests._images import make_image_folder

_TOOLS = resource_root("tools")
_CONFIG = "configs/selfsup/{0}/{0}_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_MOCO = _CONFIG.format("mocov2")
_FULL = "configs/selfsup/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py"
_PROBE = (
    "configs/transfer/classification/linear-probe_resnet50_8xb32-steplr-100e_in1k.py"
)
_QUIET = "log_level=WARNING"


def _train(*argv, tool="train.py"):
    main = runpy.run_path(str(_TOOLS / tool))["main"]
    return main([str(arg) for arg in argv])


def _weights(path):
    return torch.load(path, weights_only=False)["state_dict"]


def test_trains_and_resumes(tmp_path):
    _train(_MOCO, "--work-dir", tmp_path, "--cfg-options", _QUIET, "max_iters=6")
    assert (tmp_path / "iter_6.pth").is_file()
    options = ["--cfg-options", _QUIET, "max_iters=9", "experiment_name=second"]
    _train(_MOCO, "--work-dir", tmp_path, "--resume", *options)
    assert (tmp_path / "last_checkpoint").read_text().endswith("iter_9.pth")

    other = tmp_path / "other"
    checkpoint = tmp_path / "iter_6.pth"
    options[-1] = "experiment_name=third"
    _train(_MOCO, "--work-dir", other, "--resume", checkpoint, *options)
    first, second = _weights(tmp_path / "iter_9.pth"), _weights(other / "iter_9.pth")
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_resume_with_nothing_to_resume_begins_with_the_loaded_weights(tmp_path):
    train = ["--cfg-options", _QUIET, "max_iters=3", "experiment_name=first"]
    _train(_MOCO, "--work-dir", tmp_path / "a", *train)
    first = tmp_path / "a" / "iter_3.pth"
    # A rate of 0: what was loaded stays.
    load = [f"load_from={first}", "optim_wrapper.optimizer.lr=0", "max_iters=1"]
    load += ["optim_wrapper.optimizer.weight_decay=0", "experiment_name=load"]
    again = ["--work-dir", tmp_path / "b", "--resume", "--cfg-options", _QUIET, *load]
    _train(_MOCO, *again)
    before, after = _weights(first), _weights(tmp_path / "b" / "iter_1.pth")
    name = "backbone.conv1.weight"
    assert torch.equal(before[name], after[name])


def test_amp_and_scaled_rate(tmp_path, monkeypatch):
    built = []
    import mmtaskssl.engine.run as run

    inner = run.build_runner
    monkeypatch.setattr(
        run, "build_runner", lambda c: built.append(inner(c)) or built[-1]
    )
    _train(
        *(_MOCO, "--work-dir", tmp_path, "--amp", "--auto-scale-lr"),
        *("--cfg-options", _QUIET, "max_iters=2", "param_scheduler=[]"),
    )
    (wrapper,) = [runner.optim_wrapper for runner in built]
    assert type(wrapper).__name__ in ("AutoPrecisionOptimWrapper", "AmpOptimWrapper")
    # 16 images a step, and the rate of 0.12 is for 256
    assert wrapper.optimizer.param_groups[0]["lr"] == pytest.approx(0.12 * 16 / 256)


def test_folder_selection_and_watched_target(tmp_path):
    pool = make_image_folder(tmp_path / "pool", n_per_class=10, classes=("a", "b"))
    for part, seed in (("train", 1), ("test", 2)):
        make_image_folder(tmp_path / "target" / part, classes=("x", "y"), seed=seed)
    chosen = [f"a/{i:03d}.png" for i in range(8)]
    (tmp_path / "selection.txt").write_text("\n".join(chosen) + "\n")
    small = "mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
    _train(
        *(f"configs/selfsup/mocov2/{small}", "--work-dir", tmp_path / "run"),
        *("--cfg-options", _QUIET, f"images={pool}", "max_iters=2", "batch_size=8"),
        *(f"selection={tmp_path / 'selection.txt'}", f"target={tmp_path / 'target'}"),
        *("num_workers=0", "param_scheduler.0.end=1", "param_scheduler.1.begin=1"),
    )
    assert (tmp_path / "run" / "iter_2.pth").is_file()
    scalars = next((tmp_path / "run").rglob("scalars.json")).read_text()
    assert scalars.count("knn_top1") == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.py"], "config nowhere.py does not exist"),
        (["mmdet::nowhere.py"], "package mmdet has no config nowhere.py"),
        (["nopackage::x.py"], "package nopackage is not installed"),
        ([_MOCO, "--cfg-options", "max_iter=3"], "did you mean 'max_iters'"),
        ([_MOCO, "--cfg-options", "model.queue_lne=3"], "the argument 'queue_lne'"),
        ([_MOCO, "--cfg-options", "model.type=MoCo3"], "'MoCo3', which is not"),
        ([_MOCO, "--cfg-options", "model.backbone.type=ResNt"], "'ResNt', which is"),
        (
            [_MOCO, "--cfg-options", "optim_wrapper.optimizer.type=SDG"],
            "the optimizer 'SDG'",
        ),
        ([_MOCO, "--cfg-options", "param_scheduler.7.type=X"], "options do not fit"),
        ([_MOCO, "--cfg-options", "default_hooks.x.interval=3"], 'no "type"'),
        ([_MOCO, "--cfg-options", "images=/x"], "trains on SyntheticImages"),
        ([_MOCO, "--cfg-options", "batch_size=65"], "65 images .* data set has 64"),
        ([_MOCO, "--cfg-options", "model.queue_len=8"], "16 keys .* queue holds 8"),
        ([_MOCO, "--cfg-options", "batch_size=1"], "batch norm"),
        ([_MOCO, "--cfg-options", "load_from=/no.pth"], "/no.pth does not exist"),
        ([_MOCO, "--resume", "/no.pth"], "checkpoint /no.pth does not exist"),
        ([_MOCO, "--launcher", "slurm"], "needs a GPU"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(arguments, sentence, tmp_path, monkeypatch):
    if "slurm" in arguments and torch.cuda.is_available():
        pytest.skip("slurm is for GPUs")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence) as caught:
        _train(*arguments)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.pth"))


def test_config_with_a_mistake(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("model = dict(\n")
    with pytest.raises(UserError, match=r"config .*bad.py cannot be read"):
        _train(bad)
    bad.write_text("model = dict(type='mmselfsup.MoCo')\n")
    with pytest.raises(UserError, match="no train_dataloader"):
        _train(bad, "--work-dir", tmp_path)


def test_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    small = "mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
    with pytest.raises(UserError, match="empty"):
        _train(
            *(f"configs/selfsup/mocov2/{small}", "--work-dir", tmp_path / "run"),
            *("--cfg-options", f"images={tmp_path / 'empty'}"),
        )


def test_broken_images_in_a_worker(tmp_path):
    pool = make_image_folder(tmp_path / "pool", n_per_class=10, classes=("a", "b"))
    for path in (pool / "a").iterdir():
        path.write_bytes(b"no image")
    small = "mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
    with pytest.raises(UserError, match=r"^\d+ of 20 images .* are broken") as caught:
        _train(
            *(f"configs/selfsup/mocov2/{small}", "--work-dir", tmp_path / "run"),
            *("--cfg-options", _QUIET, f"images={pool}", "batch_size=8"),
        )
    assert "\n" not in str(caught.value)


def test_checkpoint_of_another_architecture(tmp_path):
    wide = ["model.backbone.base_channels=16", "model.neck.in_channels=128"]
    _train(
        *(_MOCO, "--work-dir", tmp_path / "wide"),
        *("--cfg-options", _QUIET, "max_iters=1", *wide),
    )
    checkpoint = tmp_path / "wide" / "iter_1.pth"
    for option in (
        ["--resume", checkpoint],
        ["--cfg-options", f"load_from={checkpoint}"],
    ):
        with pytest.raises(UserError, match=r"another architecture.*backbone\.layer1"):
            _train(_MOCO, "--work-dir", tmp_path / "narrow", *option)

    torch.save({"state_dict": {"x": torch.zeros(1)}}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("text")
    for name, sentence in (
        ("other", "another architecture: none of its names is"),
        ("text", "no checkpoint"),
    ):
        option = f"load_from={tmp_path / name}.pth"
        with pytest.raises(UserError, match=sentence):
            _train(_MOCO, "--work-dir", tmp_path / name, "--cfg-options", option)


def test_test_tool_needs_a_test(tmp_path):
    with pytest.raises(UserError, match=r"no test_dataloader; .*mmtaskssl evaluate"):
        _train(_MOCO, "x.pth", "--work-dir", tmp_path, tool="test.py")
    with pytest.raises(UserError, match=r"end in \.pkl"):
        _train(_MOCO, "x.pth", "--out", "x.json", tool="test.py")


def test_print_config(capsys):
    _train(_MOCO, "--cfg-options", "max_iters=7", tool="misc/print_config.py")
    printed = capsys.readouterr().out
    assert "max_iters = 7" in printed
    assert "type='SeekableIterLoop'" in printed


def test_error_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, _TOOLS / "train.py", "nowhere.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: config nowhere.py does not exist")
    assert "Traceback" not in done.stderr


def test_dist_train_with_two_processes(tmp_path):
    """The whole chain, the script included; about ten seconds of imports."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = subprocess.run(
        [
            *(_TOOLS / "dist_train.sh", _MOCO, "2", "--work-dir", tmp_path / "run"),
            *("--cfg-options", "max_iters=2"),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHON": sys.executable, "PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "iter_2.pth").is_file()
    assert "GPU number: 2" in done.stdout + done.stderr


def test_dist_train_ends_with_the_sentence(tmp_path):
    done = subprocess.run(
        [_TOOLS / "dist_train.sh", "nowhere.py", "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHON": sys.executable, "PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error: config nowhere.py does not exist" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "script",
    [
        *("dist_run", "dist_train", "dist_test", "benchmarks/detection/dist_train"),
        *("slurm_run", "slurm_train", "slurm_test"),
        "benchmarks/segmentation/slurm_train",
    ],
)
def test_scripts_say_how_they_are_used(script):
    done = subprocess.run(
        [_TOOLS / f"{script}.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


@pytest.mark.parametrize("script", ["train", "test", "benchmarks/detection/train"])
def test_slurm_script_passes_everything_on(script, tmp_path):
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    folder, _, tool = script.rpartition("/")
    arguments, passed = {
        "train": (["job", "c.py", "--amp"], ["c.py", "--amp"]),
        "test": (["job", "c.py", "c.pth", "--amp"], ["c.py", "c.pth", "--amp"]),
        "benchmarks/detection/train": (
            ["dir/job.py", "out", "4", "data_root=x", "--amp"],
            ["dir/job.py", "--cfg-options", "backbone=out", "data_root=x", "--amp"],
        ),
    }[script]
    done = subprocess.run(
        [_TOOLS / folder / f"slurm_{tool}.sh", "part", *arguments],
        env=os.environ
        | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": "py", "GPUS": "4"}
        | {"CPUS_PER_TASK": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.splitlines()
    assert words[:3] == ["-p", "part", "--job-name=job"]
    assert {"--ntasks=4", "--cpus-per-task=3"} <= set(words)
    place = words.index("--launcher")
    assert Path(words[place - 1]).name == f"{tool}.py"
    assert Path(words[place - 1]).is_file()
    assert words[place:] == ["--launcher", "slurm", *passed]


@pytest.mark.parametrize(
    ("script", "arguments", "cpus"),
    [
        ("train", [_FULL, "--amp"], 9),
        ("train", [_FULL, "--cfg-options", "num_workers=2", "log_level=INFO"], 3),
        (
            "test",
            [_PROBE, "c.pth", "--cfg-options", "test_dataloader.num_workers=11"],
            12,
        ),
    ],
)
def test_slurm_asks_for_a_cpu_a_worker_and_one(
    script, arguments, cpus, tmp_path, capsys
):
    cli_cpus.main(arguments)
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(cpus)
    # The script asks that module with these arguments, and takes its last line.
    asked, answer = tmp_path / "asked", tmp_path / "answer"
    answer.write_text(f"a warning\n{printed}")
    python = _program(tmp_path / "py", f'printf "%s\\n" "$@" >{asked}; cat {answer}')
    done = _slurm(tmp_path, script, "job", *arguments, python=python)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"--cpus-per-task={cpus}" in done.stdout.splitlines()
    assert asked.read_text().splitlines() == ["-m", cli_cpus.__name__, *arguments]


def test_slurm_asks_in_a_process_of_its_own(tmp_path):
    done = _slurm(tmp_path, "train", "job", _FULL, "--amp")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "--cpus-per-task=9" in done.stdout.splitlines()


def _program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _slurm(folder, script, *arguments, python=sys.executable):
    """Runs a script of a cluster, where ``srun`` prints what it is given."""
    _program(folder / "srun", 'printf "%s\\n" "$@"')
    return subprocess.run(
        [_TOOLS / f"slurm_{script}.sh", "part", *arguments],
        env=os.environ
        | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_slurm_starts_nothing_for_a_config_that_is_not_there(tmp_path):
    done = _slurm(tmp_path, "train", "job", "nowhere.py")
    assert done.returncode == 2 and not done.stdout
    assert "error: config nowhere.py does not exist" in done.stderr
