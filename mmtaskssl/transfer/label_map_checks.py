"""Are the label maps of a segmentor those of its classes and images?"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..datasets.annotations.findings import Finding, Tally
from ..datasets.annotations.image_sizes import judge_sizes
from ..datasets.annotations.label_maps import judge_classes, look_at_masks
from ..datasets.images import IMAGE_SUFFIXES
from ..utils.families import BadLabels
from ..utils.progress import ProgressLine

# What the host takes for nothing, whatever the head does.
_VOID = 255


def check_label_maps(
    files: Sequence[tuple[Any, str, str]],
    classes: Sequence[str],
    ignored: int,
    purpose: str,
) -> list[Finding]:
    """Looks at every label map of a model's data.

    Args:
        files: Of each image the innermost data set, whose shift and map of labels are
            applied, the image and its label map.
        classes: The head's.
        ignored: Label that the head leaves out.
        purpose: "training", "validation" or "test".

    Raises:
        UserError: A map cannot be read or is a colour image.
    """
    if not files:
        return []
    training = purpose == "training"
    paths = [Path(label_map) for _, _, label_map in files]
    maps = look_at_masks(paths, ProgressLine("label maps", len(paths)))
    for path, found in zip(paths, maps, strict=True):
        if "broken" in found:
            raise BadLabels(f"{path} is no readable label map: {found['broken']}")
        if "colour" in found:
            raise BadLabels(
                f"{path} is a colour image: a label map has one channel, of class "
                "numbers"
            )
    # While it trains, the head fails at what it does not leave out.
    nothing = {ignored} if training else {ignored, _VOID}
    wrong, known = Tally(), []
    for (dataset, _, path), found in zip(files, maps, strict=True):
        labels = {_label(value, dataset): value for value in found["values"]}
        known.append([n for n in labels if n not in nothing and n < len(classes)])
        beyond = [n for n in labels if n not in nothing and n >= len(classes)]
        if beyond:
            wrong.add(f"{path} has the label {labels[beyond[0]]}")
    result = []
    if wrong.count:
        text = (
            f"{wrong.such_as()}, but the config has {len(classes)} classes "
            f"({', '.join(classes[:5])}, ...): set num_classes and the classes, or "
            f"ignore_index; {wrong.count:,} of {len(maps):,} label maps have one"
        )
        result.append(Finding("error", text))
    result += judge_classes(known, paths, f"{purpose} label maps", training, classes)
    sizes = [
        (image, (found["width"], found["height"]), "label map")
        for (_, image, _), found in zip(files, maps, strict=True)
    ]
    show = ProgressLine("sizes", len(sizes))
    return [*result, *judge_sizes(sizes, True, show)]


def _label(value: int, dataset: Any) -> int:
    """Returns what the host makes of a number in a file."""
    value %= _VOID + 1  # it reads 8 bits
    if getattr(dataset, "reduce_zero_label", False):
        value = _VOID if value in (0, _VOID) else value - 1
    mapping = getattr(dataset, "label_map", None) or {}
    return int(mapping.get(value, value)) % (_VOID + 1)


def find_overlooked(dataset: Any, purpose: str) -> list[Finding]:
    """Looks for images of other endings beside those that a data set reads.

    Args:
        dataset: An innermost one; only those that read whole folders are looked at.
        purpose: "training", "validation" or "test".
    """
    folders = getattr(dataset, "data_prefix", None) or {}
    images, maps = folders.get("img_path"), folders.get("seg_map_path")
    ending, of_map = (getattr(dataset, f"{of}_suffix", "") for of in ("img", "seg_map"))
    listed = os.path.isfile(getattr(dataset, "ann_file", None) or "")
    if listed or not images or not ending or not os.path.isdir(images):
        return []
    used, others = set(), []
    for path in sorted(Path(images).rglob("*")):
        name = path.relative_to(images).as_posix()
        if name.endswith(ending):
            used.add(name.removesuffix(ending))
        elif path.suffix.lower() in IMAGE_SUFFIXES and not (
            of_map and images == maps and name.endswith(of_map)
        ):
            others.append(path.relative_to(images))
    lost, bare = Tally(), Tally()
    for path in others:
        name = path.with_suffix("").as_posix()
        if name not in used:
            whole = maps and os.path.isfile(os.path.join(maps, f"{name}{of_map}"))
            (lost if whole else bare).add(str(Path(images, path)))
    count, found = len(used) + len(others), []
    if lost.count:
        text = (
            f"{lost.of(count, f'{purpose} images')} end otherwise than {ending}, and "
            "would be left out though they have label maps: give all one ending, or "
            "list them in two data sets (img_suffix)"
        )
        found.append(Finding("error", text))
    if bare.count:
        text = (
            f"{bare.of(count, f'{purpose} images')} end otherwise than {ending} and "
            "have no label map: they are left out"
        )
        found.append(Finding("warning", text))
    return found
