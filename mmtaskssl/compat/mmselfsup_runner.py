"""Door 3: ``default_scope='mmselfsup'`` and lookups in its runner registries.

Reason: three registries of mmselfsup name the location ``mmselfsup.engine.runner``,
a module that its releases do not contain, so mmengine's first lookup of a runner or a
loop in that scope dies of ModuleNotFoundError.

Versions: mmselfsup 1.0.0. A release that has the module is left alone.
"""

from .stand_in import StandIn


def install() -> None:
    """Serves an empty ``mmselfsup.engine.runner`` where none is found."""
    StandIn("mmselfsup.engine.runner", lambda module: None).install()
