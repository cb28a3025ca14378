"""Models: importing this package registers them."""

from . import algorithms, backbones, heads, losses, necks, preprocessors  # noqa: F401
