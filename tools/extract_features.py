"""Extracts features of images into a store: `mmtaskssl extract_features --help`."""

from mmtaskssl.cli.extract_features import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
