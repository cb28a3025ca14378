"""Which pool images help a target, and how much: `mmtaskssl quickstart --help`."""

from mmtaskssl.cli.quickstart import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
