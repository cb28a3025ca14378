"""Lists sub-nets with their costs: `mmtaskssl get_flops --help`."""

from mmtaskssl.cli.get_flops import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
