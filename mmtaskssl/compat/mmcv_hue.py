"""Door 6: mmcv's hue jitter under numpy 2.

Reason: ``mmcv.adjust_hue`` adds ``np.uint8(hue_factor * 255)``, and numpy 2 refuses to
convert what lies below 0, which was taken modulo 256 before: every second image of
mmselfsup's ColorJitter dies of an OverflowError.

Versions: mmcv 2.0 to 2.2 with numpy >= 2. The change gives what numpy 1 gave.
"""

import ast

from .changed_source import ChangedSource

_MODULE = "mmcv.image.photometric"


def install() -> None:
    """Takes the shift modulo 256 when mmcv's module is imported."""
    ChangedSource((_MODULE,), _wrap_around).install()


def _wrap_around(tree: ast.Module) -> bool:
    changed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node).startswith(
            "np.uint8(hue_factor"
        ):
            shift = ast.unparse(node.args[0])
            node.args = [ast.parse(f"int({shift}) % 256", mode="eval").body]
            changed = True
    return changed
