"""Small pictures inside the page."""

import base64
import contextlib
import contextvars
import html
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ..datasets.images import BrokenImage
from ..datasets.regions import read_region
from ..utils.families import Unreachable
from ..utils.members import exists
from ..utils.remote.addresses import is_remote

_SHORT_SIDE = 112
_MAX_BYTES = 3_000_000
_shown: contextvars.ContextVar[bool] = contextvars.ContextVar("shown", default=True)
_LEFT_OUT = '<span class="none">left out</span>'
_EMBEDDED = "data:image/jpeg;base64,"


@contextlib.contextmanager
def showing(thumbnails: bool) -> Iterator[bool]:
    """Says whether pages that are made within show images.

    Args:
        thumbnails: False: no pixel of an image, and no name beneath one. What an outer
            call has left out stays left out.

    Yields:
        Whether they do.
    """
    token = _shown.set(thumbnails and _shown.get())
    try:
        yield _shown.get()
    finally:
        _shown.reset(token)


def shows(page: str | Path, thumbnails: bool) -> bool:
    """Whether a page that was written shows images, or leaves them out, as wanted.

    Args:
        page: The file; one that is absent shows nothing wrong.
        thumbnails: See `showing`, as for what it says of outer calls.
    """
    try:
        text = Path(page).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return True
    wanted = thumbnails and _shown.get()
    return (_LEFT_OUT if wanted else _EMBEDDED) not in text


class Thumbnails:
    """Makes ``<img>`` tags with embedded JPEGs, up to 3 MB in all.

    Within ``showing(False)`` there are only placeholders, without names.

    Args:
        max_bytes: Bytes of base64 text after which only placeholders follow.
        short_side: Pixels of the short side; the long one has at most twice as many.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES, short_side: int = _SHORT_SIDE):
        self.shown = _shown.get()
        self.left = max_bytes
        self.short_side = short_side
        self._known: dict[Path, str] = {}
        self._lost = False

    def tag(self, path: Path | None, name: str) -> str:
        """Returns the picture, or a placeholder that says why there is none.

        Args:
            path: The image file; None if its folder is not known.
            name: Shown as a tooltip.
        """
        if not self.shown:
            return _LEFT_OUT
        title = html.escape(name, quote=True)
        if path is None:
            return _placeholder("folder unknown", title)
        if path not in self._known:
            if self._lost and is_remote(path):
                return _placeholder("not reached", title)
            try:
                data = _jpeg(path, self.short_side)
            except BrokenImage:
                missing = "unreadable" if exists(path) else "missing"
                return _placeholder(missing, title)
            except Unreachable:  # the page is worth more than its pictures
                self._lost = True  # each would be waited for
                return _placeholder("not reached", title)
            if len(data) > self.left:
                return _placeholder("page full", title)
            self.left -= len(data)
            self._known[path] = data
        source = f"{_EMBEDDED}{self._known[path]}"
        return f'<img src="{source}" alt="{title}" title="{title}" decoding="async">'

    def name(self, name: str) -> str:
        """Returns an image's name as HTML, or what stands for it.

        Args:
            name: Beside its picture.
        """
        if not self.shown:
            return '<span class="soft">name left out</span>'
        return html.escape(name).replace("/", "/<wbr>")


def _jpeg(path: Path, short_side: int) -> str:
    image = Image.fromarray(read_region(path, short_side))
    image.thumbnail((2 * short_side, 2 * short_side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=78)
    return base64.b64encode(buffer.getvalue()).decode()


def _placeholder(text: str, title: str) -> str:
    return f'<span class="none" title="{title}">{text}</span>'
