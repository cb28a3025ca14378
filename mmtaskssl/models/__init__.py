"""Models: importing this package registers them."""

from . import algorithms, backbones, necks, preprocessors  # noqa: F401
