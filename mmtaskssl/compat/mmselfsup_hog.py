"""Door 8: MaskFeat's targets in bfloat16 on a CPU.

Reason: mmselfsup's ``HOGGenerator`` adds magnitudes into a float32 histogram. Under
autocast a GPU computes them in float32, and a CPU in bfloat16, which ``scatter_add_``
refuses: MaskFeat's own configs, which ask for mixed precision, die in their first step
where the CPU has that format.

Versions: mmselfsup 1.0.0. Where both are of one type nothing changes.
"""

import ast

from .changed_source import ChangedSource

_MODULE = "mmselfsup.models.target_generators.hog_generator"


def install() -> None:
    """Lets magnitudes become the histogram's type when the generator is imported."""
    ChangedSource((_MODULE,), _follow_histogram).install()


def _follow_histogram(tree: ast.Module) -> bool:
    changed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == (
            "scatter_add_"
        ):
            assert isinstance(node.func, ast.Attribute)
            kind = ast.Attribute(node.func.value, "dtype", ast.Load())
            to = ast.Attribute(node.args[-1], "to", ast.Load())
            node.args[-1] = ast.Call(to, [kind], [])
            changed = True
    return changed
