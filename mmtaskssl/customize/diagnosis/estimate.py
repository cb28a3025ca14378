"""What the stages after a diagnosis will take, measured on a few images."""

import os
import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from ...features.opening import NetworkLike, open_runner
from ...features.runner import compute
from ...utils import checks
from ..inspection.inspected import Inspected
from .plan import Plan, Stage
from .step_cost import IMAGES, measure_step, peak_bytes

#: A network, and the side of the images that it sees.
Seen = tuple[NetworkLike, int]
_HALF = 2  # bytes of a float16


def estimate(
    inspected: Inspected,
    arms: Mapping[str, tuple[str | os.PathLike | Config, int]],
    *,
    pool_by: Seen | None = None,
    judged_by: Seen | None = None,
    judging: float = 0.0,
    seeds: int = 1,
    seed: int = 0,
    out: str | os.PathLike = ".",
    device: str = "auto",
    workers: int | None = None,
    log: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Measures on 64 images what the stages after a diagnosis will take.

    Args:
        inspected: Pool and target.
        arms: By name, the config of a training and its iterations; a few steps of each
            are trained, in a process of their own.
        pool_by: Extracts the pool to select from; None: its features are there.
        judged_by: What serves, or what is like it: extracts the target's images for
            each arm; None: nobody is judged.
        judging: Seconds that the classifiers of one judging take, as a diagnosis says
            (``seconds["judging"]`` over the number of start and sides).
        seeds: Trainings of each arm.
        seed: Of the images that are drawn.
        out: Where all will be written.
        device: Of features, see `pick_device`.
        workers: See `open_runner`.
        log: Takes lines on the work.

    Raises:
        UserError: A config that cannot be trained, or a network that cannot be opened.
    """
    checks.whole("seeds", seeds)
    checks.finite("judging", judging, least=0)
    for _, iters in arms.values():
        checks.whole("iters", iters)
    ids = sorted(inspected.pool_ids)
    random.Random(seed).shuffle(ids)
    root, stages = Path(inspected.pool_root), []
    if pool_by is not None:
        log(f"features of {IMAGES} images measured")
        each, dim = _extraction(pool_by, root, ids[:IMAGES], device, workers)
        count = len(ids)
        stages.append(
            Stage(
                "features of the pool",
                count * each,
                peak_bytes(),
                count * dim * _HALF,
                f"{min(IMAGES, count)} images",
            )
        )
    for name, (config, iters) in arms.items():
        log(f"some steps of {name} measured")
        cost = measure_step(config, [root / image for image in ids])
        stages.append(
            Stage(
                f"training {name}" if seeds == 1 else f"training {name} x {seeds}",
                seeds * cost.of(iters),
                cost.bytes,
                seeds * cost.checkpoint,
                f"steps of {cost.batch} images",
            )
        )
    if judged_by is not None:
        train, test = inspected.train, inspected.test
        each, _ = _extraction(
            judged_by, Path(train.root), train.image_ids[:IMAGES], device, workers
        )
        took = judging + each * (len(train) + len(test))
        stages.append(
            Stage(
                "judging",
                max(1, len(arms)) * seeds * took,
                peak_bytes(),
                0,
                f"{min(IMAGES, len(train))} images",
            )
        )
    return Plan(stages, shutil.disk_usage(_existing(Path(out))).free)


def _extraction(
    seen: Seen, root: Path, ids: Sequence[str], device: str, workers: int | None
) -> tuple[float, int]:
    """Returns the seconds an image, and the features' dimension."""
    network, side = seen
    runner = open_runner(network, image_size=side, device=device, workers=workers)
    dim = runner.probe_dim()  # warms up, too
    begin = time.perf_counter()
    compute(runner, root, ids)
    return (time.perf_counter() - begin) / max(1, len(ids)), dim


def _existing(path: Path) -> Path:
    path = path.expanduser().resolve()
    while not path.exists():
        path = path.parent
    return path
