import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from mmtaskssl import check_env
from mmtaskssl.check_env import Check, format_table, probes, run_check, run_checks
from mmtaskssl.check_env.probes import Doubt
from tests.test_compat._fresh import run_python


def _check(probe=lambda: "fine", module=None, required=True):
    return Check("thing", module, required, probe, "pip install thing")


def _raises(error):
    def probe():
        raise error

    return probe


def test_what_works_needs_no_mending():
    result = run_check(_check())
    assert (result.works, result.note, result.mend) == ("yes", "fine", "")
    assert not result.failed


def test_version_is_the_modules_own():
    assert run_check(_check(module="pytest")).version == pytest.__version__


@pytest.mark.parametrize("required", [True, False])
def test_absent_package(required):
    result = run_check(_check(module="no_such_package", required=required))
    assert result.works == "absent"
    assert result.mend == "pip install thing"
    assert result.failed == required


@pytest.mark.parametrize("error", [OSError("bad.so: x\nmore"), AssertionError("low")])
def test_broken_package(error):
    result = run_check(_check(_raises(error)))
    assert result.works == "no"
    assert result.note == f"{type(error).__name__}: {str(error).splitlines()[0]}"
    assert result.mend == "pip install thing"
    assert result.failed


def test_missing_dependency_is_mended_on_its_own_line():
    on_torch = run_check(_check(_raises(ModuleNotFoundError(name="torch"))))
    assert (on_torch.works, on_torch.note, on_torch.mend) == ("no", "needs torch", "")
    on_ftfy = run_check(_check(_raises(ModuleNotFoundError(name="ftfy"))))
    assert (on_ftfy.note, on_ftfy.mend) == ("needs ftfy", "pip install thing")


def test_doubt_is_no_failure():
    result = run_check(_check(_raises(Doubt("slow", "export N=1"))))
    assert (result.works, result.note, result.mend) == (
        "yes, but",
        "slow",
        "export N=1",
    )
    assert not result.failed
    assert run_check(_check(_raises(Doubt("slow")))).mend == ""


def test_table_shows_each_line_and_what_failed():
    checks = [
        _check(module="pytest"),
        _check(_raises(OSError("bad.so"))),
        _check(_raises(OSError("worse.so")), required=False),
    ]
    table = format_table([run_check(check) for check in checks])
    assert f"thing    {pytest.__version__}" in table
    assert "no (OSError: bad.so)" in table
    assert table.count("-> pip install thing") == 2
    assert "mmtaskssl cannot run: thing\n" in table


@pytest.mark.parametrize("required", [True, False])
def test_exit_status(required, monkeypatch, capsys):
    failing = _check(_raises(OSError("bad.so")), required=required)
    monkeypatch.setattr(check_env, "CHECKS", (_check(), failing))
    assert check_env.main() == int(required)
    assert "bad.so" in capsys.readouterr().out


def test_two_faiss_distributions(monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(
        metadata,
        "packages_distributions",
        lambda: {"faiss": ["faiss-gpu", "faiss-cpu"]},
    )
    (check,) = [c for c in check_env.CHECKS if c.name == "faiss"]
    result = run_check(check)
    assert result.works == "yes, but"
    assert "faiss-cpu and faiss-gpu" in result.note
    assert result.mend == (
        "pip uninstall -y faiss-cpu faiss-gpu && pip install faiss-cpu"
    )


def test_more_threads_than_cores(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 10_000)
    (check,) = [c for c in check_env.CHECKS if c.name == "threads"]
    result = run_check(check)
    assert result.works == "yes, but"
    assert result.mend.startswith("export OMP_NUM_THREADS=")


def test_this_environment_runs(capsys):
    assert check_env.main([]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-2] == "mmtaskssl can run"
    for name in ("torch", "torchvision", "mmengine", "mmcv", "mmselfsup"):
        assert any(line.startswith(name) for line in printed.splitlines())


@pytest.mark.parametrize(
    "missing, failed",
    [
        ("torch", "torch"),
        ("mmengine", "mmengine"),
    ],
)
def test_missing_packages_are_lines_and_no_traceback(missing, failed):
    # None in sys.modules makes an import fail just as an absent package does.
    optional = ("mmdet", "mmseg", "faiss", "sklearn")
    done = run_python(
        f"""
        import runpy, sys
        for name in {(missing, *optional)!r}:
            sys.modules[name] = None
        runpy.run_module("mmtaskssl.check_env", run_name="__main__")
        """
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"mmtaskssl cannot run: {failed}\n" in done.stdout
    for name in optional:
        (check,) = [c for c in check_env.CHECKS if c.module == name]
        assert f"-> {check.mend}" in done.stdout


def test_nothing_is_imported_before_a_check_runs():
    done = run_python(
        """
        import sys, mmtaskssl.check_env
        print({"torch", "numpy", "mmengine", "mmcv"} & set(sys.modules))
        """
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_commands_name_the_interpreter_they_are_for(capsys):
    check_env.main()
    assert capsys.readouterr().out.strip().endswith(f"{sys.executable} -m pip")


def test_what_stands_on_a_broken_package_is_not_blamed():
    def broken():
        raise OSError("libtorch.so: undefined symbol")

    def never():
        raise AssertionError("tried in vain")

    below = Check("torch", None, True, broken, "mend torch")
    above = Check("mmcv", None, True, never, "mend mmcv", ("torch",))
    first, second = run_checks((below, above))
    assert first.mend == "mend torch" and "undefined symbol" in first.note
    assert (second.works, second.mend) == ("no", "")
    assert second.note == "needs torch, which does not work" and second.failed
    assert run_checks((above,))[0].mend == "mend mmcv"  # nothing is known of torch


@pytest.mark.parametrize("error", ["OSError('libtorch.so: x')", "ImportError('low')"])
def test_a_broken_torch_is_the_one_that_is_named(tmp_path, error):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"raise {error}\n")
    done = run_python(
        f"""
        import runpy, sys
        sys.path.insert(0, {str(tmp_path)!r})
        runpy.run_module("mmtaskssl.check_env", run_name="__main__")
        """
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "mmtaskssl cannot run: torch\n" in done.stdout
    lines = done.stdout.splitlines()
    blamed = [i for i, line in enumerate(lines) if "needs torch, which does" in line]
    assert len(blamed) >= 4  # torchvision and the hosts
    assert not any("->" in lines[i + 1] for i in blamed)


def test_a_system_that_is_not_linux_is_said(monkeypatch):
    assert probes.system().startswith("Linux ")
    monkeypatch.setattr(probes.sys, "platform", "darwin")
    with pytest.raises(Doubt, match="tested on Linux alone"):
        probes.system()
    check = next(check for check in check_env.CHECKS if check.name == "system")
    monkeypatch.setattr(probes, "os", SimpleNamespace(name="nt"))
    result = run_check(check)
    assert result.failed and "wsl --install" in result.mend
