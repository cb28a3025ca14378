"""Searches sub-nets that suit a target, without labels: `mmtaskssl search_subnet`."""

from mmtaskssl.cli.search_subnet import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
