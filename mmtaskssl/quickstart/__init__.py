"""What `make quickstart` has at hand: images, and public weights."""

from .builtin import write_builtin
from .start import public_start

__all__ = ["public_start", "write_builtin"]
