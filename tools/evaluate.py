"""How good features are for a task: `mmtaskssl evaluate --help`."""

from mmtaskssl.cli.evaluate import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
