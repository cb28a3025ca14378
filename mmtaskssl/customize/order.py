"""What is asked for, and where it goes."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..runs import Record, State, Work, differences, differs
from ..utils import checks
from ..utils.errors import UserError, option
from ..utils.progress import ProgressLine
from .inspection.given import Given, look_at
from .inspection.inspect import inspect
from .inspection.inspected import Inspected
from .settings import Settings

PathLike = str | os.PathLike
INSPECTION, DIAGNOSIS = "inspection", "diagnosis"
_FILES = (
    *("arms/", "configs/", "judged/", "tested/", "fine-tuned/", "ids/", "logs/"),
    *("costs/", "report.html", "config.py", "README.md"),
    *("config.edited.py", "README.edited.md"),
)
# What its user may change, as the card asks for.
_EDITED = ("config.py", "README.md")
_NESTED = (
    *(INSPECTION, DIAGNOSIS, "features", "selection", "clusters", "clusters-16"),
    *("backbone", "budgets", "target"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
    """All that decides what a customization finds.

    Attributes:
        pool: See `customize`, as for the others.
        target: See above.
        out: See above.
        settings: See above.
        test: See above.
        task: See above.
        void: See above.
    """

    pool: Any
    target: PathLike
    out: Path
    settings: Settings
    test: PathLike | None
    task: str
    void: int | None

    @classmethod
    def read(
        cls,
        pool: Any,
        target: PathLike,
        out: PathLike,
        *,
        test: PathLike | None = None,
        task: str = "auto",
        budget: str | Sequence[str] | None = None,
        time: str | float | None = None,
        start: Sequence[Any] = (),
        recipe: PathLike | None = None,
        select: int | None = None,
        scale: float = 1.0,
        seeds: int = 1,
        seed: int = 0,
        void: int | None = None,
        arms: Sequence[str] | None = None,
        fine_tune: int | None = None,
    ) -> "Order":
        """Checks what `customize` was given, see there.

        Raises:
            UserError: Names the option.
        """
        checks.path_like("out", out)
        settings = Settings.read(
            budget, start, recipe, select, scale, time, seeds, seed, arms, fine_tune
        )
        place = Path(out).expanduser()
        return cls(pool, target, place, settings, test, task, void)

    @cached_property
    def work(self) -> Work:
        """The folder, as its record says."""
        inputs: dict[str, Any] = {
            "pool": str(self.pool),
            "target": os.fspath(self.target),
            "test": self.test and os.fspath(self.test),
            "task": self.task,
            "void": self.void,
            # A plan is made before anyone knows how much time to give, and more seeds
            # are worth it where the first ones leave the answer open.
            "settings": {
                k: v
                for k, v in self.settings.to_dict().items()
                if k not in ("seconds", "seeds")
            },
        }
        return Work(
            *("customization", 1, inputs, _FILES, "a customization"),
            nested=_NESTED,
            remade=("*",),
            edited=(*_EDITED, "config.edited.py", "README.edited.md"),
        )

    def state(self, overwrite: bool) -> State:
        """Looks at the place.

        What a call left that was refused for its images or options, before anything
        was diagnosed, does not stand in the way of the corrected one.

        Args:
            overwrite: Remove what an earlier call with other inputs left.

        Raises:
            UserError: See `Work.state`.
        """
        if overwrite:
            _ = self.given  # first: what cannot be read must not cost what is there
            self.work.clear(self.out)
        try:
            return self.work.state(self.out)
        except UserError:
            if not self._is_hardly_begun():
                raise
            return State.UNFINISHED  # what is not ours is refused when it goes on

    def _is_hardly_begun(self) -> bool:
        """Whether nothing but an inspection was made so far."""
        record = Record.read(self.out) if self.out.is_dir() else None
        return (
            record is not None
            and record.kind == self.work.kind
            and not record.complete
            and not (self.out / DIAGNOSIS).exists()
        )

    @cached_property
    def given(self) -> Given:
        """Pool and target, listed once.

        Raises:
            UserError: They cannot be used, see `look_at`.
        """
        given = (self.pool, self.target, self.test, self.task)
        return look_at(*given, self.settings.seed, self.void)

    def check_same(self) -> None:
        """Refuses images or labels that are not those of the finished inspection.

        Raises:
            UserError: They are others; or cannot be used any more.
        """
        record = Record.read(self.out / INSPECTION)
        if record is None or not record.complete:
            return
        if others := differences(record.inputs, self.given.inputs):
            raise UserError(
                f"{self.out} was made from other images or labels "
                f"({', '.join(others)}): name another folder, or replace it with "
                + option("overwrite")
            )

    def edited(self) -> list[str]:
        """Returns which files of a finished run its user has edited."""
        record = Record.read(self.out)
        if record is None:
            return []
        known = {name: record.files[name] for name in _EDITED if name in record.files}
        for one in (record.results or {}).get("backbones", ()):
            # Of several budgets each has its own, in a folder of the run.
            if stated := one.get("config_file"):
                known[one["config"]] = stated
        return [
            name
            for name, stated in known.items()
            if (self.out / name).is_file() and differs(self.out / name, stated)
        ]

    def set_aside(self, names: Sequence[str], log: Callable[[str], None]) -> None:
        """Renames what its user has edited, before it is written anew.

        Args:
            names: See `edited`.
            log: Takes a line for each.

        Raises:
            UserError: Something lies there already.
        """
        for name in names:
            path = self.out / name
            aside = path.with_suffix(f".edited{path.suffix}")
            if aside.exists():
                raise UserError(f"{path} was edited, and so was {aside}: move it away")
            path.rename(aside)
            log(f"{path} was edited: yours is now {aside.name}")

    def inspected(self, log: Callable[[str], None]) -> Inspected:
        """Inspects pool and target, or reads what was found.

        Args:
            log: Takes lines.

        Raises:
            UserError: See `inspect`.
        """
        if not self._is_hardly_begun():
            self.check_same()
        return inspect(
            *(self.pool, self.target),
            test=self.test,
            task=self.task,
            seed=self.settings.seed,
            void=self.void,
            given=self.given,
            out=self.out / INSPECTION,
            anew=self._is_hardly_begun(),
            log=log,
            progress=ProgressLine,
        )
