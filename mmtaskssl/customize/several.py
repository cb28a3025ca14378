"""One pool for several targets, a customization each."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config.targets import named_targets
from ..report.result import Result
from ..utils import checks
from ..utils.errors import UserError
from .customize import customize
from .customized import Customized, where_it_is

SHARED = "shared"


@dataclasses.dataclass(frozen=True, eq=False)
class CustomizedTargets(Result, Mapping[str, Customized]):
    """A customization for each of several targets.

    Attributes:
        out: Holds a folder for each, and what they share.
        found: By the target's name.
    """

    out: Path
    found: Mapping[str, Customized] = dataclasses.field(repr=False)

    def __getitem__(self, name: str) -> Customized:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def table(self) -> str:
        """Returns each target's table."""
        return "\n\n".join(f"{name}\n{one.table()}" for name, one in self.items())

    def to_dict(self) -> dict[str, Any]:
        """Returns each record."""
        return {name: one.to_dict() for name, one in self.items()}

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Says where it is: all of it was written on the way.

        Raises:
            UserError: Another folder is asked for.
        """
        return where_it_is(self.out, folder)


def customize_several(
    pool: Any,
    target: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    **options: Any,
) -> CustomizedTargets:
    """Customizes for each of several targets; they share the pool's features.

    Args:
        pool: See `customize`.
        target: Folders or files, each as of `customize`.
        out: Holds a folder for each target, by its name, and ``shared``.
        **options: See `customize`.

    Raises:
        UserError: See `customize`; targets before the one that failed stay.
    """
    checks.path_like("out", out)
    names = named_targets([os.fspath(one) for one in target])
    if SHARED in names:
        raise UserError(f"a target cannot be called {SHARED!r}: rename {names[SHARED]}")
    log = options.get("log", lambda text: None)
    place, found = Path(out).expanduser(), {}
    for name, one in names.items():
        log(f"== {name}")
        found[name] = customize(
            pool, one, place / name, share=place / SHARED, **options
        )
    return CustomizedTargets(place, found)
