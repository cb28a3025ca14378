"""Door 2: mmselfsup under a later mmcv.

Reason: mmselfsup and mmcls assert ``mmcv < 2.1.0`` on import, yet their code runs on
later ones, and a user with a compiled mmcv 2.1 or 2.2 should not have to rebuild it.
mmselfsup imports mmdet where it is installed, and mmdet asserts ``mmcv < 2.2.0``.

Versions: mmselfsup 1.0.0, mmcls 1.0.0rc6 and mmdet 3.3.0 with mmcv >= 2.1.0. Below
that, and for releases that name no such bound, their own code runs unchanged. Their
other bounds (lowest mmcv, mmengine, mmcls) stay in force.
"""

import ast

from .changed_source import ChangedSource

_PACKAGES = ("mmselfsup", "mmcls", "mmdet")
_BOUND = "mmcv_maximum_version"
_LIFTED = "3.0.0"


def install() -> None:
    """Lifts the bound in the packages when they are imported."""
    ChangedSource(_PACKAGES, _lift).install()


def _lift(tree: ast.Module) -> bool:
    if not _is_later_mmcv():
        return False
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == _BOUND
            for target in node.targets
        ):
            node.value = ast.copy_location(ast.Constant(_LIFTED), node.value)
    return True


def _is_later_mmcv() -> bool:
    try:
        import mmcv
        from mmengine.utils import digit_version
    except ImportError:
        return False
    return digit_version(mmcv.__version__) >= digit_version("2.1.0")
