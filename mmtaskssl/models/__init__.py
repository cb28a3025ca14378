"""Models: importing this package registers them."""

from . import algorithms  # noqa: F401
