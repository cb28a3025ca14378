"""One HTML page: every path's score, and what the best one was trained on."""

import math
from pathlib import Path

import numpy as np

from ..report import Thumbnails, html_page
from ..report.axes import ticks
from ..report.parts import notes, table, text, wide
from ..subnets import Subnet
from .candidate import Candidate
from .result import Routing

_WIDTH, _HEIGHT = 900, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 40
_ROWS, _PICTURES, _DRAWN = 20, 24, 300
_STYLE = """
@media screen { .ranking > svg { min-width: 820px; } }
.band { stroke: var(--anywhere); stroke-width: 2; stroke-opacity: .55; }
.dot { fill: var(--anywhere); } .dot.max { fill: var(--ink); }
.dot.best { fill: var(--chosen); }
.band.best { stroke: var(--chosen); } .band.max { stroke: var(--ink); }
"""


def render(routing: Routing) -> str:
    """Makes the page.

    Args:
        routing: What was found.

    Returns:
        HTML, complete in itself.
    """
    task, clusters = routing.task, routing.clusters
    title = f"Router {routing.router}"
    title += f", probe {routing.probe}" if routing.probe else ""
    percent = routing.probe != "logme"
    thumbs = Thumbnails()
    winner = routing.winner.subnet
    label = routing.label(winner)
    name = "MAX, the generic network" if label == "MAX" else f"path {winner}"
    name = name if isinstance(winner, Subnet) else f"network {label}"
    said = notes(("", f"{note[:1].upper()}{note[1:]}.") for note in routing.notes)
    body = [
        f"<h1>Use {text(name)}</h1>",
        f'<p class="soft">{text(title)}: {len(task):,} training images of '
        f"<b>{text(task.root)}</b>; {len(routing.ranking)} of "
        f"{routing.paths + 1} sub-nets scored.</p>",
        said,
        "<h2>Scores</h2>",
        wide(_picture(routing, percent), "chart", "ranking"),
        _table(routing, percent),
    ]
    rng = np.random.default_rng(routing.seed)
    body += ["<h2>The task</h2>", _pictures(thumbs, task.root, task.image_ids, rng)]
    if clusters is not None and (leaf := routing.leaves_of(winner)) is not None:
        names = [clusters.image_ids[row] for row in clusters.rows(leaf).tolist()]
        root = Path(clusters.root) if clusters.root else None
        body += [
            f"<h2>What {text(label)} was trained on</h2>",
            f'<p class="soft">{len(names):,} images; some drawn at random.</p>',
            _pictures(thumbs, root, names, rng),
        ]
    return html_page(f"Routing: {name}", body, _STYLE)


def _pictures(
    thumbs: Thumbnails, root: Path | None, names: list[str], rng: np.random.Generator
) -> str:
    drawn = [names[i] for i in rng.permutation(len(names))[:_PICTURES].tolist()]
    tags = [thumbs.tag(root and root / name, name) for name in drawn]
    inner = "".join(f'<div class="pic">{tag}</div>' for tag in tags)
    return f'<div class="pics">{inner}</div>'


def _picture(routing: Routing, percent: bool) -> str:
    """Draws each score with its interval, the winner first."""
    scored = [c for c in routing.ranking if not math.isnan(c.score)]
    shown = [
        c for i, c in enumerate(scored) if i < _DRAWN or c.subnet == routing.largest
    ]
    low, high = min(c.low for c in shown), max(c.high for c in shown)
    if high - low < 1e-9:
        low, high = low - 0.01, high + 0.01
    base = _HEIGHT - _BOTTOM

    def x(place: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (place + 0.5) / len(shown)

    def y(value: float) -> float:
        return base - (base - _TOP) * (value - low) / (high - low)

    parts = []
    for value in ticks(low, high):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{y(value):.1f}" y2="{y(value):.1f}"/><text x="{_LEFT - 8}" '
            f'y="{y(value):.1f}" dy="4" text-anchor="end">{_score(value, percent)}'
            "</text>"
        )
    for place, c in enumerate(shown):
        kind = " max" if c.subnet == routing.largest else ""
        kind = " best" if place == 0 else kind
        at = f"{x(place):.1f}"
        parts.append(
            f"<g><title>{text(routing.label(c.subnet))}: {_score(c.score, percent)} "
            f"({_score(c.low, percent)} to {_score(c.high, percent)})</title>"
            f'<line class="band{kind}" x1="{at}" x2="{at}" y1="{y(c.low):.1f}" '
            f'y2="{y(c.high):.1f}"/><circle class="dot{kind}" cx="{at}" '
            f'cy="{y(c.score):.1f}" r="4"/></g>'
        )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" '
        f'text-anchor="middle">{_drawn(shown, scored)}, with 95 % intervals; '
        f"green: the winner, dark: {text(routing.label(routing.largest))}</text>"
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="score of each '
        f'sub-net">{"".join(parts)}</svg>'
    )


def _drawn(shown: list[Candidate], scored: list[Candidate]) -> str:
    if len(shown) == len(scored):
        return "sub-nets, the winner first"
    return f"the best {_DRAWN} of {len(scored):,} sub-nets, the winner first"


def _table(routing: Routing, percent: bool) -> str:
    shown = list(enumerate(routing.ranking, 1))
    rows = shown[:_ROWS]
    rows += [row for row in shown[_ROWS:] if row[1].subnet == routing.largest]
    lines = [_row(rank, c, routing.label(c.subnet), percent) for rank, c in rows]
    heads = ["rank", "sub-net", "score", "95 % interval", "behind the first"]
    return table([*heads, "(tie)", "overlap"], lines, "scores of the best")


def _row(rank: int, c: Candidate, name: str, percent: bool) -> list[str]:
    overlap = "" if c.overlap is None else f"{c.overlap:.3f}"
    margin = ""
    if rank > 1:
        margin = (
            f"{_score(c.behind, percent)} ({_score(c.behind_low, percent)} to "
            f"{_score(c.behind_high, percent)})"
        )
    return [
        str(rank),
        name,
        _score(c.score, percent),
        f"{_score(c.low, percent)} to {_score(c.high, percent)}",
        margin,
        "tie" if c.tied else "",
        overlap,
    ]


def _score(value: float, percent: bool) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    return f"{100 * value:.1f}" if percent else f"{value:.3f}"
