"""What the stages that follow will take."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...report.result import Result
from ...runs import Work
from ...utils.atomic import write_json
from ...utils.tables import aligned
from ...utils.units import duration, size

PLAN = "plan.json"


@dataclasses.dataclass(frozen=True)
class Stage:
    """A piece of work that is still to be done.

    Attributes:
        name: Of it.
        seconds: That it takes on this machine.
        bytes: Memory at its peak.
        disk: Bytes that it writes.
        measured: On what, in words.
    """

    name: str
    seconds: float
    bytes: int
    disk: int
    measured: str


@dataclasses.dataclass(frozen=True, eq=False)
class Plan(Result):
    """What all that follows will take.

    Attributes:
        stages: In order, one after the other.
        free: Bytes that the disk has.
    """

    stages: Sequence[Stage]
    free: int

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def bytes(self) -> int:
        """Peak of all stages."""
        return max((stage.bytes for stage in self.stages), default=0)

    @property
    def disk(self) -> int:
        """That all stages write."""
        return sum(stage.disk for stage in self.stages)

    def table(self) -> str:
        """Returns a line a stage, and their sum."""
        rows = [["stage", "measured on", "time", "memory", "disk"]]
        rows += [
            [s.name, s.measured, duration(s.seconds), size(s.bytes), size(s.disk)]
            for s in self.stages
        ]
        total = [duration(self.seconds), size(self.bytes), size(self.disk)]
        lines = aligned([*rows, ["all", "", *total]], names=2)
        if self.disk > self.free:
            lines.append(
                f"warning: the disk has {size(self.free)} free, less than the "
                f"{size(self.disk)} that will be written"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return {
            "stages": [dataclasses.asdict(stage) for stage in self.stages],
            "seconds": self.seconds,
            "bytes": self.bytes,
            "disk": self.disk,
            "free": self.free,
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes plan.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = Work("plan", 1, self.to_dict(), (PLAN,), "a plan")
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_json(temporary / PLAN, self.to_dict())
        return Path(folder)
