"""Which form a target has, and its parts."""

import dataclasses
import os
from pathlib import Path

from ...utils import checks
from ...utils.errors import option
from ...utils.families import ClassMismatch, FileMissing, TargetForm
from . import coco, label_tables, masks, voc
from .class_folders import part_folders, read_class_folders
from .inspected import Finding
from .labelled import ALL, Labelled, Part

_FORMS = {
    "classification": "folders CLASS/IMAGE, or a table of image,label",
    "multilabel": "a table of image,labels",
    "detection": "a COCO JSON, or a Pascal VOC folder",
    "segmentation": "folders of images and of masks, such as img and ann",
}
TASKS = ("auto", *_FORMS)


def read_target(
    target: str | os.PathLike, test: str | os.PathLike | None, task: str
) -> Labelled:
    """Reads the labels of a target, and opens no image.

    Args:
        target: A folder or a file.
        test: Another one, of the test part; None: the target has it, or none.
        task: One of `TASKS`.

    Returns:
        The target, of the parts "train" and "test", or `ALL` alone.

    Raises:
        UserError: It has no form that is known, is none of the task's, or its parts do
            not fit each other.
    """
    whole = _read(Path(target).expanduser(), task, "target")
    findings = [
        Finding("note", f"{target} is read as {whole.kind}: {whole.form}"),
        *whole.findings,
    ]
    parts = dict(whole.parts)
    facts = {"form": whole.form, **whole.facts}
    if test is not None:
        other = _read(Path(test).expanduser(), task, "test")
        if other.kind != whole.kind:
            raise TargetForm(
                f"{test} is read as {other.kind}, and {target} as {whole.kind}: both "
                "must be of one task"
            )
        if other.class_names != whole.class_names:
            whole = _same_classes(whole, other)
        findings += other.findings
        given = _only(other, str(test))
        if "test" in parts:
            findings.append(_unused("test", parts["test"], f"{test} is the test part"))
        parts["test"] = given
        facts["test_form"] = other.form
    parts = _chosen(parts, findings, str(target))
    return dataclasses.replace(whole, parts=parts, findings=findings, facts=facts)


def _read(path: Path, task: str, name: str) -> Labelled:
    checks.path_like(name, path)
    if not path.exists():
        raise FileMissing(f"{option(name)} {path} does not exist")
    found = _by_form(path, task)
    if task not in ("auto", found.kind):
        raise TargetForm(
            f"{path} is read as {found.kind} ({found.form}), not as {task}: that is "
            f"{_FORMS[task]}; name another {option(name)}, or leave out "
            f"{option('task')}"
        )
    return found


def _by_form(path: Path, task: str) -> Labelled:
    if path.is_dir():
        return _by_folders(path, task)
    if path.suffix.lower() in label_tables.SUFFIXES:
        return label_tables.read_table(path)
    if path.suffix.lower() == ".json":
        return coco.read_coco({ALL: path})
    raise TargetForm(f"{path} has no form of a target that is known: {_known()}")


def _by_folders(path: Path, task: str) -> Labelled:
    boxes, pair = voc.is_voc(path), masks.find_masks(path)
    if boxes and pair and task == "auto":
        raise TargetForm(
            f"{path} holds both boxes and masks ({pair[1]}): say which task is meant "
            f"by {option('task')}, detection or segmentation"
        )
    if pair and (task == "segmentation" or not boxes):
        return masks.read_masks(path, pair)
    if boxes:
        return voc.read_voc(path)
    if files := coco.find_coco(path):
        return coco.read_coco(files)
    for inside in sorted(path.iterdir()):
        if inside.is_dir() and voc.is_voc(inside):
            raise TargetForm(f"{path} holds the Pascal VOC folder {inside}: name that")
    if _is_yolo(path):
        raise TargetForm(
            f"{path} holds boxes as text files, as YOLO reads them: write them as a "
            "COCO JSON (the tool that exported them can)"
        )
    return read_class_folders(path)


def _is_yolo(path: Path) -> bool:
    folders = [path, *part_folders(path).values()]
    labels = [folder / "labels" for folder in folders if (folder / "images").is_dir()]
    return any(next(folder.rglob("*.txt"), None) for folder in labels)


def _known() -> str:
    return "; ".join(f"for {task} {form}" for task, form in _FORMS.items())


def _same_classes(whole: Labelled, other: Labelled) -> Labelled:
    first, second = list(whole.class_names or ()), list(other.class_names or ())
    longer = max(first, second, key=len)
    if longer[: len(first)] != first or longer[: len(second)] != second:
        raise ClassMismatch(
            f"the parts of the target name their classes differently: {first[:5]}, ... "
            f"and {second[:5]}, ..."
        )
    return dataclasses.replace(whole, class_names=longer)


def _only(found: Labelled, name: str) -> Part:
    """Returns the test images of what was named as the test part."""
    if len(found.parts) > 1:
        raise TargetForm(
            f"{option('test')} {name} has the parts {', '.join(found.parts)}: name the "
            "folder or the file of the test images alone"
        )
    return next(iter(found.parts.values()))


def _chosen(
    parts: dict[str, Part], findings: list[Finding], target: str
) -> dict[str, Part]:
    """Returns the parts to train and to test on, and says what becomes of others."""
    if ALL in parts:
        if "test" in parts:
            parts["train"] = parts.pop(ALL)
        return parts
    val = parts.pop("val", None)
    if "train" not in parts:
        raise TargetForm(
            f"{target} has no train part, only "
            f"{' and '.join([*parts, *['val'] * (val is not None)])}: add train, or "
            f"name the test part with {option('test')} and the images to learn from as "
            f"{option('target')}"
        )
    if val is not None and "test" in parts:
        findings.append(_unused("val", val, "train and test are there"))
    elif val is not None:
        parts["test"] = val
        text = f"there is no test part: val ({len(val.items)} images) takes its place"
        findings.append(Finding("note", text))
    return parts if "test" in parts else {ALL: parts["train"]}


def _unused(name: str, part: Part, why: str) -> Finding:
    return Finding(
        "note",
        f"the part {name} ({len(part.items)} images) of the target is not used, since "
        f"{why}: to learn from its images, too, move them to train",
    )
