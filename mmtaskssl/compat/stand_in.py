"""A finder for one module that may be missing from an installed package."""

import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_ORIGIN = "mmtaskssl.compat"


class StandIn(MetaPathFinder, Loader):
    """Serves one module where no other finder has it.

    It stands last on `sys.meta_path`, so that the real module always wins, and the
    import system gives the stand-in a ``__spec__`` like any other module's.

    Args:
        name: Full name of the module; its parent package must exist.
        fill: Called with the new module to fill it; does its imports only then.
    """

    def __init__(self, name: str, fill: Callable[[ModuleType], None]) -> None:
        self.name = name
        self._fill = fill

    def find_spec(self, fullname, path=None, target=None):
        """Returns a spec for the one name, None for all others."""
        if fullname != self.name:
            return None
        return ModuleSpec(fullname, self, origin=_ORIGIN)

    def exec_module(self, module: ModuleType) -> None:
        """Fills the module."""
        self._fill(module)

    def install(self) -> None:
        """Appends this finder to `sys.meta_path`, once."""
        if all(getattr(finder, "name", None) != self.name for finder in sys.meta_path):
            sys.meta_path.append(self)


def is_stand_in(module: ModuleType) -> bool:
    """Tells whether a module was served by a `StandIn`."""
    spec = getattr(module, "__spec__", None)
    return spec is not None and spec.origin == _ORIGIN
