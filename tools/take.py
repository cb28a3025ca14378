"""Takes selected images out of their pool: `mmtaskssl take`."""

from mmtaskssl.cli.take import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
