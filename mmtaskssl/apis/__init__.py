"""Every verb as one function of values.

Importing this package imports none of the verbs, and no torch: each comes with its
first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..features.memory import MemoryStore
    from ..features.store import FeatureStore
    from ..selection.select import select
    from ..selection.selected import Selected

# Where each public name lives.
_HOMES = {
    "FeatureStore": "..features.store",
    "MemoryStore": "..features.memory",
    "Selected": "..selection.selected",
    "select": "..selection.select",
}

__all__ = ["FeatureStore", "MemoryStore", "Selected", "select"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
