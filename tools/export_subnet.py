"""Exports sub-nets as plain networks: `mmtaskssl export_subnet --help`."""

from mmtaskssl.cli.export_subnet import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
