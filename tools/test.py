"""Tests a checkpoint with its config's own evaluator: `mmtaskssl test --help`."""

from mmtaskssl.cli.test import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
