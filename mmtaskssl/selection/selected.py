"""The result of a selection."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.fingerprint import fingerprint
from ..features.sources import StoreLike, open_stores
from ..features.store import FeatureStore
from ..report.inline import pictures
from ..report.result import Result
from ..report.thumbs import showing
from ..runs import Record, Work, check_listed, has_types, verify
from ..utils import checks
from ..utils.atomic import write_text
from ..utils.errors import UserError, option
from ..utils.families import FeaturesMismatch, FileDamaged, NotAResult
from ..utils.inputs import read_json, why
from . import output
from .inputs import Queries, make_task, read_queries
from .leaks import Leak
from .table import summary_table
from .task import Selection, SelectionTask

# Images below a notebook's cell.
_SHOWN = 24
# What version 0.1 wrote into its summary.
_OF_0_1 = {
    **dict.fromkeys(("inputs", "pool", "target", "similarity", "queries"), dict),
    **dict.fromkeys(("seed", "budget", "selected"), int),
    **dict.fromkeys(("mmtaskssl", "policy"), str),
    **dict.fromkeys(("excluded", "notes"), list),
    "seconds": dict,
}
_INPUTS_OF_0_1 = {"pool": str, "targets": list, "policy": str, "seed": int}


@dataclasses.dataclass(frozen=True, eq=False)
class Selected(Result):
    """Pool images that were chosen for a target.

    Attributes:
        selection: Chosen rows, scores and queries, in order of choice.
        task: What was asked for: the pool, the target's features, the budget.
        queries: The target's images.
        leaks: Pool images kept out as copies of excluded ones.
        roots: Folder of the images of "pool" and of each excluded store.
        summary: What was selected from what, and how similar it is; JSON-ready.
        copies: Pool images left out as copies of others of the pool, and of which.
        thumbnails: Whether the page shows images.
    """

    selection: Selection
    task: SelectionTask = dataclasses.field(repr=False)
    queries: Queries = dataclasses.field(repr=False)
    leaks: Sequence[Leak] = dataclasses.field(repr=False)
    roots: Mapping[str, str] = dataclasses.field(repr=False)
    summary: Mapping[str, Any] = dataclasses.field(repr=False)
    copies: Sequence[tuple[str, str]] = dataclasses.field(default=(), repr=False)
    thumbnails: bool = dataclasses.field(default=True, repr=False)

    def __len__(self) -> int:
        return len(self.selection.rows)

    @property
    def image_ids(self) -> list[str]:
        """Ids of the chosen pool images, in order of choice."""
        ids = self.task.pool.image_ids
        return [ids[row] for row in self.selection.rows.tolist()]

    @property
    def root(self) -> str:
        """Folder of the pool's images; "" if unknown."""
        return self.roots["pool"]

    @property
    def notes(self) -> list[str]:
        """Sentences that a reader of the result should know."""
        return list(self.summary["notes"])

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary and the ids of the chosen images."""
        return {**self.summary, "images": self.image_ids}

    def table(self) -> str:
        """Returns the main figures, a line each."""
        return summary_table(self.summary)

    def page(self) -> str:
        """Returns the page that shows each target image with its hits."""
        from .report import render  # needs Pillow, which most callers do not

        with showing(self.thumbnails):
            return render(
                self.task,
                self.selection,
                self.queries,
                list(self.leaks),
                dict(self.roots),
                dict(self.summary),
            )

    def _repr_html_(self) -> str:
        """Shows the table in a notebook, and the first of the chosen images."""
        root = Path(self.root) if self.root else None
        first = [(root and root / name, name) for name in self.image_ids[:_SHOWN]]
        with showing(self.thumbnails):
            return super()._repr_html_() + pictures([("", first)])

    def save(
        self, folder: str | os.PathLike, overwrite: bool = False, report: bool = True
    ) -> Path:
        """Writes selection.txt, tables, summary.json and the page.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.
            report: Whether to write the page.

        Raises:
            UserError: See `Result.save`.
        """
        work = work_of(self.summary["inputs"])
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            if report:
                write_text(temporary / output.REPORT, self.page())
            output.write(
                temporary,
                self.selection,
                self.task.pool.image_ids,
                self.queries.image_ids,
                self.leaks,
                self._unusable(),
                dict(self.summary),
                self.copies,
            )
        return Path(folder)

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike,
        pool: StoreLike | None = None,
        target: StoreLike | Sequence[StoreLike] | None = None,
        edited_selection: bool = False,
    ) -> "Selected":
        """Reads a selection that was saved.

        Args:
            folder: See `save`.
            pool: Features of the pool; None: the store that the folder names.
            target: The target's; None: the stores that the folder names.
            edited_selection: Take of the images that were selected those that the list
                names now, though it was changed.

        Raises:
            UserError: There is none, it has changed, or the stores are others.
        """
        checks.flag("edited_selection", edited_selection)
        summary = _read_summary(folder, edited_selection)
        if isinstance(target, StoreLike):
            target = [target]
        store, *targets = open_stores(
            [pool or summary["pool"]["store"], *(target or summary["target"]["stores"])]
        )
        inputs = summary["inputs"]
        found = [fingerprint(one) for one in (store, *targets)]
        if found != [inputs["pool"], *inputs["targets"]]:
            raise FeaturesMismatch(
                f"{folder} was selected from other features than those of {store.path}"
            )
        queries = read_queries(targets)
        ids = store.image_ids
        try:
            named = output.read_list(folder) if edited_selection else None
            selection = output.read_selection(folder, ids, queries.image_ids, named)
            leaks = output.read_leaks(folder, ids)
            copies = output.read_copies(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileDamaged(
                f"the selection in {folder} is damaged ({error})"
            ) from error
        task = make_task(store, queries, summary["budget"], summary["seed"])
        task.skip[[leak.row for leak in leaks]] = True
        roots = {name: _root(name) for name in summary["excluded"]}
        roots["pool"] = summary["pool"]["root"]
        left_out = {image for image, _ in copies}
        task.skip |= np.array([image in left_out for image in ids])
        return cls(selection, task, queries, leaks, roots, summary, copies)

    def _unusable(self) -> list[tuple[str, str]]:
        pool = self.task.pool
        unusable = np.setdiff1d(pool.bad_rows, pool.removed_rows)
        rows = [("pool", pool.image_ids[row]) for row in unusable.tolist()]
        return rows + [("target", image) for image in self.queries.unusable]


def _read_summary(folder: str | os.PathLike, edited: bool) -> dict[str, Any]:
    try:
        summary = output.read_summary(folder)
    except (OSError, ValueError, TypeError) as error:
        raise NotAResult(
            f"{folder} holds no selection ({output.SUMMARY}: {why(error)})"
        ) from error
    if not _is_summary(summary):
        raise FileDamaged(
            f"{Path(folder, output.SUMMARY)} is damaged, or not of a selection: select "
            "again"
        )
    record = Record.read(folder)
    if record is None:  # an older version's
        if not edited and not output.is_consistent(folder, summary["selected"]):
            raise FileDamaged(
                f"{Path(folder, output.SELECTION)} does not name the "
                f"{summary['selected']} images of {output.TABLE}: select again, or say "
                f"{option('edited_selection')} to take those that it names now"
            )
        return summary
    if not edited:
        instead = (
            f"select again, or say {option('edited_selection')} to take the images "
            "that it names now"
        )
        check_listed(Path(folder, output.SELECTION), instead)
    names = [name for name in record.files if not edited or name != output.SELECTION]
    verify(folder, names)
    return summary


def _root(store: str) -> str:
    """Returns the images' folder of a store, "" where that is gone."""
    try:
        return FeatureStore.open(store).root
    except UserError:
        return ""


def work_of(inputs: Mapping[str, Any]) -> Work:
    """Returns the record of the selection that is made from some inputs."""
    return Work("selection", 1, inputs, output.FILES, "a selection", _inputs_of_0_1)


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns the inputs of a folder from before it had a record."""
    try:
        summary = read_json(folder / output.SUMMARY)
        same = output.is_consistent(folder, summary["selected"])
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None
    return summary["inputs"] if _is_summary(summary) and same else None


def _is_summary(value: Any) -> bool:
    """Whether JSON is the summary of a selection, as all versions have written it."""
    return (
        has_types(value, _OF_0_1)
        and has_types(value["inputs"], _INPUTS_OF_0_1)
        and has_types(value["pool"], {"store": str, "root": str, "images": int})
        and has_types(value["target"], {"stores": list})
        and all(isinstance(one, str) for one in value["target"]["stores"])
        and all(isinstance(one, str) for one in value["excluded"])
    )
