"""What was selected, shown to the eye."""

import html
from collections import defaultdict
from pathlib import Path

from ...report import Thumbnails
from ...selection.output import TABLE, read_csv

# Target images that are shown, and the first selected images of each.
_QUERIES, _EACH = 8, 9
_MAX_BYTES = 1_000_000


def chosen_section(selection: Path, pool_root: str, target_root: str) -> str:
    """Shows target images beside the images that were selected for them.

    Args:
        selection: Folder of a selection.
        pool_root: Folder of the pool's images.
        target_root: Folder of the target's training images.

    Returns:
        HTML with its heading.
    """
    images: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for line in read_csv(selection / TABLE):
        images[line["query"]].append((line["image"], float(line["score"])))
    order = sorted(images, key=lambda name: (-images[name][0][1], name))
    count = min(_QUERIES, len(order))
    # From best to worst served, evenly.
    places = {round(i * (len(order) - 1) / max(count - 1, 1)) for i in range(count)}
    thumbs = Thumbnails(_MAX_BYTES)
    rows = "".join(
        _row(order[place], images[order[place]], thumbs, pool_root, target_root)
        for place in sorted(places)
    )
    link = html.escape(f"{selection.name}/report.html")
    return (
        "<h2>What was selected</h2>"
        f'<p class="soft">Left, images of the target, {len(places)} of the '
        f"{len(order):,} that something was selected for, from the best served to the "
        "worst; then what was selected for each, with its cosine similarity. All of "
        f'it, and what was left out: <a href="{link}">{link}</a>.</p>{rows}'
    )


def _row(
    query: str,
    found: list[tuple[str, float]],
    thumbs: Thumbnails,
    pool_root: str,
    target_root: str,
) -> str:
    pictures = "".join(
        f'<figure class="pic in">{thumbs.tag(Path(pool_root, image), _shown(image))}'
        f"<figcaption>{score:.3f}</figcaption></figure>"
        for image, score in found[:_EACH]
    )
    images = "image" if len(found) == 1 else "images"
    mine = thumbs.tag(Path(target_root, query), _shown(query))
    name = thumbs.name(_shown(query))
    return (
        f'<div class="query"><div><div class="pic">{mine}</div>'
        f'<div class="who"><b>{name}</b>'
        f'<span class="soft">{len(found):,} {images} selected for it</span>'
        f'</div></div><div class="pics">{pictures}</div></div>'
    )


def _shown(name: str) -> str:
    """Returns a name of a file as text that any page can hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
