"""Door 5: ``mmtaskssl::CONFIG`` in mmengine.

Reason: mmengine looks configs of installed packages up, in ``_base_`` and
``mmengine.hub``, by a fixed table of OpenMMLab's own packages.

Versions: all so far; a table that names us is left alone.
"""

import ast
import sys

from .changed_source import ChangedSource

_MODULE = "mmengine.config.utils"
_ENTRY = 'MODULE2PACKAGE.setdefault("mmtaskssl", "mmtaskssl")'


def install() -> None:
    """Adds us to the table, now or when mmengine is imported."""
    loaded = sys.modules.get(_MODULE)
    if loaded is not None:
        loaded.MODULE2PACKAGE.setdefault("mmtaskssl", "mmtaskssl")
    else:
        ChangedSource((_MODULE,), _add).install()


def _add(tree: ast.Module) -> bool:
    tree.body += ast.parse(_ENTRY).body
    return True
