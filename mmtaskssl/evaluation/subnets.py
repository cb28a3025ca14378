"""All sub-nets of one elastic checkpoint, evaluated on one target."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmengine.logging import print_log

from ..datasets.image_sample import ImageSample, draw_images
from ..datasets.images import ImagesLike
from ..features.extractor import FeatureExtractor, extractor_of
from ..features.opening import OPENING, NetworkLike, Running, open_runner
from ..models.backbones import ElasticBackbone
from ..models.elastic import calibrate as take_statistics
from ..networks import Network, held_network, open_network
from ..networks.choice import choose_subnets
from ..runs import ResultFile, as_read
from ..subnets import Subnet
from ..utils.devices import AUTO, pick_device
from ..utils.errors import option
from ..utils.families import OptionConflict, Uncalibrated
from .evaluation import settings_of
from .methods import Probe
from .protocol import run_probe
from .spectrum import effective_rank, embedding_std
from .subnet_evaluation import SubnetEvaluation
from .subnet_table import anchor_names
from .target import Log, Target, describe_network

if TYPE_CHECKING:
    from typing_extensions import Unpack


def evaluate_subnets(
    network: NetworkLike,
    task: Target | None,
    probes: Sequence[Probe],
    subnets: Sequence[str] | Literal["all"],
    shots: int | None = None,
    seeds: int = 1,
    *,
    calibrate: ImagesLike | None = None,
    cache: str | os.PathLike | None = None,
    file: ResultFile | None = None,
    log: Log = lambda text: None,
    **running: Unpack[Running],
) -> SubnetEvaluation:
    """Evaluates each sub-net's plain network on a target.

    Every sub-net has features and classifiers of its own. Where batch norm is shared
    by the sub-nets, each needs statistics of its own: those of a calibrated
    checkpoint, or those taken from ``calibrate``, which are the same for equal images.

    Args:
        network: An elastic one, see `open_network`.
        task: The target.
        probes: What to measure with.
        subnets: Names or anchors, or "all", see `choose_subnets`.
        shots: See `run_probe`.
        seeds: See `run_probe`.
        calibrate: Images, see `list_images`.
        cache: Folder that keeps the features.
        file: Is written after every sub-net; rows that stand there already, of the same
            weights, images and settings, are not computed again.
        log: Receives a line for each sub-net.
        **running: See `open_runner`.

    Returns:
        A row for each sub-net, with its costs, `run_probe`'s result per probe, and the
        effective rank and embedding deviation of the test features.

    Raises:
        UserError: Options that contradict, no elastic network, or a sub-net that has
            no batch-norm statistics.
    """
    if task is None or isinstance(network, FeatureExtractor):
        raise OptionConflict(
            "sub-nets are evaluated with a network and a target: features have none"
        )
    drawn = held_network(network) is None  # else the seed is of the images alone
    opened = open_network(
        network,
        source=running.get("source", "online"),
        seed=running.get("seed", 0) if drawn else 0,
        trust=running.get("trust", False),
        subnets=True,
    )
    backbone = opened.elastic
    chosen = choose_subnets(backbone, subnets, subnets == "all")
    pixels = opened.preprocessing
    size = running.get("image_size") or pixels.image_size or 224
    transform = replace(pixels, image_size=size)
    sample = None
    if calibrate is not None and any(map(backbone.needs_calibration, chosen)):
        sample = draw_images(calibrate, transform, seed=running.get("seed", 0))
    elif opened.trained:
        _require_statistics(backbone, chosen)
    facts = {
        "methods": [probe.name for probe in probes],
        **settings_of(probes),
        "extractor": describe_network(network),
        "network": opened.meta,
        "data": task.describe(),
        "transform": transform.describe(),
        "calibration": sample and sample.describe(),
        "shots": shots,
        "seeds": seeds,
    }
    done = _rows_of(file, facts, log)
    names = [subnet.name for subnet in chosen]
    how: Any = {k: v for k, v in running.items() if k not in OPENING}
    measure = _Measure(opened, task, probes, shots, seeds, sample, cache, how)
    for number, subnet in enumerate(chosen, 1):
        if subnet.name not in done:
            done[subnet.name] = measure(subnet)
        log(f"{number}/{len(chosen)}: {subnet}")
        if file is not None:  # with the rows of other sub-nets that stood there
            order = dict.fromkeys([*names, *done])
            kept = [done[name] for name in order if name in done]
            file.write({**facts, "rows": kept})
    rows = [done[name] for name in names]
    return SubnetEvaluation(facts, rows, transform.image_size)


def _require_statistics(backbone: ElasticBackbone, subnets: list[Subnet]) -> None:
    missing = [s for s in subnets if not backbone.is_calibrated(s)]
    if missing:
        raise Uncalibrated(
            f"{len(missing)} of {len(subnets)} sub-nets, such as {missing[0]}, have no "
            "batch-norm statistics of their own; give images to "
            f"{option('calibrate')} with, or keep them in a checkpoint: `python "
            f"mmtaskssl calibrate CONFIG CKPT --subnet {missing[0]} --images "
            "SRC`"
        )


def _rows_of(
    file: ResultFile | None, facts: Mapping[str, Any], log: Log
) -> dict[str, Any]:
    """Returns the rows of an earlier run of the same settings, by sub-net."""
    found = None if file is None else file.read()
    if file is None or found is None:
        return {}
    try:
        rows = {row["subnet"]: row for row in found.pop("rows")}
    except (KeyError, TypeError):
        found, rows = {}, {}
    if "kNN" in found.get("methods", ()):  # version 0.1 left out its defaults
        found = {"k": 20, "temperature": 0.07} | found
    if found != as_read(facts):
        log(f"{file.path} holds other results and is written anew")
        return {}
    return rows


@dataclass(frozen=True)
class _Measure:
    """Makes the row of a sub-net."""

    network: Network
    task: Target
    probes: Sequence[Probe]
    shots: int | None
    seeds: int
    sample: ImageSample | None
    cache: str | os.PathLike | None
    running: Running

    def __call__(self, subnet: Subnet) -> dict[str, Any]:
        backbone: Any = self.network.elastic  # a module, too
        device = pick_device(self.running.get("device", AUTO))
        if self.sample is not None and backbone.needs_calibration(subnet):
            take_statistics(backbone.to(device), subnet, self.sample)
        extractor = extractor_of(self.network, subnet)
        cache = None if self.cache is None else Path(self.cache, subnet.name)
        runner = open_runner(extractor, **self.running)
        train, test = self.task.features(
            runner, cache, lambda text: print_log(text, "current")
        )
        train, test = train.to(device), test.to(device)
        price = backbone.cost(subnet, runner.transform.image_size)
        return {
            "subnet": subnet.name,
            "name": anchor_names(backbone.space, subnet),
            "macs": price.macs,
            "params": price.params,
            "weights_sha256": extractor.description["weights_sha256"],
            "results": {
                probe.name: run_probe(probe.method, train, test, self.shots, self.seeds)
                for probe in self.probes
            },
            "dim": test.x.shape[1],
            "effective_rank": effective_rank(test.x),
            "embedding_std": embedding_std(test.x),
        }
