"""The result of an evaluation of sub-nets."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..report.result import Result
from .evaluation import save_result
from .subnet_table import format_subnets


@dataclasses.dataclass(frozen=True, eq=False)
class SubnetEvaluation(Result):
    """What probes found on the features of each sub-net.

    Attributes:
        facts: Probes with their settings, network and data; JSON-ready.
        rows: One per sub-net: its names and costs, what each probe found (see
            `run_probe`), and the rank and deviation of its features; JSON-ready.
        image_size: Side of the images, pixels, which the MACs are counted at.
    """

    facts: Mapping[str, Any] = dataclasses.field(repr=False)
    rows: Sequence[Mapping[str, Any]] = dataclasses.field(repr=False)
    image_size: int

    def __len__(self) -> int:
        return len(self.rows)

    def means(self, probe: str | None = None) -> dict[str, float]:
        """Returns the mean of the metric of each sub-net, in percent.

        Args:
            probe: Name of a column, such as "kNN"; None: of the first.
        """
        probe = probe or self.facts["methods"][0]
        found = {row["subnet"]: row["results"][probe]["metrics"] for row in self.rows}
        return {
            name: next(iter(metrics.values()))["mean"]
            for name, metrics in found.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns the facts and all rows."""
        return {**self.facts, "rows": [dict(row) for row in self.rows]}

    def table(self) -> str:
        """Returns a line for each sub-net."""
        return format_subnets(self.rows, self.facts["methods"], self.image_size)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes evaluation.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        names = [row["subnet"] for row in self.rows]
        inputs = {**self.facts, "subnets": names}
        return save_result(folder, inputs, self.to_dict(), overwrite)
