import subprocess
import sys
import zipfile

import pytest
import yaml

pytest.importorskip("hatchling")


@pytest.fixture(scope="module")
def installed(repo_root, tmp_path_factory):
    """A folder that holds what a user of the wheel has, and only that."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(out), str(repo_root)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (wheel,) = out.glob("mmtaskssl-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def _names(root, pattern):
    return {str(path.relative_to(root)) for path in root.rglob(pattern)}


def _is_evidence(name):
    """Whether a file of the tools is a study, a measurement, or of their harness.

    Or checks what is to be released.
    """
    folder, _, rest = name.partition("/")
    if folder == "release":
        return True
    *inside, _ = rest.split("/")
    within = inside[:1] in (["studies"], ["harness"]) or (
        not inside and rest.endswith(".py")
    )
    return folder == "benchmarks" and within


def test_the_wheel_has_every_config_and_tool(repo_root, installed):
    resources = installed / "mmtaskssl" / ".mim"
    for folder in ("configs", "tools"):
        for pattern in ("*.py", "*.sh"):
            expected = _names(repo_root / folder, pattern)
            if folder == "tools":
                expected = {name for name in expected if not _is_evidence(name)}
            assert _names(resources / folder, pattern) == expected
    assert (installed / "mmtaskssl" / "report" / "style.css").is_file()


def test_the_wheel_has_no_evidence(installed):
    assert not (installed / "mmtaskssl" / "benchmarks").exists()
    tools = installed / "mmtaskssl" / ".mim" / "tools" / "benchmarks"
    # What trains on exports in the hosts is for users.
    assert {path.name for path in tools.rglob("*.py")} == {"finetune_grid.py"}
    assert not [*installed.rglob("*evidence*"), *installed.rglob("studies")]
    assert not [*installed.rglob("release*")]


def test_evidence_is_no_tool():
    command = [sys.executable, "-m", "mmtaskssl", "--help"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert listed.returncode == 0 and "select_data" in listed.stdout
    assert "benchmarks" not in listed.stdout and "release" not in listed.stdout


def test_the_wheel_has_what_mim_looks_configs_up_by(installed):
    resources = installed / "mmtaskssl" / ".mim"
    index = yaml.safe_load((resources / "model-index.yml").read_text())
    assert index["Import"]
    for name in index["Import"]:
        for model in yaml.safe_load((resources / name).read_text())["Models"]:
            assert (resources / model["Config"]).is_file()


def test_mmengine_finds_the_wheels_configs_by_name(installed, tmp_path):
    name = "transfer/classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
    (tmp_path / "mine.py").write_text(f"_base_ = 'mmtaskssl::{name}'")
    code = f"""
import sys; sys.path.insert(0, {str(installed)!r})
import mmtaskssl
from mmengine.config import Config
from mmengine.hub import get_config, get_model
name = "mmtaskssl::{name}"
assert get_config(name).max_iters == Config.fromfile("mine.py").max_iters
print(mmtaskssl.__file__, type(get_model(name)).__name__)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert f"{installed / 'mmtaskssl' / '__init__.py'} " in result.stdout
    assert result.stdout.split()[-1] == "ImageClassifier"


def test_the_wheels_tools_run_from_anywhere(installed, tmp_path):
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
        "runpy.run_module('mmtaskssl', run_name='__main__')"
    )
    config = "configs/selfsup/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py"
    command = [sys.executable, "-c", code, str(installed)]
    command += ["misc/print_config", config]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert "queue_len=65536" in result.stdout.replace(" ", "")


def test_an_unknown_tool_gets_a_sentence():
    command = [sys.executable, "-m", "mmtaskssl", "trian"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 2
    assert result.stderr.startswith(
        "error: unknown command 'trian'; did you mean 'train'?"
    )
