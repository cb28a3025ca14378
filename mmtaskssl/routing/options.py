"""How a task is to be routed. Imports nothing that a parser would wait for."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..utils import checks
from ..utils.devices import AUTO
from .names import (
    BEAM,
    PROBES,
    ROUTERS,
    SHORTLIST,
    TIES,
    ProbeName,
    RouterName,
    Tie,
)

_DEFAULTS = {"shortlist": SHORTLIST, "beam": BEAM}


@dataclasses.dataclass(frozen=True)
class Options:
    """What a routing depends on beside network, task and clusters; see `route`."""

    router: RouterName = "exhaustive"
    probe: ProbeName = "knn"
    on_tie: Tie = "max"
    shortlist: int = SHORTLIST
    beam: int = BEAM
    max_images: int = 2000
    image_size: int | None = None
    batch_size: int = 64
    seed: int = 0
    source: Literal["online", "ema"] = "online"
    device: str = AUTO
    cfg_options: Mapping[str, Any] | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        checks.one_of("router", self.router, ROUTERS)
        checks.one_of("probe", self.probe, PROBES)
        checks.one_of("on_tie", self.on_tie, TIES)
        for name in ("shortlist", "beam", "max_images", "batch_size"):
            checks.whole(name, getattr(self, name))
        checks.whole("image_size", self.image_size, none=True)
        checks.seed(self.seed)
        checks.flag("trust", self.trust)
        for name in ("shortlist", "beam"):
            # "exhaustive" replays both.
            value = getattr(self, name)
            if self.router not in ("exhaustive", name) and value != _DEFAULTS[name]:
                checks.unused(f"to the routers exhaustive and {name}", **{name: value})

    def describe(self) -> dict[str, Any]:
        """Returns those that the answer depends on by themselves, JSON-ready.

        Others act on the network and the task, which are described with them.
        """
        names = ("router", "probe", "on_tie", "seed", "shortlist", "beam")
        return {name: getattr(self, name) for name in names}
