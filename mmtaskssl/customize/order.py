"""What is asked for, and where it goes."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..runs import Record, State, Work
from ..utils import checks
from ..utils.errors import UserError
from ..utils.progress import ProgressLine
from .inspection.inspect import inspect
from .inspection.inspected import Inspected
from .settings import Settings

PathLike = str | os.PathLike
INSPECTION, DIAGNOSIS = "inspection", "diagnosis"
_FILES = (
    *("arms/", "configs/", "judged/", "tested/", "fine-tuned/", "ids/", "logs/"),
    *("costs/", "report.html", "config.py", "README.md"),
)
_NESTED = (
    *(INSPECTION, DIAGNOSIS, "features", "selection", "clusters"),
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

    def inspected(self, log: Callable[[str], None]) -> Inspected:
        """Inspects pool and target, or reads what was found.

        Args:
            log: Takes lines.

        Raises:
            UserError: See `inspect`.
        """
        return inspect(
            *(self.pool, self.target),
            test=self.test,
            task=self.task,
            seed=self.settings.seed,
            void=self.void,
            out=self.out / INSPECTION,
            anew=self._is_hardly_begun(),
            log=log,
            progress=ProgressLine,
        )
