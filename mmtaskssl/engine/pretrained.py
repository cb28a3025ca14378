"""The result of a training."""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..config.shown import ShownConfig
from ..report.curves import panels, picture
from ..report.inline import drawing
from ..report.page import html_page
from ..report.parts import wide
from ..report.result import Result
from ..runs import Work
from ..utils.atomic import write_json, write_text
from ..utils.families import Unfinished
from ..utils.hashing import file_sha256

# Of a row of the log, what is no measurement.
_NO_METRICS = frozenset(["step", "iter", "epoch", "time", "data_time", "memory", "lr"])
_CONFIG, _WEIGHTS, _LOG = "config.py", "checkpoint.pth", "training.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Pretrained(Result):
    """A trained network.

    Attributes:
        name: Of its config.
        config: The complete config, with all options in it.
        work_dir: Holds the checkpoints and logs of the training.
        checkpoint: The last one; None if the config asks for none.
        iterations: Done in all.
        history: Rows of the log, of a resumed training those from before, too. Each
            has ``step``, and ``loss`` (over the last rows) or what was measured.
        main: Whether this is the first of the processes that train together.
        best: The checkpoint that ``save_best`` kept; None without it.
    """

    name: str
    config: Config = dataclasses.field(repr=False)
    work_dir: Path
    checkpoint: Path | None
    iterations: int
    history: Sequence[Mapping[str, Any]] = dataclasses.field(repr=False)
    main: bool = True
    best: Path | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric that was measured, such as ``knn_top1`` (%)."""
        rows = (row for row in self.history if "loss" not in row)
        return {
            name: value
            for row in rows
            for name, value in row.items()
            if name not in _NO_METRICS
        }

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Step and loss of each logged row."""
        return [(row["step"], row["loss"]) for row in self.history if "loss" in row]

    @property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Step and value of the loss, and of each metric that was measured."""
        curves: dict[str, list[tuple[int, float]]] = {}
        if self.losses:
            curves["loss"] = self.losses
        for row in self.history:
            if "loss" in row:
                continue
            for name, value in row.items():
                if name not in _NO_METRICS and isinstance(value, int | float):
                    curves.setdefault(name, []).append((row["step"], float(value)))
        return {name: sorted(curve) for name, curve in curves.items()}

    def page(self) -> str:
        """Returns the main figures, and a chart for the loss and each metric."""
        charts = "".join(wide(chart, "chart") for chart in panels(self.curves))
        return html_page(
            "Pretrained",
            [
                "<h1>Pretrained</h1>",
                super()._repr_html_(),
                f'<div class="charts">{charts}</div>',
            ],
        )

    def _repr_html_(self) -> str:
        """Shows the table in a notebook, and a chart for the loss and each metric."""
        shown = super()._repr_html_()
        if curves := self.curves:
            shown += drawing(picture(curves), "svg+xml")
        return shown

    def to_dict(self) -> dict[str, Any]:
        """Returns where it is, and its history."""
        return {
            "config": self.name,
            "work_dir": str(self.work_dir),
            "checkpoint": None if self.checkpoint is None else str(self.checkpoint),
            "best": None if self.best is None else str(self.best),
            "iterations": self.iterations,
            "metrics": self.metrics,
            "history": [dict(row) for row in self.history],
        }

    def table(self) -> str:
        """Returns the main figures, a line each."""
        rows = [("trained", f"{self.name}, {self.iterations:,} iterations")]
        if self.losses:
            values = dict.fromkeys([self.losses[0], self.losses[-1]])  # maybe one row
            rows.append(("loss", " -> ".join(f"{loss:.4f}" for _, loss in values)))
        rows += [(name, f"{value:.2f}") for name, value in self.metrics.items()]
        rows.append(("checkpoint", str(self.checkpoint or "none")))
        if self.best is not None:
            rows.append(("best", str(self.best)))
        return "\n".join(f"  {name:<16} {value}" for name, value in rows)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes config.py, checkpoint.pth and training.json: a copy to keep.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`; or there is no checkpoint.
        """
        if self.checkpoint is None or not self.checkpoint.is_file():
            raise Unfinished(
                f"the training in {self.work_dir} left no checkpoint: nothing to save"
            )
        inputs = {"config": self.name, "checkpoint": file_sha256(self.checkpoint)}
        files = (_CONFIG, _WEIGHTS, _LOG)
        work = Work("training", 1, inputs, files, "a training")
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_text(temporary / _CONFIG, ShownConfig.of(self.config).pretty_text)
            shutil.copyfile(self.checkpoint, temporary / _WEIGHTS)
            write_json(temporary / _LOG, self.to_dict())
        return Path(folder)
