"""Door 7: SwAV's queue without a GPU.

Reason: mmselfsup's ``SwAVHook`` makes SwAV's queue, from an epoch on, with ``.cuda()``:
a training on a CPU dies in its sixteenth epoch.

Versions: mmselfsup 1.0.0. On a GPU nothing changes.
"""

import ast

from .changed_source import ChangedSource

_MODULE = "mmselfsup.engine.hooks.swav_hook"
_DEVICE = "next(runner.model.parameters()).device"


def install() -> None:
    """Lets the queue be made where the model is when the hook is imported."""
    ChangedSource((_MODULE,), _follow_model).install()


def _follow_model(tree: ast.Module) -> bool:
    changed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "cuda":
            node.func.attr = "to"
            node.args = [ast.parse(_DEVICE, mode="eval").body]
            changed = True
    return changed
