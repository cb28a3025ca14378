"""Checks of single values that a user gives: one sentence that names the option."""

import math
import numbers
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .errors import meant, option
from .families import BadValue, OptionConflict, UnknownName

# What numpy's and torch's generators take.
_MAX_SEED = 2**32 - 1


def shown(value: Any) -> str:
    """Returns a value for a message: itself if it is short, else its kind."""
    if value is None or isinstance(value, str | bytes | bool | numbers.Number):
        return repr(value)
    if isinstance(value, os.PathLike):
        return repr(os.fspath(value))
    if isinstance(value, list | tuple | Mapping) and len(text := repr(value)) < 60:
        return text
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeio' else 'a'} {name}"


def whole(
    name: str,
    value: Any,
    least: int = 1,
    most: int | None = None,
    *,
    none: bool = False,
) -> None:
    """Refuses what is no whole number in a range.

    Args:
        name: Of the argument.
        value: Given.
        least: Is in the range.
        most: Is in the range; None: there is no end.
        none: Whether None stands for a default.

    Raises:
        UserError: It is none.
    """
    if none and value is None:
        return
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or value < least or (most is not None and value > most):
        kind = f"from {least} on" if most is None else f"from {least} to {most}"
        raise BadValue(
            f"{option(name)} must be a whole number {kind}, not {shown(value)}"
        )


def seed(value: Any, name: str = "seed", *, none: bool = False) -> None:
    """Refuses what generators of random numbers do not take, see `whole`."""
    whole(name, value, 0, _MAX_SEED, none=none)


def finite(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float = -math.inf,
    none: bool = False,
) -> None:
    """Refuses what is no finite number in a range.

    Args:
        name: Of the argument.
        value: Given.
        least: Is in the range.
        most: Is in the range.
        above: Is below the range.
        none: Whether None stands for a default.

    Raises:
        UserError: It is none.
    """
    if none and value is None:
        return
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and least <= value <= most and value > above):
        limits = [
            f"{word} {limit:g}"
            for word, limit in (("above", above), ("from", least), ("to", most))
            if math.isfinite(limit)
        ]
        kind = " ".join(["a number", *limits])
        raise BadValue(f"{option(name)} must be {kind}, not {shown(value)}")


def flag(name: str, value: Any) -> None:
    """Refuses what is neither True nor False: of texts, "no" would be true.

    Args:
        name: Of the argument.
        value: Given.

    Raises:
        UserError: It is neither.
    """
    if not isinstance(value, bool):
        raise BadValue(f"{option(name)} must be True or False, not {shown(value)}")


def function(name: str, value: Any, *, none: bool = False) -> None:
    """Refuses what cannot be called.

    Args:
        name: Of the argument.
        value: Given.
        none: Whether None stands for a default.

    Raises:
        UserError: It cannot.
    """
    if not callable(value) and not (none and value is None):
        raise BadValue(f"{option(name)} must be a function, not {shown(value)}")


def one_of(name: str, value: Any, known: Collection[str]) -> None:
    """Refuses what is none of a few words.

    Args:
        name: Of the argument.
        value: Given.
        known: The words.

    Raises:
        UserError: It is none; says which one was probably meant.
    """
    if not isinstance(value, str) or value not in known:
        hint = meant(value, known) if isinstance(value, str) else ""
        raise UnknownName(
            f"{option(name)} must be one of {', '.join(known)}, "
            f"not {shown(value)}{hint}"
        )


def path_like(name: str, value: Any, *, none: bool = False) -> None:
    """Refuses what names no file or folder; "" would be the current one.

    Args:
        name: Of the argument.
        value: Given.
        none: Whether None stands for a default.

    Raises:
        UserError: It is no path.
    """
    if none and value is None:
        return
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise BadValue(f"{option(name)} must be a path, not {shown(value)}")


def text(name: str, value: Any) -> None:
    """Refuses an empty text, and one with a zero byte, which no file's name has.

    Args:
        name: Of the argument.
        value: Given.

    Raises:
        UserError: It is one.
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise BadValue(
            f"{option(name)} must be a text that is not empty, not {shown(value)}"
        )


def listed(name: str, value: Any, what: str = "several values") -> None:
    """Refuses what is no sequence, or a text, whose letters would be its items.

    Args:
        name: Of the argument.
        value: Given.
        what: Its items, for the message.

    Raises:
        UserError: It is none.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise BadValue(f"{option(name)} must be a list of {what}, not {shown(value)}")


def image_shape(name: str, value: Any) -> tuple[int, int]:
    """Returns height and width, in pixels, of one number for both or a pair.

    Args:
        name: Of the argument.
        value: Given.

    Raises:
        UserError: It is neither.
    """
    sides = value if isinstance(value, Sequence) else (value, value)
    if len(sides) != 2 or not all(
        isinstance(side, numbers.Integral) and not isinstance(side, bool) and side > 0
        for side in sides
    ):
        raise BadValue(
            f"{option(name)} must be the side of an image in pixels, or its height and "
            f"width, not {shown(value)}"
        )
    height, width = sides
    return int(height), int(width)


def options_of(name: str, value: Any) -> None:
    """Refuses what is no mapping of texts, None but for none.

    Args:
        name: Of the argument.
        value: Given.

    Raises:
        UserError: It is none.
    """
    if value is None:
        return
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadValue(
            f"{option(name)} must be a dict of keys and values, not {shown(value)}"
        )


def unused(why: str, **values: Any) -> None:
    """Refuses options that nothing would read.

    Args:
        why: Completes "`overwrite` is of use only ...".
        **values: By name; those that are None or False were not given.

    Raises:
        UserError: One was given.
    """
    for name, value in values.items():
        if value is not None and value is not False:
            raise OptionConflict(f"{option(name)} is of use only {why}")
