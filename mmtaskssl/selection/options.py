"""How images are to be selected. Imports nothing that a parser would wait for."""

import dataclasses
import os

from ..utils import checks
from ..utils.devices import AUTO
from ..utils.errors import option
from ..utils.families import OptionConflict, OptionMissing
from .limits import Limits
from .names import METHODS, POLICY_NAMES, Method, Policy


@dataclasses.dataclass(frozen=True)
class Options:
    """What a selection depends on beside the stores; see `select`.

    Raises:
        UserError: Nothing can be selected like that.
    """

    policy: Policy = "round_robin"
    seed: int = 0
    leak_guard: Method = "auto"
    threshold: float | None = None
    pool_root: str | os.PathLike | None = None
    sources: str | os.PathLike | None = None
    device: str = AUTO
    limits: Limits = dataclasses.field(default_factory=Limits)
    duplicates: str | os.PathLike | None = None
    hits: str | os.PathLike | None = None

    def __post_init__(self) -> None:
        checks.one_of("policy", self.policy, POLICY_NAMES)
        checks.one_of("leak_guard", self.leak_guard, METHODS)
        checks.seed(self.seed)
        checks.path_like("pool_root", self.pool_root, none=True)
        checks.path_like("sources", self.sources, none=True)
        checks.path_like("duplicates", self.duplicates, none=True)
        checks.path_like("hits", self.hits, none=True)
        if self.limits.per_source is not None and self.sources is None:
            raise OptionMissing(
                f"{option('per_source')} needs the source of every pool image: name a "
                f"CSV with columns image,source with {option('sources')}"
            )
        if self.threshold is not None and self.leak_guard == "pixels":
            raise OptionConflict(
                "a leak threshold is a similarity of features, which are not compared "
                "by pixels: leave it out, or compare features with "
                f"{option('leak_guard')} features"
            )
        checks.finite("threshold", self.threshold, -1, 1, none=True)

    @property
    def method(self) -> str:
        """How the leak guard compares: a threshold is one of features."""
        by_features = self.leak_guard == "auto" and self.threshold is not None
        return "features" if by_features else self.leak_guard
