"""Finds copies within a pool: `mmtaskssl deduplicate`."""

from mmtaskssl.cli.deduplicate import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
