"""Small pictures inside the page."""

import base64
import html
import io
from pathlib import Path

from PIL import Image

from ..datasets.images import BrokenImage, read_image
from ..utils.members import exists

_SHORT_SIDE = 112
_MAX_BYTES = 3_000_000


class Thumbnails:
    """Makes ``<img>`` tags with embedded JPEGs, up to 3 MB in all.

    Args:
        max_bytes: Bytes of base64 text after which only placeholders follow.
        short_side: Pixels of the short side; the long one has at most twice as many.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES, short_side: int = _SHORT_SIDE):
        self.left = max_bytes
        self.short_side = short_side
        self._known: dict[Path, str] = {}

    def tag(self, path: Path | None, name: str) -> str:
        """Returns the picture, or a placeholder that says why there is none.

        Args:
            path: The image file; None if its folder is not known.
            name: Shown as a tooltip.
        """
        title = html.escape(name, quote=True)
        if path is None:
            return _placeholder("folder unknown", title)
        if path not in self._known:
            try:
                data = _jpeg(path, self.short_side)
            except BrokenImage:
                missing = "unreadable" if exists(path) else "missing"
                return _placeholder(missing, title)
            if len(data) > self.left:
                return _placeholder("page full", title)
            self.left -= len(data)
            self._known[path] = data
        source = f"data:image/jpeg;base64,{self._known[path]}"
        return f'<img src="{source}" alt="{title}" title="{title}">'


def _jpeg(path: Path, short_side: int) -> str:
    image = Image.fromarray(read_image(path, short_side=short_side))
    image.thumbnail((2 * short_side, 2 * short_side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=78)
    return base64.b64encode(buffer.getvalue()).decode()


def _placeholder(text: str, title: str) -> str:
    return f'<span class="none" title="{title}">{text}</span>'
