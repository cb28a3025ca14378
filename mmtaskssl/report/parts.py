"""Parts that pages are made of: tables, tiles, notes, boxes that scroll by themselves.

One mechanism for all pages: what is text is escaped here, headers of tables name what
they head, and what is wider than a phone scrolls in a box that the keyboard reaches.
"""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any


class Html(str):
    """Text that is markup already; any other text is escaped."""

    __slots__ = ()


def text(value: Any) -> Html:
    """Returns a value as markup that shows just it.

    Args:
        value: `Html` stays as it is.
    """
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def told(sentence: Any) -> Html:
    """Returns a sentence as markup: what is in backticks is code, flags do not break.

    Args:
        sentence: Plain text.
    """
    coded = re.sub("`([^`]+)`", r"<code>\1</code>", text(sentence))
    flag = r"(?<![\w-])(--[a-z][\w-]*)"
    return Html(re.sub(flag, r'<span class="flag">\1</span>', coded))


def wide(inner: str, label: str, kind: str = "") -> Html:
    """Returns a box that scrolls sideways by itself, so that the page does not.

    Args:
        inner: Markup.
        label: What it holds, for those who do not see it: plain text.
        kind: Another class of the box.
    """
    return Html(
        f'<div class="{f"wide {kind}".strip()}" role="group" '
        f'aria-label="{text(label)}" tabindex="0">{inner}</div>'
    )


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    label: str,
    kind: str = "",
) -> Html:
    """Returns a table in a box of its own.

    Args:
        heads: Plain text of each column. One in brackets is there for those who hear
            the page, such as of a column of bars.
        rows: Cells, text or `Html`, the first of which heads its row.
        label: What the table shows: plain text.
        kind: Class of the table.
    """
    return wide(bare_table(heads, rows, kind), label)


def bare_table(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], kind: str = ""
) -> Html:
    """Returns a `table` without its box."""
    head = "".join(f'<th scope="col">{_head(name)}</th>' for name in heads)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    name = f' class="{kind}"' if kind else ""
    top = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return Html(f"<table{name}>{top}<tbody>{lines}</tbody></table>")


def _head(name: str) -> str:
    if name.startswith("("):
        return f'<span class="heard">{text(name[1:-1])}</span>'
    return text(name)


def _cells(row: Sequence[Any]) -> str:
    first, *rest = row
    cells = "".join(f"<td>{text(cell)}</td>" for cell in rest)
    return f'<th scope="row">{text(first)}</th>{cells}'


def tiles(pairs: Iterable[tuple[str, str]]) -> Html:
    """Returns figures as tiles.

    Args:
        pairs: A figure, and what it is: plain text.
    """
    inner = "".join(
        f'<div class="tile"><b>{text(value)}</b><span>{text(what)}</span></div>'
        for value, what in pairs
    )
    return Html(f'<div class="tiles">{inner}</div>' if inner else "")


def notes(items: Iterable[tuple[str, str]]) -> Html:
    """Returns sentences, see `told`, as a list.

    Args:
        items: A class, such as "warning", or "", and a sentence.
    """
    inner = "".join(
        f'<li class="{text(kind)}">{told(said)}</li>' for kind, said in items
    ).replace(' class=""', "")
    return Html(f'<ul class="notes">{inner}</ul>' if inner else "")


def meter(share: float, kind: str = "c") -> Html:
    """Returns a bar.

    Args:
        share: 0 to 1.
        kind: "c": of what was chosen, "a": of anything.
    """
    bar = f'<i class="{kind}" style="width:{100 * share:.1f}%"></i>'
    return Html(f'<div class="meter" aria-hidden="true">{bar}</div>')


def printed(said: str, label: str) -> Html:
    """Returns lines as a terminal shows them, in a box of their own.

    Args:
        said: Plain text.
        label: What they are.
    """
    return Html(
        f'<pre tabindex="0" role="group" aria-label="{text(label)}">{text(said)}</pre>'
    )
