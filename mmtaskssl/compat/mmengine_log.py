"""Door 9: addresses in mmengine's log.

Reason: mmengine logs what it is given, ``Loads checkpoint by http backend from path:
...`` among it, whole: a signed address, or one with a password, would lie readable in
every work dir.

Versions: all so far.
"""

import ast
import sys
from types import ModuleType

from ..utils.redaction import redacted
from .changed_source import ChangedSource

_MODULE = "mmengine.logging.logger"
_MARK = "mmtaskssl_redacts"


def install() -> None:
    """Lets the log's lines be redacted, now or when mmengine is imported."""
    loaded = sys.modules.get(_MODULE)
    if loaded is not None:
        wrap(loaded)
    else:
        ChangedSource((_MODULE,), _add).install()


def wrap(module: ModuleType) -> None:
    """Lets the formatter of mmengine's logger leave secrets out, see `redacted`.

    Args:
        module: ``mmengine.logging.logger``.
    """
    formatter = module.MMFormatter
    if hasattr(formatter, _MARK):
        return
    plain = formatter.format

    def format_(self, record):
        return redacted(plain(self, record))

    formatter.format = format_
    setattr(formatter, _MARK, True)


def _add(tree: ast.Module) -> bool:
    lines = [
        "import sys as _sys",
        f"import {__name__} as _door",
        "_door.wrap(_sys.modules[__name__])",
    ]
    tree.body += ast.parse("\n".join(lines)).body
    return True
