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
# Nothing is fetched and nothing runs, whatever a name or a label holds. Attributes of
# style are ours: lengths of bars.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
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
        f"{_BEGIN}{_HEAD}<title>{html.escape(redacted(title))}</title><style>\n"
        f"{common.read_text(encoding='utf-8')}{style}</style>"
        "</head><body><main>\n"
        + redacted("\n".join(body))
        + "\n</main></body></html>\n"
    )


def objection(path: Path) -> str:
    """Says why a file is no page of ours; "" if it is one."""
    with open(path, "rb") as file:
        ours = file.read(len(_BEGIN)) == _BEGIN.encode()
    return "" if ours else "it holds something else"
