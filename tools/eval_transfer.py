"""A frozen network on the public sets: `mmtaskssl eval_transfer --help`."""

from mmtaskssl.cli.eval_transfer import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
