"""What reads a command line."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..utils.errors import meant, option, set_flags
from ..utils.families import BadCommand, BadValue
from . import kinds


class Renamed(argparse.Action):
    """A flag by its old name: it works as the new one, and says so.

    Give it as ``action=Renamed, const="--new-name", dest="new_name"``.
    """

    def __init__(self, option_strings: Sequence[str], dest: str, const: str) -> None:
        super().__init__(option_strings, dest, const=const, help=argparse.SUPPRESS)

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: Any = None
    ) -> None:
        """Stores the value, and warns."""
        print(
            f"warning: {option_string} is called {self.const} from now on",
            file=sys.stderr,
        )
        setattr(namespace, self.dest, values)


class ToolParser(argparse.ArgumentParser):
    """A parser whose flags messages may name; see `utils.errors.option`."""

    def parse_known_args(
        self, args: Any = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parses, and says which flags there are."""
        set_flags(self._option_string_actions)
        return super().parse_known_args(args, namespace)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Reads all values of a flag; of ``--flag=--`` the library would read none."""
        if action.option_strings and arg_strings == ["--"]:
            raise BadValue(f"{option(action.dest)} must be a value, not '--'")
        return super()._get_values(action, arg_strings)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Reads one value of a flag; the library calls it for every one of them."""
        kind = kinds.TEXT if action.type is None else action.type
        if not isinstance(kind, kinds.Kind):
            return super()._get_value(action, arg_string)
        if action.option_strings:
            return kind.value(action.dest, arg_string)
        return kind.value(str(action.metavar or action.dest), arg_string)

    def error(self, message: str) -> NoReturn:
        """Ends the tool; says which flag or value was probably meant."""
        unknown = re.match(r"unrecognized arguments: .*?(--[\w-]+)", message)
        choice = re.match(r"argument .*: invalid choice: '(.*?)' \(choose", message)
        if unknown:
            message += meant(unknown[1], self._option_string_actions)
        elif choice:
            known = (a.choices for a in self._actions if a.choices)
            message += meant(choice[1], (str(c) for cs in known for c in cs))
        super().error(BadCommand(message).line())


def make_parser(text: str | None) -> ToolParser:
    """Returns a parser that shows a module's docstring as it is written.

    Args:
        text: The docstring.
    """
    return ToolParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
