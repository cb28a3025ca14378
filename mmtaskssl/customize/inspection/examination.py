"""From the names of images to what they are."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets.annotations.findings import refuse
from ...datasets.annotations.names import judge_spelling
from ...utils.families import TooFewImages
from ...utils.hashing import lines_sha256
from . import findings
from .coco import write_coco
from .copies import HeldOut
from .dividing import divide
from .facts import ImageFacts, look
from .fitting import Seen, fit
from .inspected import Finding, Inspected, Split, TaskKind
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
        void: Of masks, the index that belongs to no class; None: see `indices_of`.
        inputs: Of `Inspected`.
    """

    pool_root: Path
    pool_ids: Sequence[str]
    labelled: Labelled
    seed: int
    void: int | None
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
        parts = {}
        for name, part in self.labelled.parts.items():
            log(f"reading {len(part.items):,} images of the target")
            parts[name] = _readable(part, name, kept)
        fitted = fit(self.labelled, parts, kept, self.void)
        facts.update(fitted.facts)
        found += fitted.findings
        found += _spelling(fitted.parts)
        for name, seen in fitted.parts.items():
            found += findings.of_broken(f"the target ({name})", seen.left_out)
        refuse(found, lambda one: log(f"{one.level}: {one.text}"))
        train, test = self._divided(fitted.parts, found, facts)
        kind = self.labelled.kind
        lost = f"{sum(len(s.left_out) for s in fitted.parts.values())} cannot be used"
        findings.check_enough(train.part.items, test.part.items, kind, lost)
        hashes = [fact.sha256 for fact in test.facts]
        ids = [item.image for item in test.part.items]
        held_out = HeldOut.read(test.part.root, ids, hashes)
        facts["leak_guard"] = held_out.describe()
        before = len(train.facts)
        train = _without_copies(train, held_out, kept, found)
        lost += f", {before - len(train.facts)} count as copies of test images"
        findings.check_enough(train.part.items, test.part.items, kind, lost)
        log(f"reading {len(self.pool_ids):,} images of the pool")
        pool_ids, pool_facts, kept_out = self._pool(held_out, kept, found)
        found += findings.of_labels(train.part.items, test.part.items)
        found += findings.of_duplicates(train.part.items, train.facts, hashes)
        side, more = findings.of_sizes(train.facts, pool_facts)
        images = {"pool": pool_facts, "train": train.facts, "test": test.facts}
        # Of what images hold, in their order: names and folders may be others.
        facts["images_sha256"] = {
            name: lines_sha256(fact.sha256 for fact in part)
            for name, part in images.items()
        }
        items = [*train.part.items, *test.part.items]
        names = fitted.class_names or sorted({n for i in items for n in i.labels})
        return Inspected(
            kind,
            list(names),
            _split(train, "train", kind, names, out),
            _split(test, "test", kind, names, out),
            str(self.pool_root),
            pool_ids,
            kept_out,
            side,
            [*found, *more],
            facts,
            self.inputs,
        )

    def _divided(
        self, parts: Mapping[str, Seen], found: list[Finding], facts: dict[str, Any]
    ) -> tuple[Seen, Seen]:
        """Returns the images to train on and to test on."""
        if ALL not in parts:
            return parts["train"], parts["test"]
        whole = parts[ALL]
        hashes = [fact.sha256 for fact in whole.facts]
        train, test = divide(whole.part.items, hashes, self.seed)
        facts["divided"] = {"seed": self.seed}
        text = (
            f"the target has no test part: {len(test):,} of its {len(hashes):,} images "
            f"were drawn for one, class by class, with seed {self.seed}"
        )
        found.append(Finding("note", text))
        return whole.take(train), whole.take(test)

    def _pool(
        self, held_out: HeldOut, kept: Kept, found: list[Finding]
    ) -> tuple[list[str], list[ImageFacts], dict[str, str]]:
        """Returns the images that may be trained on, their facts, and the others."""
        seen = _compared(self.pool_root, self.pool_ids, "pool", held_out, kept, True)
        broken, copies = {}, {}
        good: dict[str, ImageFacts] = {}
        for image, (fact, copy) in zip(self.pool_ids, seen, strict=True):
            if fact.broken:
                broken[image] = f"cannot be read: {fact.broken}"
            elif copy:
                copies[image] = copy
            else:
                good[image] = fact
        found += findings.of_broken("the pool", broken)
        if copies:
            many = len(copies) > _MANY * len(seen)
            text = (
                f"{len(copies):,} images of the pool count as copies of test images "
                "and are kept out, such as {} ({})".format(*next(iter(copies.items())))
            )
            found.append(Finding("warning" if many else "note", text))
        found += _about_guard(held_out)
        if len(good) < LEAST_POOL:
            raise TooFewImages(
                f"the pool {self.pool_root} has {len(good)} images that can be trained "
                f"on: the smallest training takes {LEAST_POOL}, so add more "
                f"({len(broken)} cannot be read, {len(copies)} are test images)"
            )
        twice = len(good) - len({fact.sha256 for fact in good.values()})
        if twice:
            text = f"{twice:,} images of the pool are there twice, byte for byte"
            found.append(Finding("note", text))
        return [*good], [*good.values()], {**broken, **copies}


def _spelling(parts: Mapping[str, Seen]) -> list[Finding]:
    """Looks for classes that are one, in two parts or in one."""
    names = {
        part: {name for item in seen.part.items for name in item.labels}
        for part, seen in parts.items()
    }
    whole = names.get(ALL, set())
    return judge_spelling(names.get("train", whole), names.get("test", whole))


def _readable(part: Part, name: str, kept: Kept) -> Seen:
    """Returns the images of a part that can be read, and why the others cannot."""

    def finder(batch: Sequence[str]) -> list[dict[str, Any]]:
        return [fact.to_dict() for fact in look(part.root, batch)[0]]

    known = kept.each(name, [item.image for item in part.items], finder)
    facts = [ImageFacts(**fact) for fact in known]
    rows = zip(part.items, facts, strict=True)
    return Seen(part, facts, {}).with_items([f.broken or item for item, f in rows])


def _compared(
    root: Path,
    image_ids: Sequence[str],
    name: str,
    held_out: HeldOut,
    kept: Kept,
    tinted: bool,
) -> list[tuple[ImageFacts, str]]:
    """Returns what images are, and of which test image each is a copy."""

    def finder(batch: Sequence[str]) -> list[dict[str, Any]]:
        facts, pictures = look(root, batch)
        copies = held_out.copies_among(facts, pictures, tinted)
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
    train: Seen, held_out: HeldOut, kept: Kept, found: list[Finding]
) -> Seen:
    """Removes copies of test images from those to train on."""
    ids = [item.image for item in train.part.items]
    copies = _compared(train.part.root, ids, "train and test", held_out, kept, False)
    good = [row for row, (_, copy) in enumerate(copies) if not copy]
    removed = [(ids[row], copy) for row, (_, copy) in enumerate(copies) if copy]
    if removed:
        text = (
            f"{len(removed):,} training images count as copies of test images and are "
            "left out, such as {} ({})".format(*removed[0])
        )
        found.append(Finding("warning", text))
    return train.take(good)


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


def _split(
    seen: Seen, name: str, kind: TaskKind, class_names: Sequence[str], out: Path | None
) -> Split:
    part, annotations = seen.part, None
    if kind == "detection" and out is not None:
        path = out / f"{name}.json"
        write_coco(path, part, [(f.width, f.height) for f in seen.facts], class_names)
        annotations = str(path.absolute())
    elif part.masks is not None:
        annotations = str(part.masks.absolute())
    return Split(
        str(part.root.absolute()),
        [item.image for item in part.items],
        [item.labels for item in part.items],
        annotations,
        [item.mask for item in part.items if item.mask],
    )
