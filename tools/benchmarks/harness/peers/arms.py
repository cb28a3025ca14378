"""The trainings that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .compare import Arm
from .worker import Task

_SELFSUP = "selfsup/{0}/{0}_resnet18_1xb256-coslr-20k_folder-64px.py"
_DISTILL = "distill/distill_resnet18_1xb256-coslr-20k_folder-64px.py"
#: DINOv3's smallest ViT, in the two packages' words; its weights lie in a folder.
_TEACHERS = {
    "ours": "timm:vit_small_patch16_dinov3={}/teacher-timm.pt",
    "lightly_train": "dinov3/vits16-notpretrained={}/teacher.pt",
}


@dataclass(frozen=True)
class Kind:
    """What an arm trains, but for the data.

    Attributes:
        package: See `Task`.
        method: See `Task`.
        taught: Whether it has a teacher.
        options: See `Task`.
    """

    package: str
    method: str
    taught: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


#: SimCLR and SimSiam ask the same of a backbone: two views forward and backward.
#: solo-learn distils no given teacher.
ARMS = {
    "SimSiam, ours": Kind("ours", _SELFSUP.format("simsiam")),
    "MoCo v2, ours": Kind("ours", _SELFSUP.format("mocov2")),
    "BYOL, ours": Kind("ours", _SELFSUP.format("byol")),
    "SimCLR, lightly-train": Kind("lightly_train", "simclr"),
    "SimCLR, solo-learn": Kind("solo_learn", "simclr"),
    "SimSiam, solo-learn": Kind("solo_learn", "simsiam"),
    "Distillation, ours": Kind("ours", _DISTILL, True),
    "Distillation, lightly-train": Kind("lightly_train", "distillationv1", True),
}


def make_arms(
    names: Sequence[str],
    pythons: Mapping[str, str | None],
    work: str,
    teacher: str | None = None,
    **task: Any,
) -> tuple[list[Arm], dict[str, str]]:
    """Returns the arms of installed packages, and why others are not among them.

    Args:
        names: Of `ARMS`.
        pythons: By package, the interpreter of its environment, or None.
        work: Folder that each arm gets a folder in.
        teacher: Folder of a teacher's weights.
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
        if kind.taught and teacher is None:
            missing[name] = "--teacher names no folder"
            continue
        folder = name.lower().replace(", ", "-").replace(" ", "-")
        mine = Task(
            kind.package,
            kind.method,
            work=f"{work}/{folder}",
            teacher=_TEACHERS[kind.package].format(teacher) if kind.taught else None,
            options=dict(kind.options),
            **task,
        )
        arms.append(Arm(name, python, mine))
    return arms, missing
