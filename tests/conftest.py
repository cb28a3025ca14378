"""Fixtures shared by all tests."""

import functools
import gc
import os
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from yapf.yapflib import yapf_api

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


_ROOT = Path(__file__).resolve().parents[1]
# Path -> place in the list, which begins with the file that takes longest.
_SLOW = {
    _ROOT / name: place
    for place, name in enumerate(
        (_ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").split()
    )
}


def pytest_ignore_collect(collection_path, config):
    # To import them only to leave them out takes longer than some of the others.
    if config.getoption("markexpr").strip() == "not slow" and collection_path in _SLOW:
        return True
    return None


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.path in _SLOW:
            item.add_marker("slow")
    # The longest files first: at the end no process waits for one that began late.
    items.sort(key=lambda item: _SLOW.get(item.path, len(_SLOW)))
    if _wants_gpu(config) and torch.cuda.is_available():
        return
    reason = "needs a CUDA device" if _wants_gpu(config) else "make test-gpu runs it"
    skip = pytest.mark.skip(reason=reason)
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)


def pytest_collection_finish():
    # Each full collection looks through all that the imports left, which takes half a
    # second, and every training ends with one.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return _ROOT


@pytest.fixture(scope="session")
def data_root(repo_root) -> Path:
    """The folder of measuring images; skips where there is none."""
    root = Path(os.environ.get("MMTASKSSL_DATA", repo_root.parent / "shared" / "data"))
    if not (root / "pool" / "images").is_dir():
        if os.environ.get("MMTASKSSL_REQUIRE_DATA"):
            pytest.fail(f"the measuring images are required, but not in {root}")
        pytest.skip("no measuring images: set MMTASKSSL_DATA")
    return root


@pytest.fixture(autouse=True, scope="session")
def _texts_are_formatted_once():
    """A training has its config formatted for the log, its record and each checkpoint.

    Of a short one that is most of the time; the text of the same config is the same.
    """
    inner = yapf_api.FormatCode

    @functools.lru_cache(maxsize=64)
    def remembered(text, style, more):
        return inner(text, style_config=dict(style), **dict(more))

    def format_code(text, style_config, **more):
        return remembered(text, (*style_config.items(),), (*more.items(),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yapf_api, "FormatCode", format_code)
        yield


@pytest.fixture(autouse=True)
def no_tool_runs():
    """Lets messages name options as in Python, whatever tool a test before ran."""
    set_flags()


@pytest.fixture(autouse=True)
def _own_default_scope():
    """Leaves the default scopes of a test to that test: a runner's stays set."""
    from mmengine.registry import DefaultScope

    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture
def said(caplog):
    """What the package logs, whatever level another test has left its logger at."""
    name = f"said-{id(caplog)}"
    logger = MMLogger.get_instance(name, log_level="INFO")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
    del MMLogger._instance_dict[name]
