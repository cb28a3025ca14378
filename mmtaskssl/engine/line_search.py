"""The line between two weights of one network, searched for the best point on it."""

import copy
import dataclasses
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from ..evaluation.data import LabeledFeatures
from ..evaluation.methods import Probe, make_probes
from ..evaluation.metrics import classification_metrics
from ..evaluation.splits import stratified_folds
from ..evaluation.target import Target
from ..features.extractor import extractor_of
from ..features.opening import check_running, open_runner
from ..features.runner import spaced_images
from ..networks import Network, NetworkLike, open_network
from ..utils import checks
from ..utils.devices import AUTO
from ..utils.errors import option
from ..utils.families import BadValue, TargetTooSmall, WeightsMismatch
from ..weights import STATISTICS
from .hooks.start_norm import reestimate
from .line_found import LineSearch, paired

PathLike: TypeAlias = str | os.PathLike
Norms = Literal["auto", "interpolated", "reestimated"]
# So many images give batch norms their statistics.
_NORM_IMAGES = 512


def line_search(
    start: NetworkLike,
    end: NetworkLike,
    target: PathLike,
    *,
    points: int | Sequence[float] = 11,
    folds: int = 5,
    probe: str = "knn",
    norms: Norms = "auto",
    image_size: int | None = None,
    batch_size: int = 128,
    workers: int | None = None,
    device: str | torch.device = AUTO,
    seed: int = 0,
    trust: bool = False,
    log: Any = lambda text: None,
) -> LineSearch:
    """Finds the best weights on the line from a start to what was trained from it.

    WiSE-FT (Wortsman et al., *Robust fine-tuning of zero-shot models*, CVPR 2022, arXiv
    2109.01903): weights between the two are often better than either. Each point is
    scored by a classifier of its frozen features within ``target/train`` (the test part
    is not read), fold by fold. Of all points whose lead over the best is within one
    standard error of their paired differences, the one nearest to the start is taken:
    so the result is never worse than the start by more than noise, and may be it.

    Args:
        start: What the training began with, see `open_network`: ``(config, weights)``,
            or ``("timm:NAME", file)`` for a backbone of timm.
        end: What it ended with.
        target: Labelled folder; ``train/CLASS/IMAGE`` is read.
        points: So many, evenly spaced, both ends among them; or the shares of the end's
            weights, between 0 and 1.
        folds: Of the training images, of which some class has as many.
        probe: "knn" or "linear".
        norms: "interpolated": statistics of batch norms lie on the line, too;
            "reestimated": between the ends they are measured anew on the target's
            images, whose labels are not used; "auto": the first if both ends have equal
            statistics (of a training that froze them), else the second.
        image_size: Side of the centre crop, pixels; None: the end's.
        batch_size: Images at once.
        workers: See `open_runner`, as for ``device``.
        device: See above.
        seed: Of the folds.
        trust: See `open_network`.
        log: Takes a line on each point.

    Returns:
        The choice, with all scores.

    Raises:
        UserError: Two different networks, or options or images that cannot be used.
    """
    checks.path_like("target", target)
    shares = _points(points)
    checks.whole("folds", folds, 2)
    checks.one_of("probe", probe, ("knn", "linear"))
    checks.one_of("norms", norms, get_args(Norms))
    checks.seed(seed)
    checks.function("log", log)
    running: dict[str, Any] = {"image_size": image_size, "batch_size": batch_size}
    running |= {"workers": workers, "device": device}
    check_running({**running, "trust": trust})
    first, last = (open_network(n, trust=trust) for n in (start, end))
    scorer = make_probes([probe])[0]
    a, b = _state(first), _state(last)
    _check_same(a, b, first.name, last.name)
    if norms == "auto":
        equal = all(torch.equal(a[key], b[key]) for key in a if "running_" in key)
        norms = "interpolated" if equal else "reestimated"
    task = Target(os.fspath(target))
    root, image_ids = task.images("train")
    runner = open_runner(last, **running)
    parts: list[Tensor] = []
    scores = []
    for share in shares:
        network = _between(last, a, b, share)
        if norms == "reestimated" and 0 < share < 1:
            reestimate(
                network.backbone, spaced_images(runner, root, image_ids, _NORM_IMAGES)
            )
        runner.extractor = extractor_of(network).to(
            runner.device, memory_format=torch.channels_last
        )
        features = task.split(runner, "train", None, log)
        if not parts:
            parts = stratified_folds(features.y, folds, seed)
            if len(parts) < folds:
                raise TargetTooSmall(
                    f"{root} cannot be divided: no class has {folds} images, as many "
                    f"as {option('folds')}"
                )
        scores.append(tuple(_score(scorer, features, held) for held in parts))
        log(f"{share:.2f}: {statistics.fmean(scores[-1]):.2f} %")
    chosen = shares[choose(scores)]
    network = _between(last, a, b, chosen)
    if norms == "reestimated" and 0 < chosen < 1:
        reestimate(
            network.backbone, spaced_images(runner, root, image_ids, _NORM_IMAGES)
        )
    facts = {
        "start": {"network": first.name, "weights_sha256": first.weights_sha256},
        "end": {"network": last.name, "weights_sha256": last.weights_sha256},
        "target": os.fspath(target),
        "images": len(image_ids),
        "seed": seed,
    }
    ends = {key: facts[key] for key in ("start", "end")}
    changed = {"line": chosen, "norms": norms, **ends}
    network = dataclasses.replace(network, changed=changed)
    return LineSearch(network, shares, tuple(scores), chosen, scorer.name, norms, facts)


def choose(scores: Sequence[Sequence[float]]) -> int:
    """Returns the first point within one standard error of the best.

    Args:
        scores: Of each point, the start's first, one a fold.
    """
    best = max(scores, key=statistics.fmean)
    for place, own in enumerate(scores):
        lead, error = paired(best, own)
        if lead <= error:
            return place
    raise AssertionError("the best is within any error of itself")


def _points(points: int | Sequence[float]) -> tuple[float, ...]:
    if isinstance(points, np.ndarray):
        points = points.tolist()
    if not isinstance(points, Sequence) or isinstance(points, str):
        checks.whole("points", points, 2)
        return tuple(round(i / (points - 1), 6) for i in range(points))
    if not points:
        raise BadValue(f"{option('points')} names none: give shares, or how many")
    for point in points:
        checks.finite("points", point, 0, 1)
    return tuple(sorted({0.0, *map(float, points)}))


def _state(network: Network) -> dict[str, Tensor]:
    state = network.backbone.state_dict()
    return {k: v for k, v in state.items() if not k.startswith(STATISTICS)}


def _check_same(
    a: Mapping[str, Tensor], b: Mapping[str, Tensor], start: str, end: str
) -> None:
    odd = sorted(a.keys() ^ b.keys()) or [k for k in a if a[k].shape != b[k].shape]
    if odd:
        raise WeightsMismatch(
            f"{start} and {end} are two networks, with no line between them: they "
            f"differ in {odd[0]}"
        )


@torch.no_grad()
def _between(
    end: Network, a: Mapping[str, Tensor], b: Mapping[str, Tensor], share: float
) -> Network:
    """Returns the network at a point; the ends are exact."""
    backbone = copy.deepcopy(end.backbone)
    state = {
        key: torch.lerp(a[key], value, share)
        if value.is_floating_point() and 0 < share < 1
        else (value if share == 1 else a[key])
        for key, value in b.items()
    }
    backbone.load_state_dict(state, strict=False)
    return dataclasses.replace(end, backbone=backbone, state=state, prefix="")


def _score(probe: Probe, features: LabeledFeatures, held: Tensor) -> float:
    inner = torch.ones(len(features.x), dtype=torch.bool)
    inner[held] = False
    train, test = features.subset(inner.nonzero().squeeze(1)), features.subset(held)
    scores, _ = probe.method(train, test, 0)
    metrics = classification_metrics(scores, test.y)
    return float(next(iter(metrics.values())))
