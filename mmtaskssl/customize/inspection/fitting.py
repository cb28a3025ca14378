"""Annotations held against the images that they are of."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .boxes import BoxFitter
from .facts import ImageFacts
from .inspected import Finding
from .kept import Kept
from .labelled import ALL, Item, Labelled, Part
from .masks import MaskFitter, indices_of, look_at_part


@dataclasses.dataclass(frozen=True)
class Seen:
    """Images of a part that can be used, and what they are.

    Attributes:
        part: The images.
        facts: Of each.
        left_out: Of the other images, why.
    """

    part: Part
    facts: Sequence[ImageFacts]
    left_out: Mapping[str, str]

    def take(self, rows: Sequence[int]) -> "Seen":
        """Returns some of the images, in the order of their rows."""
        facts = [self.facts[row] for row in rows]
        return Seen(self.part.take(rows), facts, self.left_out)

    def with_items(self, found: Sequence[Item | str]) -> "Seen":
        """Returns the images that fit, of each of which an item was made.

        Args:
            found: Of each image the item, or why there is none.
        """
        rows = [row for row, item in enumerate(found) if isinstance(item, Item)]
        items = [item for item in found if isinstance(item, Item)]
        out = {
            old.image: item
            for old, item in zip(self.part.items, found, strict=True)
            if isinstance(item, str)
        }
        part = dataclasses.replace(self.part, items=items)
        facts = [self.facts[row] for row in rows]
        return Seen(part, facts, {**self.left_out, **out})


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A target whose annotations fit its images.

    Attributes:
        parts: By their names.
        class_names: In the order of their index; None: sorted.
        findings: For the owner.
        facts: JSON-ready.
    """

    parts: Mapping[str, Seen]
    class_names: Sequence[str] | None
    findings: Sequence[Finding] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def fit(
    labelled: Labelled, parts: Mapping[str, Seen], kept: Kept, void: int | None
) -> Fitted:
    """Holds annotations against images, and leaves out those that do not fit.

    Args:
        labelled: The target.
        parts: Its images that can be read.
        kept: What is known of masks already.
        void: See `indices_of`.

    Raises:
        UserError: See `indices_of`.
    """
    if labelled.kind == "detection":
        return _with_boxes(parts)
    if labelled.kind == "segmentation":
        return _with_masks(labelled, parts, kept, void)
    return Fitted(parts, labelled.class_names)


def _with_boxes(parts: Mapping[str, Seen]) -> Fitted:
    fitted, findings = {}, list[Finding]()
    for name, seen in parts.items():
        fitter = BoxFitter()
        fits = [*map(fitter.fit, seen.part.items, seen.facts)]
        fitted[name] = seen.with_items(fits)
        where = "the target" + ("" if name == ALL else f" ({name})")
        findings += fitter.findings(where, len(fitted[name].part.items))
    items = [item for seen in fitted.values() for item in seen.part.items]
    names = sorted({box.name for item in items for box in item.boxes})
    return Fitted(fitted, names, findings)


def _with_masks(
    labelled: Labelled, parts: Mapping[str, Seen], kept: Kept, void: int | None
) -> Fitted:
    masks = {
        name: look_at_part(seen.part, f"masks ({name})", kept)
        for name, seen in parts.items()
    }
    of = {str(parts[name].part.masks): found for name, found in masks.items()}
    indices, said = indices_of(of, labelled.class_names, void)
    fitted, findings = {}, list[Finding]()
    for name, seen in parts.items():
        rows = zip(seen.part.items, seen.facts, masks[name], strict=True)
        fitter = MaskFitter(indices)
        fitted[name] = seen.with_items([fitter.fit(*row) for row in rows])
        where = "masks" if name == ALL else f"masks ({name})"
        findings += fitter.findings(where, name != "test")
    facts = {"void": indices.void, "first_index": indices.first}
    return Fitted(fitted, indices.class_names, [*findings, *said], facts)
