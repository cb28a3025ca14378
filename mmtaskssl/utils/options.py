"""The ``--cfg-options`` of the tools."""

import argparse
import copy
import os
from collections.abc import Sequence
from typing import Any

from .errors import UserError

#: Where ``--max-pixels`` is kept, for worker processes too.
MAX_PIXELS_VARIABLE = "MMTASKSSL_MAX_PIXELS"

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
        values: Sequence[str],
        option_string: str | None = None,
    ) -> None:
        """Adds the options to those of the namespace.

        Args:
            parser: Ignored.
            namespace: Receives the options.
            values: ``KEY=VALUE`` each.
            option_string: Named in messages.

        Raises:
            UserError: One has no "=".
        """
        options = copy.copy(getattr(namespace, self.dest, None) or {})
        for pair in values or ():
            key, equals, value = pair.partition("=")
            if not equals or not key:
                raise UserError(f"{option_string} takes KEY=VALUE, not {pair!r}")
            options[key] = self._value(key, value)
        setattr(namespace, self.dest, options)

    def _value(self, key: str, text: str) -> Any:
        bare = text.strip("'\"")
        listed = bare.startswith(("[", "("))
        if key.rpartition(".")[2] in _PATHS and bare != "None" and not listed:
            return bare
        from mmengine.config import DictAction  # late: it imports torch

        return DictAction._parse_iterable(text)


def add_trust_option(parser: Any) -> None:
    """Adds ``--trust-checkpoint``, which means the same in every tool.

    Args:
        parser: A parser, or a group of one.
    """
    parser.add_argument(
        "--trust-checkpoint",
        action="store_true",
        help="load a checkpoint that needs code in it to run",
    )


def add_pixel_option(parser: Any) -> None:
    """Adds ``--max-pixels``, which acts on all images that are read from then on.

    Args:
        parser: A parser, or a group of one.
    """
    parser.add_argument(
        "--max-pixels",
        action=_MaxPixels,
        type=int,
        metavar="N",
        help="read images of up to N pixels (default: 128 million), judged from their "
        "headers",
    )


class _MaxPixels(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: int,
        option_string: str | None = None,
    ) -> None:
        if values < 1:
            raise UserError(f"{option_string} must be positive, not {values}")
        os.environ[MAX_PIXELS_VARIABLE] = str(values)
        setattr(namespace, self.dest, values)
