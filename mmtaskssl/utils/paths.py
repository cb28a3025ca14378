"""Where configs and tools lie: beside the package, or inside its wheel."""

from pathlib import Path

from .families import ConfigUnreadable, PackageMissing

_PACKAGE = Path(__file__).resolve().parents[1]


def resource_root(name: str) -> Path:
    """Returns the folder ``name`` ("configs" or "tools") of this installation.

    Args:
        name: "configs" or "tools".

    Raises:
        UserError: The installation holds no such folder.
    """
    for parent in (_PACKAGE.parent, _PACKAGE / ".mim"):
        # A site-packages folder may hold someone else's `tools`.
        found = parent / name
        if found.is_dir() and (parent.name == ".mim" or _is_checkout(parent)):
            return found
    raise PackageMissing(f"this installation of mmtaskssl has no folder {name!r}")


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def resolve_config(path: str) -> Path:
    """Finds a config file: as given, else below our own ``configs`` folder.

    Args:
        path: For example ``configs/selfsup/mocov2/x.py``.

    Raises:
        UserError: No such file in either place.
    """
    given = Path(path)
    if given.is_file():
        return given
    root = resource_root("configs")
    for candidate in (root.parent / given, root / given):
        if candidate.is_file():
            return candidate
    raise ConfigUnreadable(f"config {path} does not exist (looked here and in {root})")
