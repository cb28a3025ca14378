"""``python -m mmtaskssl COMMAND ...``, the same as ``mmtaskssl COMMAND ...``."""

from mmtaskssl.cli.main import run
from mmtaskssl.utils.errors import run_tool


def main() -> None:
    """Entry point of the console script."""
    run_tool(run)


if __name__ == "__main__":
    main()
