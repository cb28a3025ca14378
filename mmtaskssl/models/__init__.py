"""Models: importing this package registers them."""

from . import algorithms, backbones, heads, necks, preprocessors  # noqa: F401
