"""Modules of other packages that are compiled from a changed source."""

import ast
import sys
from collections.abc import Callable, Collection
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader

Change = Callable[[ast.Module], bool]


class ChangedSource(MetaPathFinder):
    """Finds modules and changes their syntax trees before they are compiled.

    The source is read afresh and never cached, so the installed files and their
    bytecode stay as they are.

    Args:
        modules: Full names.
        change: Changes a tree in place; False where the module's own code shall run.
    """

    def __init__(self, modules: Collection[str], change: Change) -> None:
        self.modules, self.change = frozenset(modules), change

    def install(self) -> None:
        """Takes effect on the next import of the modules; once for the same ones."""
        if not any(
            isinstance(finder, ChangedSource) and finder.modules == self.modules
            for finder in sys.meta_path
        ):
            sys.meta_path.insert(0, self)

    def find_spec(self, fullname, path=None, target=None) -> ModuleSpec | None:
        """Returns the others' spec, with a loader of ours; None for other modules."""
        if fullname not in self.modules:
            return None
        spec = self._find_elsewhere(fullname, path, target)
        # A namespace folder or a zip has another loader: not ours to replace.
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(fullname, spec.loader.path, self.change)
        return spec

    def _find_elsewhere(self, fullname, path, target) -> ModuleSpec | None:
        """Asks the other finders, an editable installation's own among them."""
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        return None


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, change: Change) -> None:
        super().__init__(fullname, path)
        self.change = change

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        if not self.change(tree):
            return super().get_code(fullname)
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
