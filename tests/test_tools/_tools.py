"""Runs tools in this process: a fresh interpreter takes seconds to import torch."""

import contextlib
import importlib.util
import io

import pytest

from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.paths import resource_root


def load_tool(name):
    """Returns the module ``tools/NAME.py``."""
    path = resource_root("tools") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tools_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failure_of(tool, argv):
    """Runs a tool that must fail for the user, and returns its one sentence."""
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr), pytest.raises(SystemExit) as ended:
        run_tool(lambda _: tool.main(argv))
    lines = stderr.getvalue().strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert ended.value.code == 2 and len(errors) == 1 and lines[-1] == errors[0]
    return errors[0]
