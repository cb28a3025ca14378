"""Are images as large as their annotations say?"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mmtaskssl.utils.cores import num_cores

from ..image_reader import BrokenImage, upright_size
from .findings import MOST, Finding, Tally

_THREADS = 4
_BATCH = 256
# Of more images these many are looked at, evenly spaced: where sizes are wrong, a tool
# has written many of them.
_MOST_IMAGES = 20_000


def judge_sizes(
    files: Sequence[tuple[str | os.PathLike, tuple[int, int], str]],
    harmful: bool,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Finding]:
    """Compares sizes with those in the headers of images.

    Args:
        files: Of each image its path, width and height, and what has them: its
            annotation or mask.
        harmful: Whether a single difference spoils the training.
        progress: Receives how many are done.

    Returns:
        An error where most differ: their boxes lie elsewhere in what is trained on.
    """
    wrong, seen = Tally(), 0
    if len(files) > _MOST_IMAGES:
        step = (len(files) - 1) / (_MOST_IMAGES - 1)
        files = [files[round(number * step)] for number in range(_MOST_IMAGES)]
    with ThreadPoolExecutor(min(_THREADS, num_cores())) as pool:
        for begin in range(0, len(files), _BATCH):
            batch = files[begin : begin + _BATCH]
            sizes = pool.map(_size, [path for path, _, _ in batch])
            for (path, said, of), size in zip(batch, sizes, strict=True):
                seen += size is not None
                if size is not None and size != said:
                    wrong.add(
                        f"{path}: {size[0]} x {size[1]}, and its {of} "
                        f"{said[0]} x {said[1]}"
                    )
            progress(begin + len(batch))
    if not wrong.count:
        return []
    return [of_sizes(wrong, seen, files[0][2], harmful)]


def of_sizes(wrong: Tally, total: int, of: str, harmful: bool = False) -> Finding:
    """Says how many images are of another size.

    Args:
        wrong: Those that are.
        total: All.
        of: What says their size.
        harmful: Whether one is too many.
    """
    many = wrong.count > MOST * total or harmful
    text = (
        f"{wrong.of(total, 'images')} are of another size than their {of}: was one of "
        "them resized without the other?"
    )
    return Finding("error" if many else "warning", text)


def _size(path: str | os.PathLike) -> tuple[int, int] | None:
    try:
        return upright_size(path)
    except BrokenImage:
        return None  # which its reader says
