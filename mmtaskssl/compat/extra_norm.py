"""Door 4: mmselfsup beside mmpretrain.

Reason: mmpretrain is mmselfsup's successor, and both register the same class,
``ResLayerExtraNorm``, with mmdet. Where all three are installed, mmdet imports
mmpretrain, and whichever of the two comes second dies of a KeyError: without this,
installing mmpretrain would end mmtaskssl.

Versions: mmselfsup 1.0.0 and mmpretrain 1.0 to 1.2. Where mmpretrain is not installed
nothing is changed.
"""

import ast
from importlib.util import find_spec

from .changed_source import ChangedSource

_MODULES = tuple(
    f"{package}.models.utils.res_layer_extra_norm"
    for package in ("mmselfsup", "mmpretrain")
)


def install() -> None:
    """Lets the second of the two classes, which is the same, take the first's place."""
    ChangedSource(_MODULES, _force).install()


def _force(tree: ast.Module) -> bool:
    if find_spec("mmpretrain") is None:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call):
                    call.keywords = [ast.keyword("force", ast.Constant(True))]
    return True
