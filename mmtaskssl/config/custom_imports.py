"""The modules of its own that a config names."""

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..utils.families import ConfigUnreadable


def import_named(found: Mapping[str, Any], path: Path) -> None:
    """Imports what ``custom_imports`` of a config names.

    A module that is not installed is looked for in the config's folder and in the
    working directory; where it is found there, the folder stays behind what Python
    searches otherwise, for workers of data loaders, too.

    Args:
        found: ``imports`` and ``allow_failed_imports``, as mmengine has them.
        path: The config's file.

    Raises:
        UserError: A name is none, or its module cannot be imported.
    """
    given = found.get("imports") or []
    names = [given] if isinstance(given, str) else given
    places = [os.fspath(path.absolute().parent), os.getcwd()]
    for name in names:
        parts = name.split(".") if isinstance(name, str) else [""]
        if not all(part.isidentifier() for part in parts):
            raise ConfigUnreadable(
                f"config {path}: custom_imports names {name!r}, which is no module: "
                "write its name as `import` takes it, package.module, of a file in the "
                "config's folder or in the working directory"
            )
        _add_place(parts[0], places)
        try:
            importlib.import_module(name)
        except ImportError as error:
            if found.get("allow_failed_imports"):
                warnings.warn(f"{name} cannot be imported ({error})", stacklevel=2)
                continue
            raise ConfigUnreadable(
                f"config {path}: custom_imports names {name}, which cannot be imported "
                f"({error}): install it, or put it into {' or '.join(places)}"
            ) from error


def _add_place(name: str, places: list[str]) -> None:
    """Lets Python find a module that it does not know, but one of the places has."""
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    for place in places:
        if Path(place, f"{name}.py").is_file() or Path(place, name).is_dir():
            sys.path.append(place)
            importlib.invalidate_caches()
            return
