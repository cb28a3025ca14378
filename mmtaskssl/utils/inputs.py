"""Reading files that others made: bounded, and without waiting for anyone.

A pipe or a device under the name of a file would be waited for or read forever; a few
kilobytes of JSON or YAML can be nested or repeated into gigabytes.
"""

import contextlib
import functools
import io
import json
import os
import stat
import tokenize
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from . import members
from .errors import UserError
from .families import FileDamaged, SystemRefused

if TYPE_CHECKING:
    import numpy as np

#: Bytes of a file that is read as a whole, unless the caller knows better.
MAX_BYTES = 256 << 20
#: Levels of lists and objects inside each other.
MAX_DEPTH = 64
#: Values of a YAML document, each alias counted as what it repeats.
MAX_VALUES = 1_000_000
_YAML_LIMIT = 4 << 20  # characters

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def why(error: Exception) -> str:
    """Says in few words why a file that holds JSON or an array is none.

    Args:
        error: Of its reading, or of the first use of what stands in it.
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UnicodeDecodeError):  # which would show all of the file
        return "it is no UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno} is no JSON"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


class UnusableFile(OSError):
    """A file that is none, or is too large to be what it is said to be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


@contextlib.contextmanager
def reading(
    path: str | os.PathLike, remedy: str = "remove it, and it is made again"
) -> Iterator[None]:
    """Turns what a damaged or edited file causes into one sentence with its name.

    Around both the reading of a file and the first use of what stands in it.

    Args:
        path: The file.
        remedy: What its reader can do.
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise SystemRefused(f"{path} cannot be read ({reason})") from error
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        reason = f"{type(error).__name__}: {error}"
        raise FileDamaged(f"{path} is damaged ({reason}): {remedy}") from error


def check_regular(path: str | os.PathLike) -> int:
    """Returns the size of a file, wherever `members.find` finds it, unopened.

    Raises:
        UnusableFile: It is a folder, pipe, socket or device.
        OSError: It cannot be reached.
    """
    if (member := members.find(path)) is not None:
        if getattr(member, "is_folder", False):
            raise UnusableFile("it is a folder, no file")
        return member.size
    found = os.stat(path)
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            raise UnusableFile(f"it is {name}, no file")
    return found.st_size


def open_input(path: str | os.PathLike) -> BinaryIO:
    """Opens a file, or a member of a tar, for reading; see `check_regular`."""
    if (member := members.find(path)) is not None:
        return member.opened()
    check_regular(path)
    return open(path, "rb")


def open_text(
    path: str | os.PathLike,
    encoding: str = "utf-8",
    newline: str | None = None,
    errors: str | None = None,
) -> TextIO:
    """Opens a text file for reading; see `check_regular` for the errors."""
    return io.TextIOWrapper(open_input(path), encoding, errors, newline)


def read_bytes(path: str | os.PathLike, limit: int = MAX_BYTES) -> bytes:
    """Reads a whole file of at most ``limit`` bytes.

    Raises:
        UnusableFile: It has more, or is no file.
        OSError: It cannot be read.
    """
    size = check_regular(path)
    if size > limit:
        raise UnusableFile(f"it has {size:,} bytes, more than the limit of {limit:,}")
    with open_input(path) as file:
        content = file.read(size + 1)
        while len(content) > size:  # it grows, or is said to have none
            size = len(content)
            if size > limit:
                raise UnusableFile(f"it has more bytes than the limit of {limit:,}")
            content += file.read(1 << 20)
    return content


def read_text(path: str | os.PathLike, limit: int = MAX_BYTES) -> str:
    """Reads a whole UTF-8 text, see `read_bytes`; UnicodeDecodeError if it is none."""
    return read_bytes(path, limit).decode("utf-8")


def parse_json(text: str, max_depth: int | None = MAX_DEPTH) -> Any:
    """Parses JSON that is not nested deeper than ``max_depth``.

    Args:
        text: The document.
        max_depth: None: as deep as the parser goes, for documents whose reader looks
            at the first levels alone.

    Raises:
        ValueError: It is no JSON, or nested deeper.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if max_depth is not None and text.count("[") + text.count("{") > max_depth:
        _check_depth(value, max_depth)
    return value


def _check_depth(value: Any, max_depth: int) -> None:
    level = [value]
    for _ in range(max_depth + 1):
        level = [
            item
            for found in level
            if isinstance(found, dict | list)
            for item in (found.values() if isinstance(found, dict) else found)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {max_depth} levels")


def read_json(
    path: str | os.PathLike,
    limit: int = MAX_BYTES,
    max_depth: int | None = MAX_DEPTH,
) -> Any:
    """Reads a JSON file; see `read_text` and `parse_json` for the errors."""
    return parse_json(read_text(path, limit), max_depth)


def parse_yaml(text: str) -> Any:
    """Parses YAML of plain types; aliases that repeat each other are counted out.

    Raises:
        ValueError: It is no YAML, has a tag such as ``!!python/object``, is nested
            deeper than `MAX_DEPTH`, or stands for more than `MAX_VALUES` values.
    """
    import yaml

    if len(text) > _YAML_LIMIT:
        raise ValueError(f"it has more than {_YAML_LIMIT:,} characters")
    try:
        loader = _yaml_loader()(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {}, 0)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


@functools.cache
def _yaml_loader() -> Any:
    """Returns PyYAML's safe loader, with the scanner in C where it was built.

    What puts nodes together stays the one in Python: that in C has no bound on its
    recursion.
    """
    import yaml

    if not yaml.__with_libyaml__:
        return yaml.SafeLoader
    from yaml.composer import Composer
    from yaml.constructor import SafeConstructor
    from yaml.cyaml import CParser
    from yaml.resolver import Resolver

    class Loader(Composer, CParser, SafeConstructor, Resolver):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    return Loader


def _count(node: Any, known: dict[int, int | None], depth: int) -> int:
    """Returns for how many values a node stands, aliases written out."""
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    if id(node) in known:
        number = known[id(node)]
        if number is None:
            raise ValueError("an alias in it repeats itself")
        return number
    known[id(node)] = None
    number = 1
    if isinstance(node.value, list):
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                number += _count(part, known, depth + 1)
    if number > MAX_VALUES:
        raise ValueError(f"its aliases stand for more than {MAX_VALUES:,} values")
    known[id(node)] = number
    return number


def load_array(path: str | os.PathLike, mapped: bool = False) -> "np.ndarray":
    """Reads an array of numbers from a ``.npy`` file; objects in it are not made.

    Args:
        path: The file.
        mapped: Leave it on the disk, and map it into memory.

    Raises:
        UnusableFile: It is no file.
        OSError: It cannot be read.
        ValueError: It is no ``.npy`` file, or a damaged one, or holds objects.
    """
    import numpy as np

    check_regular(path)
    try:
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except EOFError as error:
        raise ValueError("it is empty") from error
    except (SyntaxError, tokenize.TokenError, TypeError, LookupError) as error:
        # The head of the file is a literal of Python's, which numpy parses.
        raise ValueError(f"its head is damaged ({error})") from error
    except (MemoryError, OverflowError, RecursionError) as error:
        raise ValueError("its head promises more than there is memory for") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("it is an archive of arrays, no array")
    return array
