"""Single-file HTML pages, without network or scripts: their look and their pictures."""

from .page import html_page
from .thumbs import Thumbnails, showing, shows

__all__ = ["Thumbnails", "html_page", "showing", "shows"]
