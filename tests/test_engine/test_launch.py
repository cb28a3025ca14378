import pytest
import torch

from mmtaskssl.engine import launch


@pytest.mark.parametrize(
    ("processes", "cores", "gpu", "threads"),
    [
        ("2", 8, False, 4),
        ("3", 8, False, 2),
        ("16", 8, False, 1),
        ("2", 8, True, 1),
        ("auto", 8, False, 1),
    ],
)
def test_processes_share_the_cores(monkeypatch, processes, cores, gpu, threads):
    monkeypatch.setattr(launch, "num_cores", lambda: cores)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert launch.threads_per_process(processes) == threads


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"}),
        ({"OMP_NUM_THREADS": "3"}, {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}),
        (
            {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2"},
            {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2"},
        ),
    ],
)
def test_processes_inherit_the_threads(monkeypatch, given, expected):
    seen = {}
    for name in expected:
        monkeypatch.setenv(name, "")  # so that what `main` sets is taken back
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(launch, "num_cores", lambda: 8)
    monkeypatch.setattr(launch, "run", lambda args: seen.update(launch.os.environ))
    assert launch.main(["--nproc_per_node=2", "tool.py"]) == 0
    assert {name: seen[name] for name in expected} == expected
