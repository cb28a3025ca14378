"""How images are to be selected. Imports nothing that a parser would wait for."""

import dataclasses
import os

from ..utils import checks
from ..utils.devices import AUTO
from ..utils.errors import option
from ..utils.families import OptionConflict, OptionMissing
from .approximate.options import POLICIES as BY_HITS
from .approximate.options import Approximate
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
    approximate: Approximate | None = None
    memory: int | None = None

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
        self._check_search()

    def _check_search(self) -> None:
        """Refuses what an approximate or bounded search cannot do."""
        if self.approximate is not None:
            if self.policy not in BY_HITS:
                raise OptionConflict(
                    f"{option('approximate')} finds the images nearest to each image "
                    f"of the target, and the policy {self.policy} looks at the whole "
                    f"pool: leave it out, or choose one of {', '.join(BY_HITS)}"
                )
            if self.hits is not None:
                raise OptionConflict(
                    f"{option('hits')} keeps exact hits, and {option('approximate')} "
                    "finds others: leave one of them out"
                )
        if self.memory is None:
            return
        if self.policy not in (*BY_HITS, "score"):
            raise OptionConflict(
                f"{option('memory')} bounds the search for the nearest images, which "
                f"the policy {self.policy} does not choose by: leave it out, or choose "
                f"one of {', '.join((*BY_HITS, 'score'))}"
            )
        for name, given, held in (
            ("hits", self.hits, "the lists of all target images"),
            ("mmr_lambda", self.limits.mmr_lambda, "the features of all candidates"),
        ):
            if given is not None:
                raise OptionConflict(
                    f"{option('memory')} cannot be kept with {option(name)}, which "
                    f"holds {held} at once: leave one of them out"
                )

    @property
    def method(self) -> str:
        """How the leak guard compares: a threshold is one of features."""
        by_features = self.leak_guard == "auto" and self.threshold is not None
        return "features" if by_features else self.leak_guard
