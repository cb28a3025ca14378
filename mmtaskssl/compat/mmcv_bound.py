"""Door 2: mmselfsup under a later mmcv.

Reason: mmselfsup and mmcls assert ``mmcv < 2.1.0`` on import, yet their code runs on
later ones, and a user with a compiled mmcv 2.1 or 2.2 should not have to rebuild it.
mmselfsup imports mmdet where it is installed, and mmdet asserts ``mmcv < 2.2.0``.

Versions: mmselfsup 1.0.0, mmcls 1.0.0rc6 and mmdet 3.3.0 with mmcv >= 2.1.0. Below
that, and for releases that name no such bound, their own code runs unchanged. Their
other bounds (lowest mmcv, mmengine, mmcls) stay in force.
"""

import ast
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader

_PACKAGES = ("mmselfsup", "mmcls", "mmdet")
_BOUND = "mmcv_maximum_version"
_LIFTED = "3.0.0"


def install() -> None:
    """Lifts the bound in the packages when they are imported."""
    if not any(isinstance(finder, _BoundFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BoundFinder())


class _BoundFinder(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname not in _PACKAGES:
            return None
        spec = self._find_elsewhere(fullname, path, target)
        # A namespace folder or a zip has another loader: not ours to replace.
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _BoundLoader(fullname, spec.loader.path)
        return spec

    def _find_elsewhere(self, fullname, path, target) -> ModuleSpec | None:
        """Asks the other finders, an editable installation's own among them."""
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


class _BoundLoader(SourceFileLoader):
    """Compiles a package's ``__init__`` with a higher bound where it is needed.

    The source is read afresh and never cached, so the installed files and their
    bytecode stay as they are.
    """

    def get_code(self, fullname):
        if not _is_later_mmcv():
            return super().get_code(fullname)
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == _BOUND
                for target in node.targets
            ):
                node.value = ast.copy_location(ast.Constant(_LIFTED), node.value)
        return compile(tree, path, "exec", dont_inherit=True)


def _is_later_mmcv() -> bool:
    try:
        import mmcv
        from mmengine.utils import digit_version
    except ImportError:
        return False
    return digit_version(mmcv.__version__) >= digit_version("2.1.0")
