"""Task-customised self-supervised pre-training for OpenMMLab."""

from .compat import install as _install_compat

__version__ = "0.1.0"

# Before any host package is imported: the doors only work from the outside.
_install_compat()

__all__ = ["__version__"]
