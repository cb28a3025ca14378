"""How a task is to be routed. Imports nothing that a parser would wait for."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..utils.devices import AUTO
from .names import BEAM, PROBES, ROUTERS, SHORTLIST, TIES


@dataclasses.dataclass(frozen=True)
class Options:
    """What a routing depends on beside network, task and clusters; see `route`."""

    router: str = ROUTERS[0]
    probe: str = PROBES[0]
    on_tie: str = TIES[0]
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

    def describe(self) -> dict[str, Any]:
        """Returns those that the answer depends on by themselves, JSON-ready.

        Others act on the network and the task, which are described with them.
        """
        names = ("router", "probe", "on_tie", "seed", "shortlist", "beam")
        return {name: getattr(self, name) for name in names}
