"""Weighted k-nearest-neighbour accuracy of features: `mmtaskssl eval_knn --help`."""

from mmtaskssl.cli.eval_knn import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
