"""The trainings that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .compare import Arm
from .worker import Task

_SELFSUP = "selfsup/{0}/{0}_resnet18_1xb256-coslr-20k_folder-64px.py"


@dataclass(frozen=True)
class Kind:
    """What an arm trains, but for the data.

    Attributes:
        package: See `Task`.
        method: See `Task`.
        options: See `Task`.
    """

    package: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)


#: SimCLR and SimSiam ask the same of a backbone: two views forward and backward.
ARMS = {
    "SimSiam, ours": Kind("ours", _SELFSUP.format("simsiam")),
    "MoCo v2, ours": Kind("ours", _SELFSUP.format("mocov2")),
    "BYOL, ours": Kind("ours", _SELFSUP.format("byol")),
    "SimCLR, lightly-train": Kind("lightly_train", "simclr"),
    "SimCLR, solo-learn": Kind("solo_learn", "simclr"),
    "SimSiam, solo-learn": Kind("solo_learn", "simsiam"),
}


def make_arms(
    names: Sequence[str], pythons: Mapping[str, str | None], work: str, **task: Any
) -> tuple[list[Arm], dict[str, str]]:
    """Returns the arms of installed packages, and why others are not among them.

    Args:
        names: Of `ARMS`.
        pythons: By package, the interpreter of its environment, or None.
        work: Folder that each arm gets a folder in.
        **task: What all arms share, see `Task`.
    """
    arms, missing = [], {}
    for name in names:
        kind = ARMS[name]
        python = pythons[kind.package]
        if python is None:
            option = "--" + kind.package.replace("_", "-")
            missing[name] = f"{option} names no interpreter"
            continue
        folder = name.lower().replace(", ", "-").replace(" ", "-")
        arms.append(
            Arm(
                name,
                python,
                Task(
                    kind.package,
                    kind.method,
                    work=f"{work}/{folder}",
                    options=dict(kind.options),
                    **task,
                ),
            )
        )
    return arms, missing
