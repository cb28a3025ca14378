"""The parts of the page that show images."""

from pathlib import Path

import numpy as np

from ...report import Thumbnails
from ..inputs import Queries
from ..leaks import Leak
from ..nearest import top_rows
from ..search import TopK
from ..task import Selection, SelectionTask

_QUERIES = 12
# Hits shown of each: the first ones, and those where selection ends.
_FIRST, _BESIDE = 5, 4
_BORDER = 12
_WANTED = 12
_PAIRS = 12
# Hits a query that the page looks at where the policy itself needed none.
_LOOK = 16


class Pictures:
    """Makes sections out of images, within one limit of bytes.

    Args:
        task: The problem.
        selection: Its solution.
        queries: The target images.
        roots: Image folder of "pool" and of other stores by path; "" unknown.
    """

    def __init__(
        self,
        task: SelectionTask,
        selection: Selection,
        queries: Queries,
        roots: dict[str, str],
    ):
        self.task, self.selection = task, selection
        self.queries, self.roots = queries, roots
        self.thumbs = Thumbnails()
        self.chosen = np.zeros(len(task.pool), dtype=bool)
        self.chosen[selection.rows] = True
        self.hits: TopK = task.known_hits() or task.hits(_LOOK)

    def hits_of_queries(self) -> str:
        """Shows target images with their best hits and those where selection ends."""
        best = self.hits.scores[:, 0]
        order = np.lexsort((np.arange(len(best)), -best))
        places = np.linspace(0, len(order) - 1, min(_QUERIES, len(order)))
        counts = np.bincount(self.selection.queries, minlength=len(best))
        rows = []
        for query in order[np.unique(places.astype(int))].tolist():
            pics = []
            before = -1
            for rank in self._ranks_to_show(query):
                if rank != before + 1:
                    pics.append('<span class="gap">\N{HORIZONTAL ELLIPSIS}</span>')
                before = rank
                score = self.hits.scores[query, rank]
                caption = f"<i>{rank + 1}</i> {score:.3f}"
                pics.append(self._pool_picture(self.hits.rows[query, rank], caption))
            images = "image" if counts[query] == 1 else "images"
            rows.append(
                f'<div class="query"><div>{self._query_picture(query)}'
                f'<div class="who"><b>{self._query_name(query)}</b>'
                f'<span class="soft">{counts[query]:,} {images} selected for it</span>'
                f'</div></div><div class="pics">{"".join(pics)}</div></div>'
            )
        return (
            "<h2>Target images and what the pool has for them</h2>"
            '<p class="soft">Left, a target image; then its most similar pool images '
            "with rank and cosine similarity, and, behind the dots, those around the "
            "first one left out (or the last ones looked at). A green frame marks "
            "selected images, whichever target image they were chosen for. The target "
            f"images run from best to worst matched; {len(rows)} of {len(best):,} are "
            "shown.</p>" + "".join(rows)
        )

    def _ranks_to_show(self, query: int) -> list[int]:
        """Returns the first ranks, and those around the first hit not selected."""
        k = self.hits.rows.shape[1]
        left_out = np.flatnonzero(~self.chosen[self.hits.rows[query]])
        end = int(left_out[0]) if len(left_out) else k
        first = min(max(end - 1, _FIRST), k - _BESIDE)
        ranks = {*range(_FIRST), *range(first, first + _BESIDE)}
        return sorted(rank for rank in ranks if 0 <= rank < k)

    def borderline(self) -> str:
        """Shows the last images selected beside the most similar ones left out."""
        last = self.selection.rows[-_BORDER:]
        scores = self.selection.scores[-_BORDER:]
        inside = "".join(
            self._pool_picture(r, f"{s:.3f}")
            for r, s in zip(last.tolist(), scores.tolist(), strict=True)
        )
        rows, left_scores = self._most_similar_left_out()
        outside = "".join(
            self._pool_picture(r, f"{s:.3f}")
            for r, s in zip(rows.tolist(), left_scores.tolist(), strict=True)
        )
        parts = [
            "<h2>At the border</h2>",
            '<p class="soft">The last images that were selected.</p>',
            f'<div class="pics">{inside}</div>',
        ]
        if outside:
            parts += [
                '<p class="soft" style="margin-top:18px">Images that were not '
                "selected although they are similar to some target image: others rank "
                "before them.</p>",
                f'<div class="pics">{outside}</div>',
            ]
        return "".join(parts)

    def _most_similar_left_out(self) -> tuple[np.ndarray, np.ndarray]:
        skip = self.task.skip | self.chosen
        if skip.all():
            return np.zeros(0, np.int64), np.zeros(0)
        rows, scores = self.hits.rows.ravel(), self.hits.scores.ravel()
        left = ~self.chosen[rows]
        rows, scores = rows[left], scores[left]
        order = np.lexsort((rows, -scores))
        _, first = np.unique(rows[order], return_index=True)
        order = order[np.sort(first)][:_BORDER]
        if len(order) < _BORDER:  # all the hits that are known were selected
            count = min(_BORDER, int((~skip).sum()))
            return top_rows(self.task.queries, self.task.pool, count, skip=skip)
        return rows[order], scores[order]

    def most_wanted(self) -> str:
        """Shows the pool images that are among the hits of most target images."""
        k = min(self.hits.rows.shape[1], _LOOK)
        rows, counts = np.unique(self.hits.rows[:, :k], return_counts=True)
        order = np.lexsort((rows, -counts))[:_WANTED]
        order = order[counts[order] > 1]
        if not len(order):
            return ""
        pics = "".join(
            self._pool_picture(int(rows[i]), f"{counts[i]:,} times") for i in order
        )
        return (
            "<h2>Wanted most often</h2>"
            f'<p class="soft">Pool images that are among the best {k} hits of the '
            f"largest number of the {len(self.task.queries):,} target images. Grey, "
            "blank or blurred images here mean that the features see little.</p>"
            f'<div class="pics">{pics}</div>'
        )

    def leaks(self, leaks: list[Leak]) -> str:
        """Shows the least similar pairs that the leak guard dropped."""
        if not leaks:
            return ""
        shown = sorted(leaks, key=_certainty)[:_PAIRS]
        pairs = []
        for leak in shown:
            files = (self._file("pool", leak.image), self._file(leak.store, leak.match))
            pics = "".join(
                f'<div class="pic">{self.thumbs.tag(file, name)}</div>'
                for file, name in zip(files, (leak.image, leak.match), strict=True)
            )
            pixels = "" if leak.agreement is None else f"pixels {leak.agreement:.3f}, "
            why = f"{leak.reason}, {leak.transform}" if leak.transform else leak.reason
            pairs.append(
                f'<figure class="pair">{pics}<figcaption>{pixels}features '
                f"{leak.score:.4f}: {why}</figcaption></figure>"
            )
        return (
            "<h2>Dropped as copies of held-out images</h2>"
            '<p class="soft">Pool image on the left, held-out image on the right: the '
            f"{len(shown)} least certain of {len(leaks):,} pairs.</p>"
            f'<div class="pairs">{"".join(pairs)}</div>'
        )

    def _pool_picture(self, row: int, caption: str) -> str:
        name = self.task.pool.image_ids[row]
        picture = self.thumbs.tag(self._file("pool", name), name)
        kind = "pic in" if self.chosen[row] else "pic"
        tick = " \N{CHECK MARK}" if self.chosen[row] else ""
        return (
            f'<figure class="{kind}">{picture}'
            f"<figcaption>{caption}{tick}</figcaption></figure>"
        )

    def _query_picture(self, query: int) -> str:
        name = self.queries.image_ids[query]
        picture = self.thumbs.tag(self.queries.files[query], name)
        return f'<div class="pic">{picture}</div>'

    def _query_name(self, query: int) -> str:
        return self.thumbs.name(self.queries.image_ids[query])

    def _file(self, store: str, image: str) -> Path | None:
        root = self.roots.get(store, "")
        return Path(root) / image if root else None


def _certainty(leak: Leak) -> tuple[float, float, int]:
    return 0.0 if leak.agreement is None else leak.agreement, leak.score, leak.row
