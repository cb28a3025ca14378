"""One of the sub-nets that a routing chooses from."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A sub-net and what is known of it.

    Attributes:
        subnet: MAX or a path; or whatever has a ``name``, among networks.
        score: Of the probe, 0..1 for kNN, linear and overlap.
        low: Lower end of the score's 95 % interval.
        high: Upper end.
        behind: How much the winner is better; 0 for the winner, below 0 for a path
            that is ahead of MAX by what may be chance.
        behind_low: Lower end of that margin's interval.
        behind_high: Upper end.
        tied: Whether the margin's interval holds zero.
        overlap: Agreement of the task's images with the path's cluster; None if not
            known.
    """

    subnet: Any
    score: float
    low: float
    high: float
    behind: float
    behind_low: float
    behind_high: float
    tied: bool
    overlap: float | None = None
