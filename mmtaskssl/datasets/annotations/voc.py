"""Pascal VOC's XML."""

import dataclasses
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.families import BadLabels
from mmtaskssl.utils.inputs import open_input

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclasses.dataclass(frozen=True, slots=True)
class VOCObject:
    """An object, as the file has it.

    Attributes:
        name: Its class, as it is written.
        corners: Left, top, right and bottom in pixels from 1, the last one included.
        difficult: Whether it counts neither as found nor as missed.
    """

    name: str
    corners: tuple[float, float, float, float]
    difficult: bool


def read_voc_xml(
    path: Path,
) -> tuple[Sequence[VOCObject], tuple[int, int] | None]:
    """Reads the objects of an image.

    Args:
        path: ``Annotations/NAME.xml``.

    Returns:
        The objects; and width and height of the image, None if the file has none.

    Raises:
        UserError: It is no XML, or an object lacks its name or a corner.
        OSError: It cannot be read.
    """
    try:
        with open_input(path) as xml:
            root = ElementTree.parse(xml).getroot()
    except ElementTree.ParseError as error:
        line, text = error.position[0], str(error).partition(":")[0]
        raise BadLabels(
            f"{path}, line {line}, is no valid XML and cannot be read: {text}"
        ) from error
    except (ValueError, LookupError) as error:  # of an encoding that nobody knows
        raise BadLabels(
            f"{path} is no XML that can be read ({error}): write it as UTF-8"
        ) from error
    found = []
    for number, thing in enumerate(root.findall("object"), 1):
        name = thing.findtext("name") or ""
        try:
            corners = [float(thing.findtext(f"bndbox/{c}") or "") for c in _CORNERS]
        except ValueError:
            corners = [math.nan]
        if not name.strip() or not all(map(math.isfinite, corners)):
            raise BadLabels(
                f"{path}: object {number} lacks its name or a number of its bndbox"
            )
        difficult = (thing.findtext("difficult") or "0").strip() == "1"
        left, top, right, bottom = corners
        found.append(VOCObject(name, (left, top, right, bottom), difficult))
    try:
        width, height = (
            int(float(root.findtext(f"size/{side}") or 0))
            for side in ("width", "height")
        )
    except (ValueError, OverflowError):
        return found, None
    return found, (width, height) if min(width, height) > 0 else None
