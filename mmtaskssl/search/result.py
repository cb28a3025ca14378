"""The result of a search."""

import dataclasses
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..report.inline import drawing
from ..report.result import Result
from ..runs import Growing, Record, verify
from ..utils.atomic import atomic_path, write_json, write_text
from ..utils.budgets import Budget
from ..utils.families import FileDamaged, NotAResult
from ..utils.inputs import read_json, why
from . import output
from .mean_rank import mean_ranks
from .names import MEAN_OF, MEAN_RANK, words_of
from .noise import DRAWS, noise_note, taken, tied
from .report import format_ranking, plot_scores, shape_text, size_note
from .results import RESULTS, ResultsFile, Row, read_header


@dataclasses.dataclass(frozen=True, eq=False)
class SearchResult(Result):
    """Scores of sub-nets on a target's images, higher is better.

    Attributes:
        rows: One a sub-net and computed metric, in the order of scoring: ``subnet``,
            ``metric``, ``similarity`` (of any metric the value), ``ci`` [low, high]
            (95 %), ``macs`` and ``params``; and ``draws``, what the value is on other
            draws of the images, the same for all rows. Those that the folder held
            before are among them.
        budgets: What was asked for; none: all that was scored is ranked together.
        metrics: Names of what is ranked by, the leading one first.
        anchors: Of named sub-nets, such as MAX, by sub-net's name.
        latencies: Seconds for one image by sub-net's name, of those measured.
        identity: What the scores depend on; JSON-ready.
        origin: Where network and images came from, for the commands that come next.
    """

    rows: tuple[Row, ...] = dataclasses.field(repr=False)
    budgets: tuple[Budget, ...]
    metrics: tuple[str, ...]
    anchors: Mapping[str, str] = dataclasses.field(repr=False)
    latencies: Mapping[str, float] = dataclasses.field(repr=False)
    identity: Mapping[str, Any] = dataclasses.field(repr=False)
    origin: Mapping[str, Any] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def ranked(self, budget: Budget | None = None, metric: str = "") -> list[Row]:
        """Returns the rows of a band, best first.

        Args:
            budget: None: all rows. Only what was measured is in a band of latency.
            metric: Whose values; "": the leading one's.
        """
        metric = metric or self.metrics[0]
        if metric == MEAN_RANK:
            # Ranks are among the sub-nets of the band, so they are no row's for good.
            rows = mean_ranks([self.ranked(budget, part) for part in MEAN_OF])
        else:
            rows = [row for row in self.rows if row["metric"] == metric]
            if budget is not None:
                rows = [row for row in rows if self._cost(row, budget.kind) in budget]
        return sorted(rows, key=lambda r: (-r["similarity"], r["subnet"]))

    def _cost(self, row: Row, kind: str) -> float:
        if kind == "latency":
            return self.latencies.get(row["subnet"], float("inf"))
        return row[kind]

    @property
    def best(self) -> list[str]:
        """Names of what each ranking says to take, each once.

        The first; where the images do not tell others from it, the smallest of these,
        by what the budget limits.
        """
        names = [
            taken(rows, self._cost_of(budget))["subnet"]
            for budget, _, rows in self.rankings()
            if rows
        ]
        return list(dict.fromkeys(names))

    def _cost_of(self, budget: Budget | None) -> Callable[[Row], float]:
        return lambda row: self._cost(row, budget.kind if budget else "macs")

    def noise(self, budget: Budget | None = None, metric: str = "") -> str:
        """Says how many of a ranking's first are not told apart; "" if none are.

        Args:
            budget: See `ranked`.
            metric: See `ranked`.
        """
        return noise_note(self.ranked(budget, metric), self._cost_of(budget))

    def rankings(self) -> list[tuple[Budget | None, str, list[Row]]]:
        """Returns a ranking, best first, for each budget and metric."""
        return [
            (budget, metric, self.ranked(budget, metric))
            for budget in self.budgets or (None,)
            for metric in self.metrics
        ]

    def table(self, top: int = 10) -> str:
        """Returns all rankings as text.

        Args:
            top: Rows of each; anchors are shown at any rank.
        """
        blocks = []
        for budget, metric, rows in self.rankings():
            lines = [title(budget, metric, rows)]
            lines.append(format_ranking(rows, top, self.anchors, self.latencies))
            if note := self.noise(budget, metric):
                lines.append(note)
            if note := size_note(rows):
                lines.append(note)
            blocks.append("\n".join(lines))
        if shape := self.identity.get("shape"):
            blocks.append(f"Costs are of an image of {shape_text(shape)}.")
        return "\n\n".join(blocks)

    def to_dict(self) -> dict[str, Any]:
        """Returns the rankings (names, best first), all rows, and their origin.

        Of each ranking, ``tied`` are those that the images do not tell from the first.
        Rows are without their draws.
        """
        return {
            "best": self.best,
            "rankings": [
                {
                    "budget": None if budget is None else str(budget),
                    "metric": metric,
                    "subnets": [row["subnet"] for row in rows],
                    "tied": [row["subnet"] for row in tied(rows)],
                }
                for budget, metric, rows in self.rankings()
            ],
            "rows": [
                {key: value for key, value in row.items() if key != DRAWS}
                for row in self.rows
            ],
            "latencies": dict(self.latencies),
            "depends_on": dict(self.identity),
            "origin": dict(self.origin),
        }

    def next_commands(self, folder: str | Path) -> list[str]:
        """Returns the commands that calibrate and export the best.

        Args:
            folder: Where they write.
        """
        return output.next_commands(self.best, self.origin, folder)

    def plot(self, metric: str = "") -> bytes | None:
        """Returns a metric over MACs as a PNG; None without matplotlib.

        Args:
            metric: "": the leading one.
        """
        metric, file = metric or self.metrics[0], io.BytesIO()
        rows = self.ranked(None, metric)
        drawn = plot_scores(rows, metric, self.anchors, file)
        return file.getvalue() if drawn else None

    def page(self) -> str:
        """Returns the page with rankings and plots."""
        from .page import render  # it shows this class's rankings

        return render(self)

    def _repr_html_(self) -> str:
        """Shows the rankings in a notebook, and the leading one over MACs."""
        drawn = self.plot()
        return super()._repr_html_() + (drawing(drawn, "png") if drawn else "")

    @classmethod
    def open(cls, folder: str | Path) -> "SearchResult":
        """Reads what a search left in a folder, ranked as it was.

        A search of version 0.1 kept its scores alone: these are ranked together.

        Raises:
            UserError: There is none, or it is damaged.
        """
        path = Path(folder, RESULTS)
        if not path.is_file():
            raise NotAResult(f"{folder} holds no search: it has no {RESULTS}")
        record = Record.read(folder)
        if record is not None and record.complete:
            verify(folder, [RESULTS, output.SUMMARY])
        identity = read_header(path)
        rows = tuple(ResultsFile(path, identity).rows().values())
        try:
            kept = read_json(Path(folder, output.SUMMARY))
            budgets = tuple(Budget(*budget) for budget in kept["budgets"])
            origin, metrics = kept["origin"], tuple(kept["metrics"])
            anchors, latencies = kept["anchors"], kept["latencies"]
        except FileNotFoundError:
            budgets, anchors, latencies = (), {}, {}
            metrics = tuple(dict.fromkeys(row["metric"] for row in rows))
            origin = dict(output.UNKNOWN, checkpoint=identity.get("checkpoint"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileDamaged(
                f"the search in {folder} is damaged ({why(error)})"
            ) from error
        return cls(rows, budgets, metrics, anchors, latencies, identity, origin)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes results.jsonl, search.json, METRIC.png, next.sh and report.html.

        Scores that the folder holds of the same checkpoint and images are kept.

        Args:
            folder: See `Result.save`.
            overwrite: Replace a search of other budgets or metrics, or one of another
                checkpoint, other images or options with its scores.

        Raises:
            UserError: See `Result.save`.
        """
        asked = output.question(self.budgets, self.metrics)
        opened = output.opened(self.identity, folder, overwrite, asked)
        with opened as (file, growing):
            known = file.rows()
            file.append(
                [r for r in self.rows if (r["subnet"], r["metric"]) not in known]
            )
            self.finish(growing)
        return Path(folder)

    def finish(self, growing: Growing) -> None:
        """Writes all but the scores into a folder that holds them, and closes it."""
        for metric in self.metrics:
            if picture := self.plot(metric):
                with atomic_path(growing.path / f"{metric}.png") as temporary:
                    temporary.write_bytes(picture)
        kept = {
            **output.question(self.budgets, self.metrics),
            "anchors": dict(self.anchors),
            "latencies": dict(self.latencies),
            "origin": dict(self.origin),
        }
        write_json(growing.path / output.SUMMARY, kept)
        script = output.script(self.next_commands(growing.path))
        write_text(growing.path / output.NEXT, script)
        write_text(growing.path / output.REPORT, self.page())
        growing.finish()


def title(budget: Budget | None, metric: str, rows: list[Row]) -> str:
    """Returns what stands above a ranking."""
    return f"{budget or 'all sub-nets'}, {words_of(metric).title}, {len(rows)} scored"
