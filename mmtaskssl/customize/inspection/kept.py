"""What is known of each image, kept while it is being found out."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...utils.inputs import parse_json

#: Names of a batch to what is known of each, JSON-ready.
Finder = Callable[[Sequence[str]], Sequence[dict[str, Any]]]
Progress = Callable[[int], None]
#: Makes what shows the progress of a pass, of its title and the number of its items.
ProgressFactory = Callable[[str, int], Progress]
_BATCH = 256


class Kept:
    """Facts of images in a file that grows, so that no image is read twice.

    A line is one image of one pass, a JSON object; what a kill cut short is dropped.

    Args:
        path: The file; None: nothing is kept.
        progress: Shows how far a pass is.
    """

    def __init__(
        self, path: Path | None, progress: ProgressFactory | None = None
    ) -> None:
        self.path, self.progress = path, progress
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        if path is not None and path.exists():
            for stage, image, fact in _whole_lines(path):
                self._known[stage, image] = fact

    def each(
        self, stage: str, names: Sequence[str], finder: Finder
    ) -> list[dict[str, Any]]:
        """Returns what is known of each image, and finds it out where it is not.

        Args:
            stage: Name of the pass.
            names: The images.
            finder: Finds it out, a batch at a time.
        """
        unknown = [name for name in names if (stage, name) not in self._known]
        show = self.progress(stage, len(names)) if self.progress else None
        done = len(names) - len(unknown)
        for begin in range(0, len(unknown), _BATCH):
            batch = unknown[begin : begin + _BATCH]
            found = finder(batch)
            lines = []
            for name, fact in zip(batch, found, strict=True):
                self._known[stage, name] = fact
                lines.append(json.dumps([stage, name, fact]) + "\n")
            if self.path is not None:
                with open(self.path, "a", encoding="utf-8") as file:
                    file.write("".join(lines))
            done += len(batch)
            if show is not None:
                show(done)
        return [self._known[stage, name] for name in names]


def _whole_lines(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields the lines of a file, and cuts off what is no line."""
    good = 0
    with open(path, "rb+") as file:
        for line in file:
            try:
                stage, image, fact = parse_json(line.decode("utf-8"))
                whole = line.endswith(b"\n") and isinstance(fact, dict)
            except (ValueError, TypeError):
                whole = False
            if not whole:
                break
            good += len(line)
            yield stage, image, fact
        file.truncate(good)
