"""What a value shows below a notebook's cell, where no style of a page reaches."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from ..utils.redaction import redacted
from .thumbs import Thumbnails

_SHORT_SIDE = 56
_MAX_BYTES = 400_000  # notebooks are kept with what their cells show


def as_text(text: str) -> str:
    """Returns a table or a sentence as HTML, without what opens addresses in it."""
    return f"<pre>{html.escape(redacted(text))}</pre>"


def pictures(rows: Sequence[tuple[str, Sequence[tuple[Path | None, str]]]]) -> str:
    """Returns rows of small images.

    Args:
        rows: What is said before each row, and its images: file (None: its folder is
            not known) and name.

    Returns:
        HTML; "" within ``showing(False)``, and where no row has an image.
    """
    thumbs = Thumbnails(_MAX_BYTES, _SHORT_SIDE)
    if not thumbs.shown or not any(images for _, images in rows):
        return ""
    lines = (
        f"<div>{html.escape(redacted(said))} "
        f"{' '.join(thumbs.tag(path, redacted(name)) for path, name in images)}</div>"
        for said, images in rows
        if images
    )
    return f'<div style="line-height:1.3">{"".join(lines)}</div>'


def drawing(content: str | bytes, kind: str) -> str:
    """Returns a chart as an image: what styles it stays within it.

    Args:
        content: The file.
        kind: ``svg+xml`` or ``png``.
    """
    data = content.encode() if isinstance(content, str) else content
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" style="max-width:100%" alt="">'
