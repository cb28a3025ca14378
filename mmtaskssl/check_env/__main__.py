from mmtaskssl.check_env import main
from mmtaskssl.utils.errors import run_tool

if __name__ == "__main__":
    run_tool(main)
