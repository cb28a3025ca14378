"""The result of the transfer protocol."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..report.result import Result
from .evaluation import save_result
from .transfer_table import format_transfer

WHAT = "a transfer evaluation"


@dataclasses.dataclass(frozen=True, eq=False)
class TransferEvaluation(Result):
    """What probes found on the features of public sets.

    Attributes:
        network: Which network, and its image transform; JSON-ready.
        probes: Names of the probes that were asked for.
        rows: One per set and probe: sizes, ``metric``, ``score`` (%), all metrics and
            what the probe chose; JSON-ready.
        skipped: Why a set was not measured, by its name.
    """

    network: Mapping[str, Any] = dataclasses.field(repr=False)
    probes: Sequence[str]
    rows: Sequence[Mapping[str, Any]] = dataclasses.field(repr=False)
    skipped: Mapping[str, str]

    @property
    def mean(self) -> dict[str, float]:
        """Mean score of each probe that all measured sets have, in percent."""
        return mean_scores(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Returns the network, the rows, their means and what was skipped."""
        return {
            **with_means(self.network, self.rows),
            "skipped": dict(self.skipped),
        }

    def table(self) -> str:
        """Returns a line for each set, the mean, and what was left out."""
        return format_transfer(self.to_dict(), self.probes)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes evaluation.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        measured = [[row["set"], row["probe"]] for row in self.rows]
        inputs = {**self.network, "measured": measured}
        return save_result(folder, inputs, self.to_dict(), overwrite)


def with_means(
    network: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Returns network, rows and means, as results.json has them."""
    return {**network, "rows": [dict(row) for row in rows], "mean": mean_scores(rows)}


def mean_scores(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Returns the mean score of each probe over the sets.

    Of probes that some set lacks there is none, for it could not be compared.
    """
    scores: dict[str, list[float]] = {}
    for row in rows:
        scores.setdefault(row["probe"], []).append(row["score"])
    sets = {row["set"] for row in rows}
    return {
        probe: float(np.mean(values))
        for probe, values in scores.items()
        if len(values) == len(sets)
    }


def is_transfer_evaluation(value: Mapping[str, Any]) -> bool:
    """Whether the content of a JSON file is a transfer evaluation's."""
    return {"extractor", "transform", "rows", "mean"} <= {*value}
