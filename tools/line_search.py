"""The line between two weights of a network: `mmtaskssl line-search --help`."""

from mmtaskssl.cli.line_search import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
