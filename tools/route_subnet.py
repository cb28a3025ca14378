"""Finds the path of a routed network that suits a task: `mmtaskssl route_subnet`."""

from mmtaskssl.cli.route_subnet import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
