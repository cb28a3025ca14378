"""Models: importing this package registers them."""

from . import algorithms, preprocessors  # noqa: F401
