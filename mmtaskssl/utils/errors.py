"""One sentence for what a user can cause, a traceback for what only we can."""

import sys
from collections.abc import Callable, Sequence


class UserError(Exception):
    """Bad input: its message says in one sentence what is wrong and what to do."""


def run_tool(main: Callable[[Sequence[str] | None], int | None]) -> None:
    """Runs a tool's ``main(argv)`` and ends the process.

    A `UserError` becomes ``error: <sentence>`` on stderr and exit status 2; an
    interrupt exits with 130. Everything else keeps its traceback.

    Args:
        main: Takes the argument list (None: ``sys.argv[1:]``); returns an exit
            status or None.
    """
    try:
        status = main(None)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        status = 130
    sys.exit(status or 0)
