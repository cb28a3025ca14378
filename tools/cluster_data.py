"""Clusters a pool into a tree of balanced clusters: `mmtaskssl cluster_data --help`."""

from mmtaskssl.cli.cluster_data import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
