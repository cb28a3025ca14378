"""What is known in the end, JSON-ready."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..utils.hashing import lines_sha256
from .campaign import Campaign
from .diagnosis.plan import Plan
from .race.answer import Answer

# What figures may depend on.
_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "mmengine",
    "mmcv-lite",
    "numpy",
    "faiss-cpu",
)
# Lists of images stand in files of their own.
_LONG = ("image_ids", "labels", "masks", "pool_ids", "kept_out")


def make_record(
    campaign: Campaign,
    answers: Sequence[Answer],
    backbones: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Returns the record of a customization.

    Args:
        campaign: Its stages.
        answers: One a budget.
        backbones: What each handed over.
    """
    found, settings = campaign.found, campaign.settings
    arms = [arm for one in answers for arm in one.arms()]
    hashes = found.facts.get("images_sha256", {})
    trained = trained_once([*arms, {"trainings": _selecting(campaign)}])
    return {
        "mmtaskssl": __version__,
        "environment": environment(),
        "seed": settings.seed,
        "inputs": {
            "pool": {
                "root": found.pool_root,
                "images": len(found.pool_ids),
                "ids_sha256": lines_sha256(found.pool_ids),
                "images_sha256": hashes.get("pool"),
            },
            "target": {
                name: {
                    "root": part.root,
                    "images": len(part),
                    "ids_sha256": lines_sha256(part.image_ids),
                    "images_sha256": hashes.get(name),
                }
                for name, part in (("train", found.train), ("test", found.test))
            },
            **settings.to_dict(),
        },
        "inspection": _short(found.to_dict()),
        "diagnosis": campaign.diagnosis.to_dict(),
        "budgets": list(settings.budgets),
        "images": campaign.count,
        "plan": [],
        "arms": arms,
        "levers": [
            {"budget": one.race.case.budget, **lever}
            for one in answers
            for lever in one.levers
        ],
        "verdict": [one.verdict.to_dict() for one in answers],
        "backbones": list(backbones),
        "compute": {
            "stages": [
                {"name": name, "seconds": seconds}
                for name, seconds in campaign.seconds.items()
            ],
            "total_seconds": sum(campaign.seconds.values()),
            "training_seconds": sum(one["seconds"] for one in trained),
            "training_gmacs": sum(one["gmacs"] for one in trained),
        },
    }


def _selecting(campaign: Campaign) -> list[dict[str, Any]]:
    """Returns the trainings that selected the images, or that others went on from."""
    runs, found = campaign.trainings, []
    for training in campaign.generics.made.values():
        if not runs.checkpoint(training).is_file():
            continue
        batch = runs.trained(training)[0].train_dataloader.batch_size
        cost = training.arm.cost(training.case)
        macs = 0 if cost is None else cost.macs
        found.append(
            {
                "name": training.name,
                "seconds": runs.seconds(training),
                "gmacs": training.iters * batch * macs / 1e9,
            }
        )
    return found


def trained_once(arms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns all trainings, each once, also where several budgets' arms name it.

    Args:
        arms: Of all budgets, as recorded.
    """
    found: dict[str, dict[str, Any]] = {}
    for arm in arms:
        for training in arm["trainings"]:
            found.setdefault(training["name"], training)
    return [*found.values()]


def plan_record(campaign: Campaign, plan: Plan) -> dict[str, Any]:
    """Returns the record of what is known before anything is decided.

    Args:
        campaign: Its stages.
        plan: What is to come.
    """
    return {**make_record(campaign, [], []), "plan": plan.to_dict()["stages"]}


def environment() -> dict[str, str]:
    """Returns versions, and the machine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**found, "cores": str(os.cpu_count())}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: len(one) if key in _LONG else _short(one) for key, one in value.items()
        }
    return value
