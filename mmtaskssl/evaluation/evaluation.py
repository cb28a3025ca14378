"""The result of an evaluation."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..report.result import Result
from ..runs import Work
from ..utils.atomic import write_json
from .methods import Probe
from .protocol import format_result

FILE = "evaluation.json"
WHAT = "an evaluation"


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation(Result):
    """What probes found on features of a task.

    Attributes:
        probes: What measured, in order.
        facts: What was measured: network, encoder and data; JSON-ready.
        results: By the probe's name, as `run_probe` returns them: ``metrics``, the
            ``runs`` of each draw, sizes and notes; JSON-ready.
    """

    probes: Sequence[Probe] = dataclasses.field(repr=False)
    facts: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]] = dataclasses.field(repr=False)

    @property
    def metric(self) -> str:
        """Name of the metric that sums a probe up: ``top1``, or ``mAP``."""
        return next(iter(self._first["metrics"]))

    @property
    def mean(self) -> float:
        """Mean of the first probe's `metric` over the draws, in percent."""
        return self._first["metrics"][self.metric]["mean"]

    @property
    def spread(self) -> float | None:
        """Its sample standard deviation; None of a single draw."""
        return self._first["metrics"][self.metric]["std"]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Draws of the first probe: seed, metrics, and what the probe chose."""
        return [dict(run) for run in self._first["runs"]]

    @property
    def means(self) -> dict[str, float]:
        """Mean of the metric by the probe's name, in percent."""
        return {
            name: found["metrics"][self.metric]["mean"]
            for name, found in self.results.items()
        }

    @property
    def _first(self) -> Mapping[str, Any]:
        return self.results[self.probes[0].name]

    def to_dict(self) -> dict[str, Any]:
        """Returns settings, facts and results; those of one probe side by side."""
        settings = settings_of(self.probes)
        if len(self.probes) == 1:
            name = self.probes[0].name
            head = {"method": name, **settings}
            return {**head, **self.facts, **self.results[name]}
        head = {"methods": [*self.results], **settings}
        return {**head, **self.facts, "results": dict(self.results)}

    def table(self) -> str:
        """Returns the metrics of each probe, a line each, and what it chose."""
        parts = []
        for probe in self.probes:
            found = self.results[probe.name]
            parts.append(format_result({"method": probe.name, **found}))
            parts += [f"  {line}" for line in probe.remarks(found["runs"])]
        return "\n".join(parts)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes evaluation.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        inputs = {**settings_of(self.probes), **self.facts}
        return save_result(folder, inputs, self.to_dict(), overwrite)


def settings_of(probes: Sequence[Probe]) -> dict[str, Any]:
    """Returns the settings of all probes."""
    return {key: value for probe in probes for key, value in probe.settings.items()}


def save_result(
    folder: str | Path, inputs: Mapping[str, Any], value: Any, overwrite: bool
) -> Path:
    """Writes an evaluation's folder, see `Result.save`."""
    work = Work("evaluation", 1, inputs, (FILE,), WHAT)
    work.state(folder, overwrite)
    with work.written(folder) as temporary:
        write_json(temporary / FILE, value)
    return Path(folder)


def is_evaluation(value: Mapping[str, Any]) -> bool:
    """Whether the content of a JSON file is an evaluation's."""
    return {"extractor", "data"} <= {*value} and bool({"method", "methods"} & {*value})
