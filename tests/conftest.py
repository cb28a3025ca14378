"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

from mmtaskssl.utils.errors import set_flags


def pytest_configure(config):
    # Results of unmarked tests are the CPU's, bit for bit, and `auto` means it. Before
    # anything asks torch for devices; two ranks and child processes inherit it.
    if not _wants_gpu(config):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    # Small tensors: more threads cost more than they give, and results must not
    # depend on their number.
    torch.set_num_threads(1)


def _wants_gpu(config) -> bool:
    """Whether `-m` chooses the tests that need a GPU, as `make test-gpu` does."""
    return config.getoption("markexpr").strip() == "gpu"


def pytest_collection_modifyitems(config, items):
    root = Path(__file__).resolve().parents[1]
    slow = set((root / "tests" / "slow.txt").read_text(encoding="utf-8").split())
    for item in items:
        if str(item.path.relative_to(root)) in slow:
            item.add_marker("slow")
    if _wants_gpu(config) and torch.cuda.is_available():
        return
    reason = "needs a CUDA device" if _wants_gpu(config) else "make test-gpu runs it"
    skip = pytest.mark.skip(reason=reason)
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_root(repo_root) -> Path:
    """The folder of measuring images; skips where there is none."""
    root = Path(os.environ.get("MMTASKSSL_DATA", repo_root.parent / "shared" / "data"))
    if not (root / "pool" / "images").is_dir():
        if os.environ.get("MMTASKSSL_REQUIRE_DATA"):
            pytest.fail(f"the measuring images are required, but not in {root}")
        pytest.skip("no measuring images: set MMTASKSSL_DATA")
    return root


@pytest.fixture(autouse=True)
def no_tool_runs():
    """Lets messages name options as in Python, whatever tool a test before ran."""
    set_flags()


@pytest.fixture
def own_default_scope():
    """Leaves the hosts' default scopes of a test to that test."""
    from mmengine.registry import DefaultScope

    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)
