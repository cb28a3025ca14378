"""A pre-training beside its control runs: `mmtaskssl controls --help`."""

from mmtaskssl.cli.controls import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
