"""What a campaign's trainings will take."""

import shutil
from pathlib import Path

from .arms.known import ARMS, RANDOM_OF
from .campaign import Campaign
from .diagnosis.plan import Plan, Stage
from .fit.time import Run, runs_of


def make_plan(campaign: Campaign, selection: Path) -> Plan:
    """Returns what the trainings will take, at most, one after the other.

    Args:
        campaign: Whose.
        selection: Folder of the selection.
    """
    settings, stages, seen = campaign.settings, [], set[Run]()
    for budget in settings.budgets:
        case = campaign.case(budget, selection, settings.seed)
        arms = campaign.arms(case)
        costs = campaign.lengths.costs(arms, case)
        costs |= {RANDOM_OF[a]: c for a, c in costs.items() if a in RANDOM_OF}
        place = f" of {budget}" if budget else ""
        runs = runs_of(arms, campaign.lengths.whole(budget), campaign.seeds)
        stages += [
            Stage(
                f"training {name}{place}, {iters:,} iterations",
                costs[name].of(iters),
                costs[name].bytes,
                costs[name].checkpoint,
                f"steps of {costs[name].batch} images",
            )
            for name, iters in runs
            # What serves all budgets is trained for the first one.
            if not (ARMS[name].shared and (name, iters) in seen)
        ]
        seen |= {*runs}
    return Plan(stages, shutil.disk_usage(campaign.out).free)
