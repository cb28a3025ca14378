"""What the owner of the images should know before a result is believed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from ...utils.errors import option
from ...utils.families import BadLabels, TargetTooSmall
from .facts import ImageFacts
from .inspected import Finding, TaskKind
from .labelled import Item
from .limits import LEAST_TEST, LEAST_TRAIN, SMALL_SIDE, UNEVEN


def check_enough(
    train: Sequence[Item], test: Sequence[Item], kind: TaskKind, lost: str
) -> None:
    """Refuses a target that nothing could be learned from, or measured on.

    Args:
        train: Images to learn from, those that are left.
        test: Images to test on.
        kind: The task.
        lost: What became of others, in words.

    Raises:
        UserError: Too few images or classes, or a class that cannot be learned.
    """
    counts = (len(train), LEAST_TRAIN, "train"), (len(test), LEAST_TEST, "test")
    for count, least, name in counts:
        if count < least:
            raise TargetTooSmall(
                f"the target has {len(train)} images to train and {len(test)} to test "
                f"on ({lost}): at least {least} to {name} on are needed, so label more,"
                f" or name the test part if there is one ({option('test')})"
            )
    classes = Counter(label for item in train for label in item.labels)
    if not classes:
        raise BadLabels(
            "no training image of the target has a label: label some of them"
        )
    if kind != "classification":
        return
    if len(classes) < 2:
        raise TargetTooSmall(
            f"the target has one class only, {next(iter(classes))}: two or more are "
            "needed to tell them apart"
        )
    if sum(count > 1 for count in classes.values()) < 2:
        raise TargetTooSmall(
            "fewer than two classes of the target have two training images: label more"
        )
    tested = Counter(label for item in test for label in item.labels)
    if unknown := sorted({*tested} - {*classes}):
        raise TargetTooSmall(
            f"class {unknown[0]} of the target has {tested[unknown[0]]} test images "
            f"and none that can be trained on ({lost}): add some, or remove the class"
        )


def of_labels(train: Sequence[Item], test: Sequence[Item]) -> list[Finding]:
    """Says what is odd about the labels; of the test part's their names alone."""
    counts = Counter(label for item in train for label in item.labels)
    found = []
    single = sorted(name for name, count in counts.items() if count == 1)
    if single:
        found.append(
            f"{_classes(single)} one training image: no fold can hold it out, and its "
            "test images will hardly be recognised"
        )
    if len(counts) > 1:
        (most, high), (least, low) = counts.most_common()[0], counts.most_common()[-1]
        if high >= UNEVEN * low:
            found.append(
                f"the classes are very uneven: {high:,} training images of {most}, "
                f"{low:,} of {least}; the share of right answers says little of the "
                "small ones"
            )
    if unknown := sorted({n for item in test for n in item.labels} - {*counts}):
        found.append(
            f"{_classes(unknown)} no training image: whatever is trained will miss "
            "what the test part has of it"
        )
    tested = {name for item in test for name in item.labels}
    if tested and (untested := sorted({*counts} - tested)):
        found.append(
            f"{_classes(untested)} no test image: the verdict says nothing of "
            f"{'it' if len(untested) == 1 else 'them'}"
        )
    return [Finding("warning", text) for text in found]


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + ", ..." * (len(names) > 3)
    if len(names) == 1:
        return f"class {shown} has"
    return f"{len(names)} classes ({shown}) have each"


def of_duplicates(
    train: Sequence[Item], facts: Sequence[ImageFacts], test_hashes: Sequence[str]
) -> list[Finding]:
    """Says which images are there several times."""
    found = []
    rows: dict[str, list[int]] = {}
    for row, fact in enumerate(facts):
        rows.setdefault(fact.sha256, []).append(row)
    same = [group for group in rows.values() if len(group) > 1]
    wrong = [g for g in same if len({train[row].labels for row in g}) > 1]
    if same:
        text = f"{sum(map(len, same)) - len(same)} training images are there twice"
        found.append(Finding("note", text))
    if wrong:
        first, second = _differing(train, wrong[0])
        text = (
            f"{len(wrong)} training images are there with different labels, such as "
            f"{first.image} ({_labels(first)}) and {second.image} ({_labels(second)}): "
            "correct one"
        )
        found.append(Finding("warning", text))
    if twice := len(test_hashes) - len({*test_hashes}):
        found.append(Finding("note", f"{twice} test images are there twice"))
    return found


def _differing(items: Sequence[Item], rows: Sequence[int]) -> tuple[Item, Item]:
    first = items[rows[0]]
    return first, next(items[r] for r in rows if items[r].labels != first.labels)


def _labels(item: Item) -> str:
    return ", ".join(item.labels) or "none"


def of_sizes(
    train: Sequence[ImageFacts], pool: Sequence[ImageFacts]
) -> tuple[int, list[Finding]]:
    """Returns the median short side of the training images, and what is odd of sizes.

    Args:
        train: Images to learn from; one at least.
        pool: Images of the pool.
    """
    found = []
    side = round(median(fact.short_side for fact in train))
    for name, facts in (("training images", train), ("images of the pool", pool)):
        small = sum(fact.short_side < SMALL_SIDE for fact in facts)
        if small:
            found.append(
                Finding(
                    "warning" if 2 * small >= len(facts) else "note",
                    f"{small:,} of {len(facts):,} {name} have a short side below "
                    f"{SMALL_SIDE} px",
                )
            )
    grey, colour = (sum(f.grey for f in facts) / len(facts) for facts in (train, pool))
    text = f"{grey:.0%} of the training images are grey, and {colour:.0%} of the pool"
    if abs(grey - colour) >= 0.5:
        found.append(Finding("warning", text))
    elif grey >= 0.5 or abs(grey - colour) >= 0.25:
        found.append(Finding("note", text))
    return side, found


def of_broken(name: str, left_out: Mapping[str, str]) -> list[Finding]:
    """Says how many images were left out.

    Args:
        name: Where they lie.
        left_out: The images, and why.
    """
    if not left_out:
        return []
    image, why = next(iter(left_out.items()))
    text = (
        f"{len(left_out):,} images of {name} cannot be used and are left out, such as "
        f"{image} ({why})"
    )
    return [Finding("warning", text)]
