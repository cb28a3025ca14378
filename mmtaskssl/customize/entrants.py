"""Which arms are raced."""

from collections.abc import Callable, Sequence

from ..utils.errors import option
from ..utils.families import OptionMissing
from .arms.arm import Arm, Case
from .arms.known import ARMS
from .settings import PRIMARY, Settings


def entrants(
    settings: Settings,
    beside: Sequence[str],
    case: Case,
    log: Callable[[str], None],
    recommended: str = "",
) -> list[Arm]:
    """Returns the arms to race, and says why others are not.

    Args:
        settings: What was asked for.
        beside: Arms on demand that the diagnosis asks for.
        case: What arms are made from.
        log: Takes a line for each reason why some are left out.
        recommended: By the diagnosis; it is said where that one is left out.

    Raises:
        UserError: There is nothing to compare with.
    """
    arms, out = [], dict[str, list[str]]()
    for arm in ARMS.values():
        if why := _left_out(settings, beside, arm, case):
            out.setdefault(why, []).append(arm.name)
        else:
            arms.append(arm)
    for why, names in out.items():
        log(f"no {', '.join(names)}: {why}")
    raced = {arm.name for arm in arms}
    base = recommended.removesuffix("-random")
    if base != recommended and base in raced:
        log(
            f"note: {recommended}, which the diagnosis recommends, is {base} on other "
            f"images, and is trained beside it where {base} is chosen"
        )
    elif recommended in ARMS and recommended not in raced:
        log(f"note: the diagnosis recommends {recommended}, and it is not raced")
    if not any(arm.name in PRIMARY for arm in arms):
        budget = f" of {case.budget}" if case.budget else ""
        raise OptionMissing(
            f"there is nothing to compare with{budget}: {option('arms')} name none of "
            f"{', '.join(PRIMARY)} that says something here"
        )
    return arms


def _left_out(
    settings: Settings, beside: Sequence[str], arm: Arm, case: Case
) -> str | None:
    """Returns why an arm is not raced; None: it is."""
    named = settings.asks_for(arm.name)
    if not named and not settings.takes_the_usual:
        return "not asked for"
    if arm.on_demand and not named and arm.name not in beside:
        return f"the diagnosis does not ask for it; {option('arms')} would"
    if refused := arm.refuses(case):  # last: it may take a look at the pool
        return refused
    if arm.name.endswith("-random"):
        return "trained beside the arm that is chosen"
    if arm.name == "generic" and case.body is not None:
        return "the start is what is to be beaten"
    return None
