"""From the names of images to what they are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...utils.errors import UserError
from . import findings
from .copies import HeldOut
from .dividing import divide
from .facts import ImageFacts, look
from .inspected import Finding, Inspected, Split
from .kept import Kept
from .labelled import ALL, Labelled, Part
from .limits import LEAST_POOL, MOST_COMPARED

Log = Callable[[str], None]
# A test image in the pool is expected in some; this share of it is worth a warning.
_MANY = 0.01


@dataclasses.dataclass(frozen=True)
class Examination:
    """What is to be looked at.

    Attributes:
        pool_root: Folder of the pool.
        pool_ids: Its images, each once.
        labelled: The target.
        seed: Draws a test part.
        inputs: Of `Inspected`.
    """

    pool_root: Path
    pool_ids: Sequence[str]
    labelled: Labelled
    seed: int
    inputs: Mapping[str, Any]

    def run(self, kept: Kept, out: Path | None, log: Log) -> Inspected:
        """Looks at every image.

        Args:
            kept: What is known of them already.
            out: Where annotations are written.
            log: Receives lines.

        Raises:
            UserError: What is left is too little, or contradicts itself.
        """
        found: list[Finding] = [*self.labelled.findings]
        facts: dict[str, Any] = dict(self.labelled.facts)
        broken: dict[str, dict[str, str]] = {}
        parts: dict[str, Part] = {}
        known: dict[str, list[ImageFacts]] = {}
        for name, part in self.labelled.parts.items():
            log(f"reading {len(part.items):,} images of the target")
            parts[name], known[name], broken[f"the target ({name})"] = _readable(
                part, name, kept
            )
        if ALL in parts:
            whole, of = parts.pop(ALL), known.pop(ALL)
            rows = divide(whole.items, [fact.sha256 for fact in of], self.seed)
            for name, some in zip(("train", "test"), rows, strict=True):
                parts[name] = whole.take(some)
                known[name] = [of[row] for row in some]
            facts["divided"] = {"seed": self.seed}
            text = (
                f"the target has no test part: {len(rows[1]):,} of its "
                f"{len(whole.items):,} images were drawn for one, class by class, with "
                f"seed {self.seed}"
            )
            found.append(Finding("note", text))
        train, test = parts["train"], parts["test"]
        findings.check_enough(train.items, test.items, self.labelled.kind)
        hashes = [fact.sha256 for fact in known["test"]]
        held_out = HeldOut.read(test.root, [item.image for item in test.items], hashes)
        facts["leak_guard"] = held_out.describe()
        train, known["train"] = _without_copies(
            train, known["train"], held_out, kept, found
        )
        findings.check_enough(train.items, test.items, self.labelled.kind)
        log(f"reading {len(self.pool_ids):,} images of the pool")
        pool_ids, pool_facts, kept_out = self._pool(held_out, kept, found)
        found += findings.of_broken(broken)
        found += findings.of_labels(train.items, test.items)
        found += findings.of_duplicates(train.items, known["train"], hashes)
        side, more = findings.of_sizes(known["train"], pool_facts)
        found += more
        names = {
            n for part in (train, test) for item in part.items for n in item.labels
        }
        return Inspected(
            self.labelled.kind,
            list(self.labelled.class_names or sorted(names)),
            _split(train),
            _split(test),
            str(self.pool_root),
            pool_ids,
            kept_out,
            side,
            found,
            facts,
            self.inputs,
        )

    def _pool(
        self, held_out: HeldOut, kept: Kept, found: list[Finding]
    ) -> tuple[list[str], list[ImageFacts], dict[str, str]]:
        """Returns the images that may be trained on, their facts, and the others."""
        seen = _compared(self.pool_root, self.pool_ids, "pool", held_out, kept)
        broken, copies = {}, {}
        good: dict[str, ImageFacts] = {}
        for image, (fact, copy) in zip(self.pool_ids, seen, strict=True):
            if fact.broken:
                broken[image] = f"cannot be read: {fact.broken}"
            elif copy:
                copies[image] = copy
            else:
                good[image] = fact
        found += findings.of_broken({"the pool": broken})
        if copies:
            many = len(copies) > _MANY * len(seen)
            text = (
                f"{len(copies):,} images of the pool are copies of test images and are "
                "kept out, such as {} ({})".format(*next(iter(copies.items())))
            )
            found.append(Finding("warning" if many else "note", text))
        found += _about_guard(held_out)
        if len(good) < LEAST_POOL:
            raise UserError(
                f"the pool {self.pool_root} has {len(good)} images that can be trained "
                f"on: the smallest training takes {LEAST_POOL}, so add more "
                f"({len(broken)} cannot be read, {len(copies)} are test images)"
            )
        twice = len(good) - len({fact.sha256 for fact in good.values()})
        if twice:
            text = f"{twice:,} images of the pool are there twice, byte for byte"
            found.append(Finding("note", text))
        return [*good], [*good.values()], {**broken, **copies}


def _readable(
    part: Part, name: str, kept: Kept
) -> tuple[Part, list[ImageFacts], dict[str, str]]:
    """Returns the images of a part that can be read, and why the others cannot."""
    ids = [item.image for item in part.items]

    def finder(batch: Sequence[str]) -> list[dict[str, Any]]:
        return [fact.to_dict() for fact in look(part.root, batch)[0]]

    facts = [ImageFacts(**fact) for fact in kept.each(name, ids, finder)]
    good = [row for row, fact in enumerate(facts) if not fact.broken]
    broken = {i: f.broken for i, f in zip(ids, facts, strict=True) if f.broken}
    return part.take(good), [facts[row] for row in good], broken


def _compared(
    root: Path, image_ids: Sequence[str], name: str, held_out: HeldOut, kept: Kept
) -> list[tuple[ImageFacts, str]]:
    """Returns what images are, and of which test image each is a copy."""

    def finder(batch: Sequence[str]) -> list[dict[str, Any]]:
        facts, pictures = look(root, batch)
        copies = held_out.copies_among(facts, pictures)
        return [
            {**fact.to_dict(), "copy": copy}
            for fact, copy in zip(facts, copies, strict=True)
        ]

    found = []
    for fact in kept.each(name, image_ids, finder):
        copy = fact["copy"]
        rest = {key: value for key, value in fact.items() if key != "copy"}
        found.append((ImageFacts(**rest), copy))
    return found


def _without_copies(
    train: Part,
    facts: list[ImageFacts],
    held_out: HeldOut,
    kept: Kept,
    found: list[Finding],
) -> tuple[Part, list[ImageFacts]]:
    """Removes copies of test images from those to train on."""
    ids = [item.image for item in train.items]
    seen = _compared(train.root, ids, "train and test", held_out, kept)
    good = [row for row, (_, copy) in enumerate(seen) if not copy]
    removed = [(ids[row], copy) for row, (_, copy) in enumerate(seen) if copy]
    if removed:
        text = (
            f"{len(removed):,} training images are copies of test images and are left "
            "out, such as {} ({})".format(*removed[0])
        )
        found.append(Finding("warning", text))
    return train.take(good), [facts[row] for row in good]


def _about_guard(held_out: HeldOut) -> list[Finding]:
    calibration = held_out.calibration
    shares = ", ".join(f"{kind} {v:.0%}" for kind, v in calibration.recall.items())
    text = (
        "copies of test images are looked for by bytes and by pixels: of known "
        f"copies of {calibration.copied} test images it finds {shares}"
    )
    found = [Finding("note", text)]
    if len(held_out.names) > MOST_COMPARED:
        text = (
            f"only {MOST_COMPARED:,} of the {len(held_out.names):,} test images are "
            "compared by their pixels: of the others only equal files are found"
        )
        found.append(Finding("warning", text))
    return found


def _split(part: Part) -> Split:
    return Split(
        str(part.root.absolute()),
        [item.image for item in part.items],
        [item.labels for item in part.items],
        masks=[item.mask for item in part.items if item.mask],
    )
