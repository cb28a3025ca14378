"""A multi-sub-net step against its parts."""

import statistics
from collections.abc import Iterator, Sequence

import torch
from mmselfsup.engine.optimizers import LARS

from mmtaskssl.engine.optimizers import SafeLARS, SafeSGD
from mmtaskssl.utils.tables import quartiles

from .bench import Bench, device_name
from .clock import in_turns

MEMORY_TARGET, TIME_TARGET = 1.15, 1.10


def time_step(bench: Bench, repeats: int) -> list[dict[str, float]]:
    """Returns the seconds of the step and of each part, for every round.

    The parts: preprocessing with teacher; each sub-net's forward and backward alone,
    without gradients of others; the optimizer's step. One round has all of them, so
    that ratios within a round do not depend on what else the machine does.

    Args:
        bench: Of an elastic algorithm.
        repeats: Rounds, after one that warms up.
    """
    rounds = []
    for number in range(repeats + 1):
        row = {"step": bench.seconds(lambda: bench.run(bench.subnets))}
        row["shared"] = bench.seconds(bench.share)
        for subnet in reversed(bench.subnets):
            bench.wrapper.zero_grad()
            row[subnet.name] = bench.seconds(lambda s=subnet: bench.run_subnet(s))
        row["optimizer"] = bench.seconds(bench.optimize)
        if number:
            rounds.append(row)
    return rounds


def time_optimizers(bench: Bench, repeats: int) -> dict[str, list[float]]:
    """Returns the seconds of one step of each optimizer on the step's gradients.

    SafeSGD and SafeLARS beside the stock ones, which move weights that were not
    trained; in turns.

    Args:
        bench: Of an elastic algorithm.
        repeats: Rounds, after one that warms up.
    """
    params = [p for p in bench.model.parameters() if p.requires_grad]
    options = {"lr": 1e-4, "momentum": 0.9, "weight_decay": 1e-4}
    kinds = {"SGD": torch.optim.SGD, "SafeSGD": SafeSGD, "LARS": LARS}
    kinds |= {"SafeLARS": SafeLARS}
    optimizers = {name: kind(params, **options) for name, kind in kinds.items()}
    bench.share()
    for subnet in bench.subnets:
        bench.run_subnet(subnet)
    steps = {name: optimizer.step for name, optimizer in optimizers.items()}
    seconds = in_turns(steps, repeats, bench.clock)
    bench.wrapper.zero_grad()
    return seconds


def report_parts(
    bench: Bench,
    peaks: tuple[float, float],
    rounds: Sequence[dict[str, float]],
    optimizers: dict[str, list[float]],
) -> Iterator[str]:
    """Yields the lines of the report.

    Args:
        bench: What was measured.
        peaks: MiB of the whole step, and of that of its first sub-net alone.
        rounds: See `time_step`.
        optimizers: See `time_optimizers`.
    """
    space = bench.model.backbone.space
    yield (
        f"{type(bench.model).__name__}, {bench.size} px, batch {len(bench.images)}, "
        f"{device_name(bench.device)}, torch {torch.__version__}, "
        f"median of {len(rounds)} rounds [quartiles]"
    )
    labels = {
        s.name: f"{space.name_of(s) or ''} {s.name}".strip() for s in bench.subnets
    }
    yield "\nmemory                                              MiB"
    yield f"{'step of ' + str(len(bench.subnets)) + ' sub-nets':44}{peaks[0]:11.0f}"
    yield f"{'step of ' + labels[bench.subnets[0].name]:44}{peaks[1]:11.0f}"
    yield f"{'ratio':44}{peaks[0] / peaks[1]:11.3f}   target {MEMORY_TARGET}"
    yield "\ntime                                                 ms"
    for part in rounds[0]:
        values = [1000 * row[part] for row in rounds]
        yield f"{labels.get(part, part):44}{quartiles(values, 1, 11)}"
    ratios = [row["step"] / (sum(row.values()) - row["step"]) for row in rounds]
    yield (
        f"{'ratio of the step to the sum of the rest':44}{quartiles(ratios, 3, 11)}"
        + (f"   target {TIME_TARGET}")
    )
    yield "\noptimizers                                           ms"
    step = statistics.median(row["step"] for row in rounds)
    for name, spent in optimizers.items():
        share = 100 * statistics.median(spent) / step
        values = quartiles([1000 * value for value in spent], 1, 11)
        yield f"{name:44}{values}   {share:.1f} % of the step"
