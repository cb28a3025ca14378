"""Models: importing this package registers them."""

from . import algorithms, backbones, preprocessors  # noqa: F401
