"""Logistic regression on features: `mmtaskssl eval_linear --help`."""

from mmtaskssl.cli.eval_linear import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
