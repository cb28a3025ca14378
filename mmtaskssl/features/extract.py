"""From images to features: extracted once, read by everyone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..datasets.annotations.masks import Unit
from ..datasets.images import folder_labels, list_images
from ..datasets.left_out import check_classes
from ..datasets.mask_regions import LEAST_AREA, Around
from ..utils import checks
from ..utils.errors import option
from ..utils.families import OptionConflict
from ..utils.remote.addresses import bare, is_remote, learned, named
from .copies import CopyReader, copy_names
from .fill import Engine, extract_to_store
from .filling import Log
from .labels import LabelsLike, labels_of
from .layout import COPIES, ROWS_PER_SHARD
from .memory import MemoryStore
from .opening import NetworkLike, Running, check_running, open_runner
from .parts import RegionOptions, check_parts, parts_of_images
from .runner import BatchRunner, compute
from .store import FeatureStore

if TYPE_CHECKING:
    from typing_extensions import Unpack


def extract(
    network: NetworkLike | BatchRunner,
    images: str | os.PathLike | Sequence[str | os.PathLike],
    *,
    root: str | os.PathLike | None = None,
    column: str | None = None,
    labels: LabelsLike | None = None,
    boxes: str | os.PathLike | None = None,
    regions: str | os.PathLike | None = None,
    regions_of: Unit = "component",
    least_area: int = LEAST_AREA,
    void: int | None = None,
    around: Around = "kept",
    leak_copies: bool = False,
    out: str | os.PathLike | None = None,
    append: bool = False,
    overwrite: bool = False,
    rows_per_shard: int = ROWS_PER_SHARD,
    log: Log = lambda text: None,
    engine: Engine = "processes",
    **running: Unpack[Running],
) -> FeatureStore:
    """Extracts the features of images: one L2-normalised row of float16 each.

    Args:
        network: ``(config, checkpoint)``, the folder of an export,
            ``"torchvision:NAME"`` or ``"timm:NAME"`` (or such a name with its weights
            file), an extractor, or a runner; see `open_extractor`.
        images: A folder, a ``.txt``, ``.csv`` or ``.jsonl`` list, or paths.
        root: Folder that listed paths are relative to.
        column: The column of paths in a table.
        labels: Class name of each image, None where unknown; a table of the columns
            image and label; or "folder": the first folder below ``images`` names it.
        boxes: Extracts the objects in the images, not these: a COCO JSON, or a folder
            of PASCAL VOC's XML. Each is cut out with 15 % of its sides around it; its
            class is its label.
        regions: Extracts the regions that masks draw in the images, likewise: label
            maps, a folder of the images' names; or a COCO JSON with polygons or run
            lengths. See `read_mask_regions`, as for the four that follow.
        regions_of: What is one: "component" (what touches of a class; of COCO an
            object), or "class" (all of a class in an image).
        least_area: Smaller regions are left out, pixels.
        void: An index of label maps that is of no class, beside 255.
        around: What is around a region in its crop becomes "grey", the network's mean
            pixel, or is "kept".
        leak_copies: Also extracts mirrored, cropped, re-encoded, resized and grey
            copies, by which a selection that keeps these images out learns how
            similar copies are; see `FeatureStore.open_copies`.
        out: Folder of the store, or its address, such as ``s3://bucket/store``. An
            extraction that was interrupted continues there, and several processes share
            it. None: the features stay in memory.
        append: Adds the images that the store at ``out`` lacks.
        overwrite: Replaces the store at ``out``, whatever it is of.
        rows_per_shard: Rows of each file; work lost when a run is killed.
        log: Takes lines on what is to be done, and how far it is.
        engine: "processes": this one, and whichever else were started with the same
            ``out``; "ray": actors of a Ray cluster whose machines all reach ``out`` and
            the images. The store has the same bytes.
        **running: See `open_runner`; none if ``network`` is a runner.

    Returns:
        The store: on disk, or a `MemoryStore`. Images that cannot be read are in its
        quarantine.

    Raises:
        UserError: No such network or images, a folder of other work, or options that
            contradict.
    """
    for name, value in (
        ("leak_copies", leak_copies),
        ("append", append),
        ("overwrite", overwrite),
    ):
        checks.flag(name, value)
    checks.function("log", log)
    if append and (out is None or overwrite):
        raise OptionConflict("append to the store of an earlier extraction, as it is")
    check_running(running)
    checks.path_like("out", out, none=True)
    parts: RegionOptions = {
        "regions_of": regions_of,
        "least_area": least_area,
        "void": void,
        "around": around,
    }
    whole = {"labels": labels is not None, "leak_copies": leak_copies}
    check_parts(boxes, regions, parts, whole)
    checks.path_like("root", root, none=True)
    checks.whole("rows_per_shard", rows_per_shard)
    checks.one_of("engine", engine, get_args(Engine))
    if out is not None and is_remote(out):
        (out,) = learned([os.fspath(out)])
        if engine != "processes":
            raise OptionConflict(
                "a store under an address is filled by the processes that are started, "
                f"on as many machines as there are: leave out {option('engine')}"
            )
    if out is None:
        ray = engine if engine != "processes" else None
        checks.unused(f"with {option('out')}", overwrite=overwrite, engine=ray)
    if isinstance(network, BatchRunner):
        if running:
            raise OptionConflict(f"the runner has its own {', '.join(sorted(running))}")
        runner = network
    else:
        runner = open_runner(network, **running)
    base, image_ids = list_images(images, root, column)
    names: Sequence[str | None] | None = None
    if labels is not None:
        names = labels_of(labels, image_ids)
    if boxes is not None or regions is not None:
        found = parts_of_images(runner, base, image_ids, boxes, regions, parts)
        image_ids, names = [*found.labels], [*found.labels.values()]
        runner = found.runner
    source = "paths"
    if isinstance(images, str | os.PathLike):
        source = bare(os.fspath(images))
    if names is not None and isinstance(labels, str) and labels == "folder":
        check_classes(source, {*folder_labels(image_ids)})
    if out is not None:
        store = extract_to_store(
            *(runner, base, image_ids, out),
            labels=names,
            source=source,
            rows_per_shard=rows_per_shard,
            append=append,
            overwrite=overwrite,
            log=log,
            engine=engine,
        )
    else:
        store = _in_memory(runner, base, image_ids, names, source)
    if leak_copies:
        _add_copies(runner, store, log, engine)
    return store


def _in_memory(
    runner: BatchRunner,
    root: Path,
    image_ids: Sequence[str],
    labels: Sequence[str | None] | None,
    source: str,
) -> MemoryStore:
    runner.probe_dim()  # says what is wrong with the network, if anything is
    features, broken = compute(runner, root, image_ids)
    return MemoryStore(
        *(features, image_ids),
        labels=labels,
        root=named(root, resolve=True),
        extractor=runner.extractor.description,
        transform=runner.transform.describe(),
        broken=broken,
        name=source,
    )


def _add_copies(
    runner: BatchRunner, store: FeatureStore, log: Log, engine: Engine
) -> None:
    """Extracts the copies of a store's images; a store on disk keeps them."""
    bad = set(store.bad_rows.tolist())
    good = [image for row, image in enumerate(store.image_ids) if row not in bad]
    root, names = Path(store.root), copy_names(good)
    source = f"copies of {store.path.name}"
    runner = runner.reading(CopyReader(root))
    if isinstance(store, MemoryStore):
        store.copies = _in_memory(runner, root, names, None, source)
        return
    extract_to_store(
        *(runner, root, names, store.path / COPIES),
        source=source,
        append=True,  # as the store may have grown
        log=lambda text: log(f"copies: {text}"),
        engine=engine,
    )
