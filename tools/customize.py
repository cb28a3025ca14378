"""A pre-training beside its control runs: `mmtaskssl customize --help`."""

from mmtaskssl.cli.customize import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
