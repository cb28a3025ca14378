"""Gives sub-nets batch-norm statistics: `mmtaskssl calibrate_bn --help`."""

from mmtaskssl.cli.calibrate_bn import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
