"""Puts the page together."""

from pathlib import Path
from typing import Any

import numpy as np

from ...report import html_page
from ...report.parts import Html, bare_table, notes, table, text, tiles, wide
from ..inputs import Queries
from ..leaks import Leak
from ..stats import similarity_samples
from ..task import Selection, SelectionTask
from . import charts
from .sections import Pictures


def render(
    task: SelectionTask,
    selection: Selection,
    queries: Queries,
    leaks: list[Leak],
    roots: dict[str, str],
    summary: dict[str, Any],
) -> str:
    """Makes the page.

    Args:
        task: The problem.
        selection: Its solution.
        queries: The target images.
        leaks: Pool images that were kept out.
        roots: Image folder of "pool" and of each store that ``leaks`` name.
        summary: As written to summary.json.

    Returns:
        HTML, complete in itself.
    """
    pictures = Pictures(task, selection, queries, roots)
    title = f"{summary['selected']:,} of {summary['pool']['images']:,} images selected"
    target = ", ".join(Path(path).name for path in summary["target"]["stores"])
    body = [
        f"<h1>{title}</h1>",
        f'<p class="soft">Pool <b>{text(Path(summary["pool"]["store"]).name)}</b>, '
        f"target <b>{text(target)}</b> ({summary['target']['images']:,} images), "
        f"policy <b>{text(summary['policy'])}</b>, seed {summary['seed']}.</p>",
        _tiles(summary),
        _notes(summary["notes"]),
        _charts(task, selection),
        _enough(summary.get("enough")),
        pictures.hits_of_queries(),
        pictures.borderline(),
        pictures.most_wanted(),
        pictures.leaks(leaks),
        _sources(summary.get("sources", {})),
        _details(summary),
    ]
    return html_page(title, body)


def _tiles(summary: dict[str, Any]) -> str:
    chosen = summary["similarity"]["selected"]["q50"]
    anywhere = summary["similarity"]["random_pool"]["q50"]
    served = summary["queries"]
    dropped = summary["pool"]["near_duplicates_of_excluded"]
    figures = [
        (f"{chosen:.3f}", "median similarity to the target, selected images"),
        (f"{anywhere:.3f}", "the same for random images of the pool"),
        (
            f"{served['served']:,} of {served['queries']:,}",
            "target images that some selected image was chosen for",
        ),
        (
            f"{served['images_per_query_min']}"
            f"\N{EN DASH}{served['images_per_query_max']}",
            f"images per target image, median {served['images_per_query_median']:g}",
        ),
    ]
    if summary["excluded"]:
        figures.append((f"{dropped:,}", "copies of held-out images dropped"))
    if copies := summary["pool"].get("copies"):
        figures.append((f"{copies:,}", "copies of others in the pool left out"))
    return tiles(figures)


def _notes(said: list[str]) -> str:
    items = []
    for note in said:
        kind = "warning" if note.startswith("warning") else ""
        told = note.removeprefix("warning: ")
        items.append((kind, f"{told[:1].upper()}{told[1:]}."))
    return notes(items)


def _charts(task: SelectionTask, selection: Selection) -> str:
    near, anywhere = similarity_samples(task, selection)
    counts = np.bincount(selection.queries, minlength=len(task.queries))
    return (
        '<div class="charts"><section><h2>How similar</h2>'
        '<p class="legend"><span><i class="key c"></i>selected images</span>'
        '<span><i class="key a"></i>random images of the pool</span></p>'
        f"{wide(charts.histogram(near, anywhere), 'chart')}"
        '<p class="soft">The further apart the two, the more a selection differs from '
        "a random one. If they lie on each other, the features do not tell the "
        "target from the pool.</p></section>"
        "<section><h2>How evenly the target is served</h2>"
        '<p class="legend"><span><i class="key c"></i>selected images</span>'
        f'<span><i class="key l"></i>even share: {counts.mean():.1f}</span></p>'
        f"{wide(charts.shares(counts), 'chart')}"
        '<p class="soft">Images of the selection by the target image they were chosen '
        "for. A steep curve means that few target images decide.</p></section></div>"
    )


def _enough(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    chart = charts.similarity_curve(found["curve"], found["random"], found["images"])
    reason = found["reason"]
    return (
        '<div class="charts"><section><h2>How many are enough</h2>'
        '<p class="legend"><span><i class="key c"></i>the last fifth of so many '
        'images</span><span><i class="key l"></i>random images of the pool; upright, '
        "what is suggested</span></p>"
        f"{wide(chart, 'chart')}"
        f'<p class="soft">{text(reason[:1].upper() + reason[1:])}.</p>'
        "</section></div>"
    )


# Browsers take seconds to lay out a table of thousands of rows.
_SOURCES = 100


def _sources(sources: dict[str, dict[str, float]]) -> str:
    if not sources:
        return ""
    top = max(max(s["pool_share"], s["selected_share"]) for s in sources.values())
    rows = []
    ranked = sorted(sources.items(), key=lambda item: -item[1]["selected_share"])
    for name, share in ranked[:_SOURCES]:
        bars = "".join(
            f'<i class="{kind}" style="width:{100 * share[key] / top:.1f}%"></i>'
            for kind, key in (("c", "selected_share"), ("a", "pool_share"))
        )
        cells = [
            name,
            f"{share['selected']:,}",
            f"{share['selected_share']:.1%}",
            f"{share['pool_share']:.1%}",
        ]
        rows.append([*cells, Html(f'<div class="meter">{bars}</div>')])
    heads = ["source", "selected", "share of selection", "share of pool", "(drawn)"]
    return (
        "<h2>Where the images come from</h2>"
        '<p class="soft">Sources are known here for measuring and for limits; no '
        'similarity is made of them. <span class="legend"><span><i class="key c"></i>'
        "selection"
        '</span><span><i class="key a"></i>pool</span></span></p>'
        + table(heads, rows, "sources of the images")
        + _others([share for _, share in ranked[_SOURCES:]])
    )


def _others(shares: list[dict[str, float]]) -> str:
    if not shares:
        return ""
    selected = sum(share["selected"] for share in shares)
    return (
        f'<p class="soft">{len(shares):,} further sources are in summary.json: '
        f"{selected:,} images were selected from them.</p>"
    )


def _details(summary: dict[str, Any]) -> str:
    pool, inputs = summary["pool"], summary["inputs"]
    rows = [
        ("pool", f"{pool['store']} (images in {pool['root'] or 'an unknown folder'})"),
        ("target", ", ".join(summary["target"]["stores"])),
        ("kept out", ", ".join(summary["excluded"]) or "nothing"),
        ("left in the pool", f"{pool['reachable']:,} of {pool['images']:,} images"),
        ("budget", f"{summary['budget']:,}"),
        *_wishes(summary),
        ("pool sha256", inputs["pool"]),
        ("target sha256", ", ".join(inputs["targets"])),
        ("mmtaskssl", summary["mmtaskssl"]),
    ]
    return f"<details><summary>Inputs</summary>{bare_table([], rows)}</details>"


def _wishes(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns what was asked for beside a policy and a number, a line each."""
    rows = []
    for name, value in summary.get("limits", {}).items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        rows.append((name.replace("_", " "), shown))
    if "unlike" in summary:
        rows.append(("unlike", ", ".join(summary["unlike"])))
    for one in summary["target"].get("selected", ()):
        of = f" of {one['wanted']:,}" if "wanted" in one else ""
        rows.append((f"for {Path(one['store']).name}", f"{one['selected']:,}{of}"))
    return rows
