"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch


def pytest_configure(config):
    # Small tensors: more threads cost more than they give, and results must not
    # depend on their number.
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device")
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


@pytest.fixture
def own_default_scope():
    """Leaves the hosts' default scopes of a test to that test."""
    from mmengine.registry import DefaultScope

    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)
