"""The option ``teacher`` of configs that distil."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from ..utils.errors import option
from ..utils.families import TeacherMisfit

#: File of a feature store by which its folder is known.
_STORE = "manifest.json"


def use_teacher(cfg: Config, teacher: str) -> None:
    """Puts a teacher into ``model.distill``.

    Args:
        cfg: Changed in place. What it says of the teacher's resolution stays.
        teacher: "start" for the student as its ``weights`` have it; the folder of a
            feature store; or a network, see `NetworkTeacher`,
            maybe with its weights: ``timm:NAME=FILE``, ``CONFIG=CHECKPOINT``.

    Raises:
        UserError: The config has no ``model.distill``, or several teachers.
    """
    distill = (cfg.get("model") or {}).get("distill")
    if isinstance(distill, list | tuple) and len(distill) == 1:
        distill = distill[0]
    if isinstance(distill, list | tuple):
        raise TeacherMisfit(
            f"the config has {len(distill)} teachers: name each in its place, "
            "model.distill.0.teacher.network and so on"
        )
    if distill is None:
        raise TeacherMisfit(
            "teacher=... needs a config that distils: set model.distill, for example "
            "model.distill.head.num_layers=1, or take one of configs/distill"
        )
    known = distill.get("teacher") or {}
    if not isinstance(known, Mapping):
        raise TeacherMisfit(
            f"model.distill.teacher is a part with a type, not {known!r}: name it by "
            f"{option('teacher')}"
        )
    kept = {k: v for k, v in known.items() if k == "view_size"}
    if teacher == "start":
        distill["teacher"] = {"type": "mmtaskssl.StartTeacher", **kept}
    elif Path(teacher, _STORE).is_file():
        distill["teacher"] = {"type": "mmtaskssl.StoreTeacher", "store": teacher}
    elif str(known.get("type", "")).rpartition(".")[2] in ("", "NetworkTeacher"):
        known = {k: v for k, v in known.items() if k not in ("weights", "labels")}
        known["type"] = "mmtaskssl.NetworkTeacher"
        distill["teacher"] = {**known, "network": teacher}
    else:
        kind = "mmtaskssl.NetworkTeacher"
        distill["teacher"] = {"type": kind, "network": teacher, **kept}
