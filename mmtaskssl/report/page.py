"""The frame of a page."""

import html
import importlib.resources
from collections.abc import Sequence
from pathlib import Path

from ..utils.redaction import redacted

_BEGIN = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="generator" content="mmtaskssl">'
)


def html_page(title: str, body: Sequence[str], style: str = "") -> str:
    """Makes a page that is complete in itself.

    Args:
        title: Plain text.
        body: Parts of HTML, one after the other; secrets in it are left out, see
            `redacted`.
        style: CSS beside that of all pages.
    """
    common = importlib.resources.files(__package__).joinpath("style.css")
    return (
        f'{_BEGIN}<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(redacted(title))}</title><style>\n"
        f"{common.read_text(encoding='utf-8')}{style}</style>"
        "</head><body>\n" + redacted("\n".join(body)) + "\n</body></html>\n"
    )


def objection(path: Path) -> str:
    """Says why a file is no page of ours; "" if it is one."""
    with open(path, "rb") as file:
        ours = file.read(len(_BEGIN)) == _BEGIN.encode()
    return "" if ours else "it holds something else"
