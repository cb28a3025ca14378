"""Trains a config: `mmtaskssl train --help`."""

from mmtaskssl.cli.train import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
