"""What a diagnosis is asked of, and what it says within what was asked for."""

import dataclasses

from ..networks import Network
from .arms.known import ARMS
from .diagnosis.diagnosis import Diagnosis
from .diagnosis.past_studies import shipped
from .diagnosis.recommend import Recommendation, recommend
from .fit.fits import Fits
from .settings import Settings
from .starts import Start

# Levers that train on none, or on all of the pool.
_UNASKED = ("start", "generic")


def looked_at(settings: Settings, fits: Fits) -> tuple[list[Start], dict[str, Network]]:
    """Returns the starts to diagnose, and networks of these that are open already.

    The network of ours that would be trained is among them, without weights, at the
    width that the first budget with one pays for: it tells what a start knows more.

    Args:
        settings: With the starts at hand.
        fits: What budgets pay for.
    """
    starts = [*settings.starts]
    owns = (fits.own(budget) for budget in settings.budgets)
    own = next((one for one in owns if one is not None), None)
    if own is None:
        return starts or [Start.untrained(settings.recipe)], {}
    if not all(start.trained for start in starts):  # hers is to tell that
        return starts, {}
    drawn = Start.untrained(own.config)
    return [*starts, drawn], {drawn.name: own.untrained(settings.seed)}


def as_asked(found: Diagnosis, kind: str, settings: Settings) -> Recommendation:
    """Returns what is recommended within what was asked for.

    Args:
        found: By pool, target and starts alone.
        kind: Of the target.
        settings: How many images to select, for how many budgets, and in what time: an
            arm that is not raced for want of it is not recommended.
    """
    said, without = found.recommendation, _too_long(settings)
    if said.lever in without:
        said = recommend(found.measured, found.likeness, shipped(), kind, without)
    images, beside = said.images, list(said.beside)
    if settings.select is not None and said.lever not in _UNASKED:
        images = settings.select
    if len(settings.budgets) == 1:
        beside = [arm for arm in beside if arm != "slimmed"]
    return dataclasses.replace(said, images=images, beside=beside)


def _too_long(settings: Settings) -> list[str]:
    return [
        name
        for name, arm in ARMS.items()
        if arm.goes_on_long and not settings.asks_for(name)
    ]
