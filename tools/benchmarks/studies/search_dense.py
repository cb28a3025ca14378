"""Whether scores rank sub-nets for segmentation: a dozen of them, fine-tuned."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmtaskssl.evaluation.rank_statistics import spearman
from mmtaskssl.features.opening import open_runner
from mmtaskssl.search.search import search
from mmtaskssl.utils.tables import head, row

from .public import EXTRACTOR_SIDE
from .search_design import SearchDesign
from .search_ranks import design
from .search_ranks import partial as given
from .study import Cell
from .transfer import Transfer

TASK = "camvid"
METRICS = ("dense", "global", "neighbours", "ridge", "rank")
_MEASURE = "mIoU"
# Of the images; at the side of the training alone, a map would have four positions.
_SIDE, _IMAGES, _NORM_IMAGES = 128, 512, 256


class DenseDesign(SearchDesign):
    """Sub-nets of the first supernet as segmentors, and the scores that know no label.

    Seen and scored on the task's training images; batch norms get their statistics from
    the same ones.
    """

    def supernet(self) -> Path:
        """Returns the first supernet's checkpoint."""
        raise NotImplementedError

    @property
    def _streets(self) -> Path:
        return self.data / "segmentation" / TASK / "img" / "train"

    def dense(self) -> Iterator[Cell]:
        """Yields the scores, and a fine-tuning of each sub-net."""
        yield self._dense_scores
        for subnet in self.alone_nets:
            yield partial(self._segments, subnet.name)

    def _dense_scores(self) -> None:
        names = [subnet.name for subnet in self.alone_nets]
        if not self.lacking(0, "score-dense", TASK, names):
            return
        found = search(
            *((self.training("supernet", {}), self.supernet()), self._streets),
            subnets=names,
            metrics=METRICS,
            teacher=open_runner(self.public, image_size=EXTRACTOR_SIDE),
            image_size=_SIDE,
            num_images=_IMAGES,
            bn_images=_NORM_IMAGES,
            device="cpu",
        )
        rows: dict[str, dict[str, Any]] = {name: {"subnet": name} for name in names}
        for one in found.rows:
            rows[one["subnet"]][one["metric"]] = one["similarity"]
        self.keep(self.file(0, "score-dense", TASK), list(rows.values()))

    def _segments(self, name: str) -> None:
        """Fine-tunes one sub-net."""
        if not self.lacking(0, "dense", TASK, [name]):
            return
        export = self.out / "dense" / "exports" / name
        calibrated = self.out / "dense" / "calibrated" / f"{name}.pth"
        config = self.training("supernet", {})
        self.steps.run(
            f"calibrate {name}",
            calibrated,
            "calibrate",
            *(config, self.supernet(), "--subnet", name, "--images", self._streets),
            *("--image-size", _SIDE, "--out", calibrated),
        )
        self.steps.run(
            f"export {name}",
            export / "meta.json",
            "export",
            *(config, calibrated, "--subnet", name, "--out", export.parent),
        )
        place = self.out / "dense" / "runs"
        transfer = Transfer(self.data, place, [f"{name}={export}"], [TASK], [], 1)
        for cell in transfer.cells():
            cell()
        (task,) = transfer.tasks
        metrics = task.metrics(transfer.folder(task, name, 0))
        rows = self.rows(0, "dense", TASK)
        rows[name] = {"subnet": name, **(metrics or {})}
        self.keep(self.file(0, "dense", TASK), list(rows.values()))


def dense_table(study: SearchDesign) -> str:
    """Returns Markdown; empty unless all are fine-tuned."""
    nets = study.alone_nets
    names = [subnet.name for subnet in nets]
    truth, scores = (study.rows(0, stage, TASK) for stage in ("dense", "score-dense"))
    if not {*names} <= {*truth} & {*scores}:
        return ""
    values = np.array([truth[name][_MEASURE] for name in names])
    columns = {m: np.array([scores[n][m] for n in names], float) for m in METRICS}
    macs = np.array([study.macs(subnet) for subnet in nets], dtype=float)
    lines = [
        row(
            [
                *(f"`{name}`", f"{macs[place] / 1e6:.1f}", f"{values[place]:.1f}"),
                *(f"{column[place]:.3f}" for column in columns.values()),
            ]
        )
        for place, name in sorted(enumerate(names), key=lambda p: -values[p[0]])
    ]
    size = design(study.sizes(names))[:, :1]
    ranked = [f"{spearman(column, values):.2f}" for column in columns.values()]
    beyond = [f"{given(column, values, size):.2f}" for column in columns.values()]
    lines.append(row(["Spearman", f"{spearman(macs, values):.2f}", "", *ranked]))
    lines.append(row(["given log-MACs", "", "", *beyond]))
    return "\n".join(
        [
            f"{len(names)} sub-nets of one supernet (seed 0) as segmentors of {TASK}: "
            f"FCN, {_MEASURE} (%) after a short fine-tuning, one seed each, and scores "
            f"of its training images at {_SIDE} px, the teacher's at "
            f"{EXTRACTOR_SIDE} px.",
            "",
            *head(["sub-net", "M MACs", _MEASURE, *columns]),
            *lines,
        ]
    )
