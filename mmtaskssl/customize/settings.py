"""What a user asks `customize` for."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..config import load_config
from ..runs import RECORD
from ..utils import checks
from ..utils.budgets import Budget
from ..utils.errors import option
from ..utils.families import BadBudget, BadValue, OptionMissing
from ..utils.hashing import file_sha256, lines_sha256
from ..utils.redaction import redacted
from .arms.generic_long import GenericLong
from .arms.known import ARMS
from .fit.own import CONFIG
from .starts import Start, check_starts

LEVEL = 0.95
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d+(?:\.\d*)?)\s*(min|[smhd])\s*")
_TIMES = re.compile(f"(?:{_TIME.pattern})+")
#: What a verdict may be against, in the order of preference.
PRIMARY = ("start", "generic", "untrained")
#: Settings that nothing depends on before there is an answer, and their flags.
OF_AN_ANSWER = {
    "seconds": "time",
    "scale": "scale",
    "arms": "arms",
    "fine_tune": "fine_tune",
}
#: Among names of arms: those that are raced where nobody names any.
USUAL = "auto"


@dataclasses.dataclass(frozen=True)
class Settings:
    """All but the images and the folder.

    Attributes:
        budgets: Bands of inference costs; "" of none.
        starts: Trained weights at hand.
        recipe: Config of the pre-training of a network of ours.
        select: Images of the pool; None: by the diagnosis.
        iters: Multiplies the length of every training.
        seconds: Of all trainings together; None: as long as they take.
        seeds: Trainings of what goes into the verdict.
        seed: Of everything that is drawn.
        arms: Names of those to race, `USUAL` among them; None: that alone.
        fine_tune: Iterations of detectors and segmentors; None: their recipes'.
    """

    budgets: Sequence[str] = ("",)
    starts: Sequence[Start] = ()
    recipe: str = CONFIG
    select: int | None = None
    scale: float = 1.0
    seconds: float | None = None
    seeds: int = 1
    seed: int = 0
    arms: Sequence[str] | None = None
    fine_tune: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what tells these settings from others, JSON-ready."""
        found = dataclasses.asdict(self)
        found["starts"] = [
            {**dataclasses.asdict(one), **_hashes(one)} for one in self.starts
        ]
        found["recipe_sha256"] = _config_sha256(self.recipe)
        return found

    @classmethod
    def read(
        cls,
        budgets: str | Sequence[str] | None,
        starts: Sequence[Any],
        recipe: Any,
        select: int | None,
        scale: float,
        time: str | float | None,
        seeds: int,
        seed: int,
        arms: Sequence[str] | None,
        fine_tune: int | None,
    ) -> "Settings":
        """Checks what `customize` was given, see there.

        Raises:
            UserError: Names the option.
        """
        if budgets is not None and not isinstance(budgets, str):
            checks.listed("budget", budgets, "bands such as 30M-36M")
        texts = [budgets] if isinstance(budgets, str) else list(budgets or [""])
        for text in texts:
            if not isinstance(text, str):
                raise BadBudget(
                    f"{option('budget')} is a band such as 30M-36M, not "
                    f"{checks.shown(text)}"
                )
        for text in texts:
            if text:
                Budget.parse(text)
        if len({*texts}) < len(texts):
            raise BadBudget(f"{option('budget')} names one band twice")
        checks.listed("start", starts, "starts")
        checks.whole("select", select, none=True)
        checks.finite("scale", scale, above=0)
        checks.whole("seeds", seeds)
        checks.seed(seed)
        checks.whole("fine_tune", fine_tune, none=True)
        if arms is not None:
            checks.listed("arms", arms, "names of arms")
            for arm in arms:
                checks.one_of("arms", arm, (USUAL, *ARMS))
            if not {*arms} & {USUAL, *PRIMARY}:
                raise OptionMissing(
                    f"{option('arms')} name nothing to compare with: add one of "
                    f"{', '.join(PRIMARY)}, or {USUAL}"
                )
        return cls(
            texts,
            check_starts(s if isinstance(s, Start) else Start.parse(s) for s in starts),
            str(recipe or CONFIG),
            select,
            float(scale),
            read_time(time),
            seeds,
            seed,
            None if arms is None or {*arms} == {USUAL} else list(arms),
            fine_tune,
        )

    def asks_for(self, arm: str) -> bool:
        """Returns whether an arm was named, or one that goes on from it.

        Without a start, the longest generic training and what goes on from it are the
        best there is (measured, see model_zoo.md): where no time is given they are
        among the usual ones.
        """
        usual = self.takes_the_usual and not self.starts and self.seconds is None
        if usual and (ARMS[arm].goes_on_long or arm == GenericLong.name):
            return True
        named = self.arms or ()
        going_on = any(name in ARMS and ARMS[name].goes_on_long for name in named)
        return arm in named or (arm == GenericLong.name and going_on)

    @property
    def takes_the_usual(self) -> bool:
        """Whether those are raced, too, that are where nobody names any."""
        return self.arms is None or USUAL in self.arms


def _hashes(start: Start) -> dict[str, str | None]:
    """Returns the hash of a start's weights or of an export's record, and its config's.

    Either decides what the network answers.
    """
    name, _, weights = start.text.partition("=")
    file = Path(weights or name)
    file = file / RECORD if file.is_dir() else file
    found = {"sha256": file_sha256(file) if file.is_file() else None}
    if weights and Path(name).is_file():
        found["config_sha256"] = _config_sha256(name)
    return found


def _config_sha256(config: str) -> str:
    """Returns the hash of a config with all that it is based on."""
    return lines_sha256([redacted(load_config(config).pretty_text)])


def read_time(time: str | float | None) -> float | None:
    """Reads a time such as ``90s``, ``20min`` or ``1h30m``; returns seconds.

    Args:
        time: A number is of seconds; a text has a unit.

    Raises:
        UserError: It is none, or not above 0.
    """
    if time is None:
        return None
    if isinstance(time, str):
        text = time.strip()
        parts = _TIME.findall(text) if _TIMES.fullmatch(text) else []
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        seconds = float(time)
    if not 0 < seconds < float("inf"):
        raise BadValue(
            f"{option('time')} {time!r} is no time: write 90s, 20m, 2h or 1h30m"
        )
    return seconds
