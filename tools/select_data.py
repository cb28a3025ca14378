"""Selects the pool images most similar to a target: `mmtaskssl select_data --help`."""

from mmtaskssl.cli.select_data import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
