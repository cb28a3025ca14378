"""Trains specialists that branch off from one network: `mmtaskssl branch`."""

from mmtaskssl.cli.branch import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
