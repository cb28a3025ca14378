"""Are the classes that data name those that are asked for?"""

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from .findings import Finding

# Of two names that mean one thing this share is equal, at least.
_ALIKE = 0.8
_SHOWN = 5
# What tools write where nobody has said anything.
_NO_NAME = ("?", "-", "n/a", "na", "nan", "none", "null", "undefined", "unknown")


def judge_names(
    found: Mapping[str, int],
    classes: Sequence[str],
    where: str,
    training: bool,
    known: Collection[str] = (),
) -> list[Finding]:
    """Compares the classes of objects with those of a config.

    Args:
        found: Objects by the name of their class.
        classes: The config's.
        where: Of what the objects are, such as "that list.txt lists".
        training: Whether something is to learn from them.
        known: Classes that the data name, with or without an object.

    Returns:
        Errors where a class is written differently, or none is known; else warnings.
    """
    if training and not found:
        text = f"no image {where} has an object to train with"
        return [Finding("error", text)]
    if found and {*found}.isdisjoint(classes):
        text = (
            f"no object {where} is of the config's classes {_listed(classes)}: the "
            f"files name {_listed(sorted(found))}"
        )
        return [Finding("error", text)]
    result = []
    others = sorted(({*found} | {*known}) - {*classes})
    absent = [name for name in classes if not found.get(name)] if found else []
    for name in absent:
        if close := _like(name, others, training):
            text = (
                f"no object {where} is of the config's class {name!r}, but "
                f"{found.get(close, 0):,} are of {close!r}: write both alike"
            )
            result.append(Finding("error", text))
    if absent and training and not result:
        text = f"no object {where} is of {_listed(absent)}: it cannot be learned"
        result.append(Finding("warning", text))
    if left_out := {name: found[name] for name in others if name in found}:
        text = (
            f"{sum(left_out.values()):,} of {sum(found.values()):,} objects {where} "
            f"are of no class of the config ({_listed([*left_out])}) and are left out"
        )
        result.append(Finding("warning", text))
    return result


def judge_order(
    categories: Sequence[str], classes: Sequence[str], where: str, training: bool
) -> list[Finding]:
    """Holds the numbers of COCO's categories against those of the classes.

    The host numbers the categories that it wants in the order of the file, whatever
    the order of the config, and calls them by the config's.

    Args:
        categories: In the order of the file.
        classes: In the order of the config.
        where: The file.
        training: Whether something is to learn from it; to measure, all are needed.
    """
    numbered = [name for name in categories if name in classes]
    expected = classes[: len(numbered)] if training else classes
    if not numbered or numbered == [*expected]:
        return []
    text = (
        f"{where} has the categories {_listed(numbered)} in this order, and the "
        f"config's classes are {_listed(classes)}: classes are numbered as the file "
        "has them, so that they would be taken for each other; write both alike"
    )
    return [Finding("error", text)]


def judge_spelling(train: Iterable[str], test: Iterable[str]) -> list[Finding]:
    """Looks for classes of a target that are one, written in two ways.

    Args:
        train: Classes that something is to learn.
        test: Classes that it is measured on.
    """
    train, test = {*train}, {*test}
    groups = defaultdict(list)
    for name in sorted(train | test):
        groups[_plain(name)].append(name)
    found = []
    alike = [names for names in groups.values() if len(names) > 1]
    apart = [
        names
        for names in alike
        if {*names} & (train - test) and {*names} & (test - train)
    ]
    for some, level, words in (
        (apart, "error", "to train and to test on, and count as different: write one"),
        (alike, "warning", "and count as different classes"),
    ):
        if some and not found:
            written = " and ".join(map(repr, some[0]))
            text = (
                f"{len(some)} classes are written in two ways, such as {written}, "
                f"{words}"
            )
            found.append(Finding(level, text))
    empty = sorted(name for name in train | test if name.lower() in _NO_NAME)
    if empty:
        text = (
            f"{_listed(empty)} counts as a class like any other: remove the images "
            "that have no label"
        )
        found.append(Finding("warning", text))
    return found


def _like(name: str, others: Sequence[str], training: bool) -> str:
    """Returns the name that means the same; "": there is none."""
    plain = {_plain(other): other for other in others}
    if _plain(name) in plain or not training:
        return plain.get(_plain(name), "")
    close = difflib.get_close_matches(_plain(name), list(plain), 1, _ALIKE)
    return plain[close[0]] if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold() or name


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)
