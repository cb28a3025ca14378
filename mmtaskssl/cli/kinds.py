"""Kinds of values that flags take: nonsense is refused before anything is read.

A flag's ``type`` is one of these, and a `ToolParser` says which flag was given what it
does not take, in the words of `mmtaskssl.utils.checks`.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from ..utils import budgets, checks


class Kind:
    """Reads the value of a flag, or refuses it with a sentence that names the flag.

    Attributes:
        __name__: For people; two kinds of one name take the same values.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], Any],
        check: Callable[[str, Any], None],
    ) -> None:
        self.__name__ = name
        self._read, self._check = read, check

    def value(self, flag: str, text: str) -> Any:
        """Returns what a text means.

        Args:
            flag: The flag's argument in Python, such as ``max_pixels``.
            text: As it was typed.

        Raises:
            UserError: It means nothing of this kind.
        """
        try:
            found = self._read(text)
        except ValueError:  # the check shows what was typed
            found = text
        self._check(flag, found)
        return found

    def __call__(self, text: str) -> Any:
        """Reads a value whose flag is not known; for parsers of the library."""
        return self.value("value", text)


@functools.cache
def whole(least: int, most: int | None = None) -> Kind:
    """Returns the kind of whole numbers from ``least`` to ``most``, both included."""

    def check(flag: str, value: Any) -> None:
        checks.whole(flag, value, least, most)

    return Kind(f"whole {least} to {most}", int, check)


@functools.cache
def number(
    least: float = -math.inf, most: float = math.inf, above: float = -math.inf
) -> Kind:
    """Returns the kind of finite numbers in a range, see `checks.finite`."""

    def check(flag: str, value: Any) -> None:
        checks.finite(flag, value, least, most, above=above)

    return Kind(f"number {least} to {most} above {above}", float, check)


#: Of things: images, steps, pixels.
COUNT = whole(1)
#: Of generators of random numbers.
SEED = Kind("seed", int, lambda flag, value: checks.seed(value, flag))
#: A factor, a rate, a temperature.
POSITIVE = number(above=0)
#: Parts of a whole.
SHARE = number(0, 1)
#: More processes than any machine has cores are a slip of the finger.
PROCESSES = whole(0, 1024)
#: Bytes, as they are typed: a number, or one with a unit.
BYTES = Kind("bytes", str, budgets.check_bytes)
#: Whatever else is typed: names, paths, lists. "" would be the current folder.
TEXT = Kind("text", str, checks.text)
