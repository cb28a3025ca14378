"""One HTML page, without network or scripts, to judge a selection by eye."""

from .page import render

__all__ = ["render"]
