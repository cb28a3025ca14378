"""One HTML page: every ranking, and similarity over cost."""

import base64
import html
from typing import TYPE_CHECKING

from ..report import html_page
from .report import format_ranking, shape_text, size_note

if TYPE_CHECKING:
    from .result import SearchResult

_ROWS = 20


def render(result: "SearchResult") -> str:
    """Makes the page.

    Args:
        result: What was found.

    Returns:
        HTML, complete in itself.
    """
    best = ", ".join(result.best)
    images, checkpoint = result.origin["images"], result.origin["checkpoint"]
    body = [
        f"<h1>Take {html.escape(best)}</h1>",
        f'<p class="soft">Sub-nets of <b>{html.escape(str(checkpoint))}</b> by their '
        f"likeness to its largest on <b>{html.escape(str(images))}</b>. Costs "
        f"are of an image of {shape_text(result.identity['shape'])}.</p>",
    ]
    for metric in result.metrics:
        if picture := result.plot(metric):
            data = base64.b64encode(picture).decode()
            body.append(
                f'<img alt="{metric} similarity over MACs" style="max-width:100%" '
                f'src="data:image/png;base64,{data}">'
            )
    for budget, metric, rows in result.rankings():
        heading = f"{budget or 'all sub-nets'}, {metric}"
        text = format_ranking(rows, _ROWS, result.anchors, result.latencies)
        body += [
            f"<h2>{html.escape(heading)}</h2>",
            f"<pre>{html.escape(text)}</pre>",
            f'<p class="soft">{html.escape(size_note(rows))}</p>',
        ]
    return html_page(f"Search: {best}", body)
