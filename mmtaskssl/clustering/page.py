"""One HTML page to judge clusters by eye."""

import math
from pathlib import Path

import numpy as np

from ..features.store import FeatureStore
from ..report import Thumbnails, html_page
from ..report.parts import meter, table, text, tiles
from .clusters import Clusters, Labels
from .kmeans import exact_scores

# All pictures of a page together, and those of one cluster.
_PICTURES, _MOST, _FEWEST = 900, 12, 3
_DRAWN = 48
# Clusters that are shown; thousands more are a line each, which browsers draw at once.
_SHOWN = 1000
_THUMB, _BYTES = 80, 6_000_000
_STYLE = """
.leaf { display: grid; grid-template-columns: 190px 1fr; gap: 16px; padding: 10px 0;
  border-top: 1px solid var(--line); align-items: start; }
@media (max-width: 700px) { .leaf { grid-template-columns: 1fr; gap: 8px; } }
.leaf .who span { display: block; }
.leaf .meter { width: 160px; height: 8px; margin: 4px 0; }
.leaf .pics { grid-template-columns: repeat(auto-fill, 68px); gap: 6px; }
"""


def render(clusters: Clusters) -> str:
    """Makes the page of clusters that were measured.

    Returns:
        HTML, complete in itself.
    """
    tree = "x".join(map(str, clusters.tree))
    kind = clusters.manifest["kind"]
    title = f"{len(clusters):,} images in {clusters.num_leaves:,} clusters"
    body = [
        f"<h1>{title}</h1>",
        f'<p class="soft">Pool <b>{text(Path(clusters.manifest["pool"]).name)}</b>, '
        f"tree <b>{tree}</b>, {kind}, seed {clusters.manifest['seed']}, path map "
        f"{clusters.manifest['path_map']}.</p>",
        _tiles(clusters),
        _levels(clusters),
        *_Leaves(clusters).sections(),
    ]
    return html_page(title, body, _STYLE)


def _tiles(clusters: Clusters) -> str:
    pool, leaves = clusters.manifest["levels"][0], clusters.manifest["levels"][-1]
    figures = [
        (
            f"{leaves['smallest']:,}\N{EN DASH}{leaves['largest']:,}",
            "images in a cluster; the largest is "
            f"{leaves['imbalance']:.2f} times the mean",
        ),
        (
            f"{leaves['cohesion']:.3f}",
            "mean cosine similarity of two images of one cluster",
        ),
        (f"{pool['cohesion']:.3f}", "the same of two images of the pool"),
    ]
    if clusters.manifest["unusable"]:
        count = clusters.manifest["unusable"]
        figures.append((f"{count:,}", "images without a usable feature, in no cluster"))
    return tiles(figures)


def _levels(clusters: Clusters) -> str:
    labels = clusters.manifest.get("labels")
    heads = ["", "clusters", "smallest", "largest", "largest / mean", "cohesion"]
    heads += ["purity", "NMI"] if labels else []
    rows = []
    names = ["the pool", *(f"level {n}" for n in range(1, len(clusters.tree) + 1))]
    for level, row in enumerate(clusters.manifest["levels"]):
        cells = [
            names[level],
            f"{row['clusters']:,}",
            f"{row['smallest']:,}",
            f"{row['largest']:,}",
            f"{row['imbalance']:.2f}",
            f"{row['cohesion']:.3f}",
        ]
        if labels and level == 0:
            cells += [f"{labels['largest_class']:.3f}", f"{0:.3f}"]
        elif labels:
            agreement = labels["levels"][level - 1]
            cells += [f"{agreement['purity']:.3f}", f"{agreement['nmi']:.3f}"]
        rows.append(cells)
    note = ""
    if labels:
        note = (
            f'<p class="soft">Purity and NMI compare with {labels["classes"]} labels '
            f"of {text(Path(labels['table']).name)}, which the clusters have never "
            "seen.</p>"
        )
    return f"<h2>Level by level</h2>{note}{table(heads, rows, 'levels of the tree')}"


class _Leaves:
    """Makes one section per coarse cluster, one line per leaf."""

    def __init__(self, clusters: Clusters):
        self.clusters = clusters
        self.thumbs = Thumbnails(_BYTES, _THUMB)
        self.count = min(_MOST, max(_FEWEST, _PICTURES // clusters.num_leaves))
        usable = np.flatnonzero(clusters.leaf >= 0)
        order = usable[np.argsort(clusters.leaf[usable], kind="stable")]
        self.members = np.split(order, np.cumsum(clusters.sizes)[:-1])

    def sections(self) -> list[str]:
        below = math.prod(self.clusters.tree[1:])
        drawn = (
            "drawn at random, the most typical first"
            if self._centre(0) is not None
            else "drawn at random"
        )
        parts = [
            f'<p class="soft" style="margin-top:28px">Images of a cluster are {drawn}. '
            "The bar is its size beside the largest one; a path names one group per "
            "stage.</p>"
        ]
        # What a tree of one level has would be a heading each.
        groups = self.clusters.tree[0] if below > 1 else 1
        every = self.clusters.num_leaves // groups
        for coarse in range(groups):
            leaves = range(coarse * every, (coarse + 1) * every)
            total = int(self.clusters.sizes[leaves.start : leaves.stop].sum())
            name = f"Coarse cluster {coarse}" if below > 1 else "All clusters"
            parts.append(f"<h2>{name}: {total:,} images</h2>")
            shown = leaves[: max(1, _SHOWN // groups)]
            parts += [self._leaf(leaf) for leaf in shown]
            parts.append(self._lines(leaves[len(shown) :]))
        return parts

    def _lines(self, leaves: range) -> str:
        if not leaves:
            return ""
        lines = "".join(f"<li>{': '.join(self._what(leaf))}</li>" for leaf in leaves)
        return (
            f"<details><summary>{len(leaves):,} further clusters</summary>"
            f'<ul class="notes">{lines}</ul></details>'
        )

    def _what(self, leaf: int) -> tuple[str, str]:
        path = ".".join(map(str, self.clusters.paths[leaf]))
        cohesion = self.clusters.manifest["cohesion"][leaf]
        size = int(self.clusters.sizes[leaf])
        return (
            f"cluster {leaf}, path {path}",
            f"{size:,} images, cohesion {cohesion:.3f}",
        )

    def _leaf(self, leaf: int) -> str:
        clusters = self.clusters
        name, size = self._what(leaf)
        lines = [
            f"<b>{name}</b>",
            f"<span>{size}</span>",
            meter(clusters.sizes[leaf] / clusters.sizes.max()),
        ]
        if clusters.labels is not None:
            told = self._composition(clusters.labels, leaf)
            lines.append(f'<span class="soft">{told}</span>')
        pics = "".join(f'<div class="pic">{tag}</div>' for tag in self._pictures(leaf))
        return (
            f'<div class="leaf"><div class="who">{"".join(lines)}</div>'
            f'<div class="pics">{pics}</div></div>'
        )

    def _composition(self, labels: Labels, leaf: int) -> str:
        found = labels.rows[self.members[leaf]]
        found = found[found >= 0]
        if not len(found):
            return "no labels"
        counts = np.bincount(found)
        best = np.argsort(-counts, kind="stable")[:3]
        return ", ".join(
            f"{text(labels.names[i])} {counts[i] / len(found):.0%}"
            for i in best.tolist()
            if counts[i]
        )

    def _centre(self, leaf: int) -> tuple[FeatureStore, np.ndarray] | None:
        """Returns what tells how typical a row is; clusters that were read lack it."""
        pool, centroids = self.clusters.pool, self.clusters.centroids
        if pool is None or centroids is None:
            return None
        return pool, centroids[leaf : leaf + 1]

    def _pictures(self, leaf: int) -> list[str]:
        rng = np.random.default_rng([self.clusters.manifest["seed"], leaf])
        rows = rng.permutation(self.members[leaf])[:_DRAWN]
        centre = self._centre(leaf)
        if centre is not None and len(rows):
            pool, centroid = centre
            scores = exact_scores(pool.read(rows), centroid)[:, 0]
            rows = rows[np.argsort(-scores, kind="stable")]
            # From the most typical of those drawn to the least.
            places = np.linspace(0, len(rows) - 1, min(self.count, len(rows)))
            rows = rows[places.round().astype(int)]
        root = Path(self.clusters.root) if self.clusters.root else None
        names = [self.clusters.image_ids[row] for row in rows[: self.count].tolist()]
        return [self.thumbs.tag(root and root / name, name) for name in names]
