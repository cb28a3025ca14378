"""The ``--cfg-options`` of the tools."""

import argparse
import ast
import copy
from typing import Any

from ..utils.families import BadCommand

# Options, and last parts of dotted ones, whose values are names of files or folders.
_PATHS = frozenset(
    [
        "ann_file",
        "backbone",
        "checkpoint",
        "clusters",
        "data_root",
        "images",
        "load_from",
        "selection",
        "source",
        "target",
        "work_dir",
    ]
)


class OptionsAction(argparse.Action):
    """mmengine's ``KEY=VALUE`` options, but a path means what it says.

    mmengine drops the spaces of a value, splits it at commas, and takes a folder called
    2024 for a number.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds the options to those of the namespace.

        Args:
            parser: Ignored.
            namespace: Receives the options.
            values: ``KEY=VALUE`` each.
            option_string: Named in messages.

        Raises:
            UserError: One has no "=", or dicts that cannot be read.
        """
        options = copy.copy(getattr(namespace, self.dest, None) or {})
        for pair in values or ():
            key, equals, value = pair.partition("=")
            if not equals or not key:
                raise BadCommand(f"{option_string} takes KEY=VALUE, not {pair!r}")
            options[key] = self._value(key, value)
        setattr(namespace, self.dest, options)

    def _value(self, key: str, text: str) -> Any:
        bare = text.strip("'\"")
        listed = bare.startswith(("[", "("))
        if key.rpartition(".")[2] in _PATHS and bare != "None" and not listed:
            return bare
        if text.startswith(("[", "(", "{")) and "{" in text:
            return _literal(key, text)
        from mmengine.config import DictAction  # late: it imports torch

        return DictAction._parse_iterable(text)


def _literal(key: str, text: str) -> Any:
    """Reads dicts and lists of them, which mmengine would cut into texts at commas."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadCommand(
            f"{key}={text} is no list or dict as Python writes it: quote its texts, "
            "and the whole for the shell"
        ) from error
