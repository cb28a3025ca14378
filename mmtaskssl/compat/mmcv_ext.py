"""Door 1: mmcv's operators without a compiler.

Reason: mmdet and mmseg import ``mmcv.ops``, whose Python half needs the compiled
module ``mmcv._ext``. mmcv-lite does not have it, no wheel of mmcv exists for current
torch, and building it takes half an hour and a matching compiler.

Versions: any mmcv >= 2.0 without ``mmcv._ext`` (mmcv-lite, or mmcv built with
``MMCV_WITH_OPS=0``). A real ``mmcv._ext``, where present, always wins.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType

from ..utils.families import OperatorMissing
from .stand_in import StandIn

INSTALL_HINT = (
    "pip uninstall -y mmcv-lite; "
    'pip install "setuptools<81" wheel psutil ninja; '
    'MMCV_WITH_OPS=1 pip install --no-build-isolation --no-binary mmcv "mmcv==2.1.0"'
)


def install() -> None:
    """Serves ``mmcv._ext`` from torchvision where no compiled one is found."""
    StandIn("mmcv._ext", _fill).install()
    _hand_in_late()


def _hand_in_late() -> None:
    """Gives ``mmcv.cnn``, if it came before us, the operator it went on without.

    It is the only one that mmcv re-exports from a module that imports without it.
    """
    transformer = sys.modules.get("mmcv.cnn.bricks.transformer")
    wanted = "MultiScaleDeformableAttention"
    if transformer is None or hasattr(transformer, wanted):
        return

    def get(name):
        if name == wanted:
            ops = importlib.import_module("mmcv.ops.multi_scale_deform_attn")
            return getattr(ops, name)
        raise AttributeError(
            f"module {transformer.__name__!r} has no attribute {name!r}"
        )

    transformer.__getattr__ = get


def _fill(module: ModuleType) -> None:
    from .torchvision_ops import OPS

    module.__doc__ = "mmcv's operators on torchvision's kernels (mmtaskssl.compat)."
    vars(module).update(OPS)
    # mmcv asserts at import that every operator's name exists, and the names differ
    # between its versions, so every public name does.
    module.__getattr__ = _missing_op


def _missing_op(name: str) -> Callable:
    if name.startswith("_"):
        raise AttributeError(f"module 'mmcv._ext' has no attribute {name!r}")

    def op(*args, **kwargs):
        raise OperatorMissing(
            f"mmcv's operator {name!r} needs a compiled mmcv: {INSTALL_HINT}"
        )

    op.__name__ = op.__qualname__ = name
    return op
