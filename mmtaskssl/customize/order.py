"""What is asked for, and where it goes."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..runs import Record, State, Work, differences
from ..utils import checks
from ..utils.atomic import scratch_folder
from ..utils.errors import UserError, option
from ..utils.families import OutTaken
from ..utils.progress import ProgressLine
from .customized import Customized
from .fit.fits import Fits
from .handover.handed import ASIDE, Handed
from .handover.handed import FILE as HANDED
from .inspection.given import Given, look_at
from .inspection.inspect import inspect
from .inspection.inspected import Inspected
from .settings import OF_AN_ANSWER, Settings

PathLike = str | os.PathLike
INSPECTION, DIAGNOSIS, BUDGETS = "inspection", "diagnosis", "budgets"
_FILES = (
    *("arms/", "configs/", "judged/", "tested/", "fine-tuned/", "ids/", "logs/"),
    *("costs/", "report.html", "config.py", "README.md", HANDED),
)
# What its user may change, as the card asks for.
_EDITED = ("config.py", "README.md", f"{BUDGETS}/*/config.py")
_NESTED = (
    *(INSPECTION, DIAGNOSIS, "features", "selection", "clusters", "clusters-16"),
    *("backbone", "target", f"{BUDGETS}/*/backbone", f"{BUDGETS}/*/target"),
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
        # Absolute: configs and commands of trainings hold it, wherever they are run.
        place = Path(os.path.abspath(Path(out).expanduser()))
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
            # A plan is made before anyone knows how much time to give to what, and more
            # seeds are worth it where the first ones leave the answer open.
            "settings": {
                k: v
                for k, v in self.settings.to_dict().items()
                if k not in (*OF_AN_ANSWER, "seeds")
                # Without a start a training of ours selects.
                or (k == "scale" and not self.settings.starts)
            },
        }
        return Work(
            *("customization", 1, inputs, _FILES, "a customization"),
            nested=_NESTED,
            remade=("*",),
            edited=_EDITED,
            kept=(ASIDE,),
        )

    def state(self) -> State:
        """Looks at the place.

        What a call left that was refused for its images or options, before anything
        was diagnosed, does not stand in the way of the corrected one.

        Raises:
            UserError: See `Work.state`.
        """
        try:
            return self.work.state(self.out)
        except UserError:
            if not self._is_hardly_begun():
                raise
            return State.UNFINISHED  # what is not ours is refused when it goes on

    def known(self) -> Customized | None:
        """Returns the answer that stands there; it does until another one is ready."""
        record = Record.read(self.out) if self.out.is_dir() else None
        if record is None or record.results is None:
            return None
        return Customized.open(self.out)

    @contextlib.contextmanager
    def replacing(self, log: Callable[[str], None]) -> Iterator[Callable[[], None]]:
        """Looks whether what is asked for can be made, before anything gives way to it.

        Args:
            log: Takes lines.

        Yields:
            What removes an earlier customization, but for what its user edited.

        Raises:
            UserError: The images or the options cannot be used, or the place holds
                something else.
        """
        self.work.state(self.out, overwrite=True)
        with scratch_folder(self.out) as place:
            found = self._inspect(place / INSPECTION, log, anew=True)
            Fits(self.settings, found.short_side, place).check()

            def replace() -> None:
                if self.out.is_dir():
                    Handed(self.out, log).make_way_for_all()
                self.work.clear(self.out)
                with self.work.growing(self.out):
                    # So nothing is looked at twice, or measured to another end.
                    for one in place.iterdir():
                        one.rename(self.out / one.name)

            yield replace

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
            raise OutTaken(
                f"{self.out} was made from other images or labels "
                f"({', '.join(others)}): name another folder, or replace it with "
                + option("overwrite")
            )

    def inspected(self, log: Callable[[str], None]) -> Inspected:
        """Inspects pool and target, or reads what was found.

        Args:
            log: Takes lines.

        Raises:
            UserError: See `inspect`.
        """
        anew = self._is_hardly_begun()
        if not anew:
            self.check_same()
        return self._inspect(self.out / INSPECTION, log, anew)

    def _inspect(self, out: Path, log: Callable[[str], None], anew: bool) -> Inspected:
        return inspect(
            *(self.pool, self.target),
            test=self.test,
            task=self.task,
            seed=self.settings.seed,
            void=self.void,
            given=self.given,
            out=out,
            anew=anew,
            log=log,
            progress=ProgressLine,
        )
