"""How images are to be selected. Imports nothing that a parser would wait for."""

import dataclasses
import os

from ..utils.devices import AUTO
from ..utils.errors import UserError, option
from .names import METHODS, POLICY_NAMES


@dataclasses.dataclass(frozen=True)
class Options:
    """What a selection depends on beside the stores; see `select`.

    Raises:
        UserError: Nothing can be selected like that.
    """

    policy: str = POLICY_NAMES[0]
    seed: int = 0
    leak_guard: str = METHODS[0]
    threshold: float | None = None
    pool_root: str | os.PathLike | None = None
    sources: str | os.PathLike | None = None
    device: str = AUTO

    def __post_init__(self) -> None:
        for what, name, known in (
            ("policy", self.policy, POLICY_NAMES),
            ("leak guard", self.leak_guard, METHODS),
        ):
            if name not in known:
                raise UserError(f"unknown {what} {name!r}; one of: {', '.join(known)}")
        if self.threshold is not None and self.leak_guard == "pixels":
            raise UserError(
                "a leak threshold is a similarity of features, which are not compared "
                "by pixels: leave it out, or compare features with "
                f"{option('leak_guard')} features"
            )
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise UserError(
                f"threshold {self.threshold} is no cosine similarity: it lies in -1..1"
            )

    @property
    def method(self) -> str:
        """How the leak guard compares: a threshold is one of features."""
        by_features = self.leak_guard == "auto" and self.threshold is not None
        return "features" if by_features else self.leak_guard
