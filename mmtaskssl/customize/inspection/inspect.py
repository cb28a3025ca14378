"""Looks at a pool and a target, before anything is computed from them."""

import os
from collections.abc import Callable
from pathlib import Path

from ...datasets.images import ImagesLike
from ...runs import Record, State, Work, as_read
from ...utils import checks
from ...utils.errors import option
from ...utils.families import OptionMissing
from . import files
from .examination import Examination
from .given import Given, look_at
from .inspected import Inspected
from .kept import Kept, ProgressFactory

Log = Callable[[str], None]


def inspect(
    pool: ImagesLike,
    target: str | os.PathLike,
    *,
    test: str | os.PathLike | None = None,
    task: str = "auto",
    seed: int = 0,
    void: int | None = None,
    given: Given | None = None,
    out: str | os.PathLike | None = None,
    overwrite: bool = False,
    anew: bool = False,
    log: Log = lambda text: None,
    progress: ProgressFactory | None = None,
) -> Inspected:
    """Looks at a pool and a target: what they are, and what is wrong with them.

    Images that cannot be read are left out. What is the same as a test image, by its
    bytes or its pixels (mirrored, cropped, re-encoded), is kept out of the training
    images and of the pool; nothing else is done with the test part. A target without
    one is divided, see `divide`.

    Args:
        pool: Images without labels, see `list_images`.
        target: Labelled images: folders ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``
            (or ``val``), or ``CLASS/IMAGE``; a table of ``image,label`` or
            ``image,labels``, perhaps with a column ``split``; a COCO JSON, or a folder
            with some; a Pascal VOC folder; or folders of images and of masks.
        test: The test part of the target, where it lies apart, in the same form.
        task: What the target is of, for targets that may be several; "auto": what it
            is recognised as.
        seed: Draws the test part of a target without one.
        void: Of masks, the index of what belongs to no class; None: 255, or the one
            beyond the names in ``classes.txt``.
        given: What `look_at` returned for these; None: it is asked.
        out: Folder that keeps what was found; killed, the same call goes on there, and
            a finished one is read from it. None: nothing is written.
        overwrite: Replace what an earlier inspection left.
        anew: Replace a finished inspection of other images; one of the same is read.
        log: Receives lines.
        progress: Makes what shows how far a pass over images is, such as
            `ProgressLine`.

    Returns:
        What was found.

    Raises:
        UserError: A pool or a target that cannot be used; says what to do.
    """
    checks.path_like("out", out, none=True)
    checks.flag("overwrite", overwrite)
    given = given or look_at(pool, target, test, task, seed, void)
    inputs, labelled = given.inputs, given.labelled
    examination = Examination(given.root, given.image_ids, labelled, seed, void, inputs)
    if out is None:
        if labelled.kind == "detection":
            raise OptionMissing(
                "the boxes of a detection are kept in files: name a folder for them "
                f"with {option('out')}"
            )
        return examination.run(Kept(None, progress), None, log)
    out = Path(out).expanduser()
    work = files.work_of(inputs)
    if _state(work, out, overwrite, anew, log) is State.COMPLETE:
        log(f"{out}: inspected before")
        return Inspected.open(out)
    with work.growing(out):
        kept = Kept(out / files.IMAGES, progress)
        found = examination.run(kept, out, log)
        files.write(out, found, out)
        work.describe(out, complete=True, names=files.FILES).write(out)
    return found


def _state(work: Work, out: Path, overwrite: bool, anew: bool, log: Log) -> State:
    """Looks at the place; unfinished work of other images is of no use to anyone."""
    record = Record.read(out) if out.is_dir() else None
    stale = (
        record is not None
        and record.kind == work.kind
        and (anew or not record.complete)
        and record.inputs != as_read(work.inputs)
    )
    if stale:
        log(f"{out}: of other images or labels, and begins anew")
    state = work.state(out, overwrite or stale)
    if state is State.REPLACE:
        work.clear(out)
    return state
