"""One pool for several targets, a customization each."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import Any

from ..config.targets import named_targets
from ..report.result import Result, where_it_is
from ..runs import State
from ..utils import checks
from ..utils.families import BadValue
from ..utils.hashing import lines_sha256
from .customize import customize
from .customized import Customized
from .inspection.inspected import Inspected
from .order import INSPECTION, Order

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
    """Customizes for each of several targets.

    They share the pool's features and the trainings that see nothing of a target, which
    leave out what any of the targets keeps out of the pool.

    Args:
        pool: See `customize`.
        target: Folders or files, each as of `customize`.
        out: Holds a folder for each target, by its name, and ``shared``.
        **options: See `customize`.

    Raises:
        UserError: See `customize`; all are inspected before the first one begins, and
            targets before the one that failed stay.
    """
    checks.path_like("out", out)
    names = named_targets([os.fspath(one) for one in target])
    if SHARED in names:
        raise BadValue(f"a target cannot be called {SHARED!r}: rename {names[SHARED]}")
    log = options.get("log", lambda text: None)
    place, found = Path(out).expanduser(), {}
    overwrite = options.pop("overwrite", False)
    orders = [
        Order.read(pool, one, place / name, **_asked(options))
        for name, one in names.items()
    ]
    checks.flag("overwrite", overwrite)
    if overwrite:
        with ExitStack() as stack:  # all can be made, before any gives way
            for replace in [stack.enter_context(o.replacing(log)) for o in orders]:
                replace()
    kept = [_kept_by(order, log) for order in orders]
    options["shared_ids"] = [i for i in kept[0] if all(i in ids for ids in kept)]
    share = place / SHARED / _of_pool(orders[0])
    for name, one in names.items():
        log(f"== {name}")
        found[name] = customize(pool, one, place / name, share=share, **options)
    return CustomizedTargets(place, found)


def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those options that an order consists of."""
    return {k: options[k] for k in signature(Order.read).parameters if k in options}


def _of_pool(order: Order) -> str:
    """Returns a name that another pool does not have, nor this one of other images."""
    pool = order.given.inputs["pool"]
    return lines_sha256([pool["files_sha256"], pool["content_sha256"]])[:8]


def _kept_by(order: Order, log: Callable[[str], None]) -> dict[str, None]:
    """Returns the images of the pool that a target may train on, in order."""
    if order.state() is State.COMPLETE:
        return dict.fromkeys(Inspected.open(order.out / INSPECTION).pool_ids)
    with order.work.growing(order.out, keep_results=True):
        return dict.fromkeys(order.inspected(log).pool_ids)
