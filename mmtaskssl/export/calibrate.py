"""Batch-norm statistics of sub-nets, from images: the verb."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..clustering.clusters import Clusters
from ..datasets.image_sample import ImageSample
from ..datasets.images import ImagesLike
from ..models.backbones.elastic_backbone import SubnetLike
from ..networks import NetworkLike
from ..runs import Growing, Work
from ..utils.atomic import atomic_path
from ..utils.devices import AUTO
from ..utils.errors import UserError
from ..weights import read_part
from .calibrated import (
    Calibrated,
    check_same,
    is_same_file,
    read_calibrated,
    statistics_in,
)
from .calibration import Calibration, prepare
from .options import Options
from .paths import Keep


def calibrate(
    network: NetworkLike,
    subnets: SubnetLike | Sequence[SubnetLike] | Literal["all"] = "all",
    images: ImagesLike | ImageSample | None = None,
    *,
    clusters: str | Path | Clusters | None = None,
    num_images: int | None = None,
    batch_size: int = Options.batch_size,
    image_size: int | None = None,
    seed: int = Options.seed,
    root: str | Path | None = None,
    alone: bool = False,
    source: Literal["online", "ema"] = "online",
    trust: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    device: str | torch.device = AUTO,
) -> Calibrated:
    """Gives sub-nets of an elastic network batch-norm statistics of their own.

    With ``clusters``, each path of a routed network is calibrated on its own clusters:
    the last stage on the path's own, earlier stages on those of all paths with the same
    beginning, so that routing can compute common beginnings once.

    Args:
        network: A trained network with sub-nets, see `open_network`; or ``(config,
            checkpoint)``. It is not changed.
        subnets: Sub-nets, their names, or anchors such as "MIN"; one or several. "all"
            are those of a space that can be listed, and need statistics.
        images: A folder, a ``.txt``, ``.csv`` or ``.jsonl`` list, paths, or a feature
            store or a selection, whose images are read; or images that were drawn.
        clusters: Instead of images: clusters, or their folder.
        num_images: How many are drawn; None: 1024, or 256 of each cluster.
        batch_size: Most images a batch.
        image_size: Side of the crop, pixels; None: the network's.
        seed: Of the draw of images.
        root: Folder that listed paths, or ids of clusters, are relative to.
        alone: All stages of a path on its own cluster; routing is slower then.
        source: See `open_network`, as for ``trust`` and ``cfg_options``.
        trust: See above.
        cfg_options: See above.
        device: Where to compute; see `pick_device`.

    Returns:
        The network with statistics, in memory.

    Raises:
        UserError: No such network or sub-net, nothing to calibrate, no images, or both
            images and clusters.
    """
    options = Options(
        num_images,
        batch_size,
        image_size,
        seed,
        root,
        alone,
        source,
        trust,
        cfg_options,
        device,
    )
    return prepare(network, subnets, images, clusters, options).measure()


def calibrate_to_file(
    path: str | Path,
    network: NetworkLike,
    subnets: SubnetLike | Sequence[SubnetLike] | Literal["all"] = "all",
    images: ImagesLike | ImageSample | None = None,
    clusters: str | Path | Clusters | None = None,
    options: Options | None = None,
    *,
    overwrite: bool = False,
) -> tuple[Calibrated, bool]:
    """Calibrates into a checkpoint, and goes on where an earlier run was interrupted.

    What is measured is kept beside the file at once. Sub-nets that the file has from
    the same weights and images stay in it.

    Args:
        path: The checkpoint to write; see `Calibrated.save`.
        network: See `calibrate`, as for all but ``options`` and ``overwrite``.
        subnets: See above.
        images: See above.
        clusters: See above.
        options: How to calibrate; None: the defaults.
        overwrite: See `Calibrated.save`.

    Returns:
        The network with statistics, and whether any were measured.

    Raises:
        UserError: See `calibrate` and `Calibrated.save`; then the file is as before.
    """
    found = read_calibrated(path)  # before anything is computed
    work = prepare(network, subnets, images, clusters, options or Options())
    known: dict[str, Tensor] = {}
    origin = work.network.checkpoint
    itself = found is not None and is_same_file(origin, path)
    if found is not None and not overwrite and not itself:
        check_same(path, found, work.described, work.network.meta)
        known = statistics_in(path, work.network.prefix)
        if all(subnet.name in known for subnet in work.subnets):
            return work.result(known), False
    with _parts(path, work) as keep:
        result = work.measure(keep, known)
        result.save(path, overwrite)
    return result, True


@contextlib.contextmanager
def _parts(path: str | Path, work: Calibration) -> Iterator[Keep]:
    """Yields what keeps each part on the disk until the whole is there."""
    folder = Path(f"{path}.parts")
    inputs = {
        "sample": work.described,
        "source": work.network.meta,
        "device": str(work.device),
    }
    record = Work(
        *("calibration-parts", 1, inputs, (), "an unfinished calibration"),
        instead="move it away, or calibrate into another file",
    )
    try:
        record.state(folder)
    except UserError:  # of other weights or images; whatever else is there is refused
        record.clear(folder)
    with record.growing(folder) as growing:
        yield lambda name, measure: _kept(growing, name, measure)
    record.clear(folder)
    with contextlib.suppress(OSError):  # somebody's file came meanwhile
        folder.rmdir()


def _kept(growing: Growing, name: str, measure: Callable[[], Tensor]) -> Tensor:
    part = growing.path / f"{name}.pt"
    if part.is_file():
        return read_part(part)
    growing.claim(part.name)
    statistics = measure().cpu()
    with atomic_path(part) as temporary:
        torch.save(statistics, temporary)
    return statistics
