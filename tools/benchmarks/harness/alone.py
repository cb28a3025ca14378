"""One slimmable training against the trainings of its networks one by one."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadSpace
from mmtaskssl.utils.tables import quartiles

from .bench import Bench, Setting, device_name

#: Forwards that a backward pass costs: one for the inputs, one for the weights.
_BACKWARD = 2


@dataclass
class Comparison:
    """What one slimmable step costs beside the steps of its networks alone.

    Attributes:
        slimmable: The training of all widths.
        alone: The trainings of each, the widest first.
        draws: What the sampler runs in each round.
        rounds: Seconds per round: of the slimmable step under "step", of the others
            under their sub-nets' names.
        peaks: MiB, under the same keys.
    """

    slimmable: Bench
    alone: dict[Subnet, Bench]
    draws: list[list[Subnet]]
    rounds: list[dict[str, float]]
    peaks: dict[str, float]


def ideal_macs(
    macs: dict[Subnet, int], draws: Sequence[Sequence[Subnet]], teacher: bool
) -> tuple[float, float]:
    """Returns the MACs of a step, per image and view: slimmable, and the sum alone.

    Each network runs forward and backward, which is three forwards; an averaged
    teacher runs forward: alone each network has its own, in the slimmable training
    there is one, of full width. Backbones only.

    Args:
        macs: Of one forward, for every network.
        draws: The networks that the slimmable steps run; the mean over them counts.
        teacher: Whether the algorithm has an averaged teacher.
    """
    learning, full = 1 + _BACKWARD, max(macs.values()) if teacher else 0
    steps = [full + learning * sum(macs[s] for s in draw) for draw in draws]
    alone = sum((learning + teacher) * value for value in macs.values())
    return statistics.fmean(steps), alone


def compare_alone(setting: Setting, peaks: dict[str, float], repeats: int):
    """Times the slimmable step, as its sampler draws it, and the steps of each alone.

    The draws are spread evenly over the training, so that phases of a sampler count as
    long as they last. A round has one step of each, so that ratios within a round do
    not depend on what else the machine does.

    Args:
        setting: Of a slimmable config.
        peaks: See `Comparison`.
        repeats: Rounds, after one that warms up.

    Returns:
        A `Comparison`.
    """
    slimmable = Bench(setting)
    alone = {s: Bench(replace(setting, alone=s.name)) for s in every_width(slimmable)}
    end, sampler = slimmable.max_iters, slimmable.sampler
    draws = [sampler(int((i + 0.5) / repeats * end), end) for i in range(repeats)]
    rounds = []
    for draw in [draws[0], *draws]:
        row = {"step": slimmable.seconds(lambda d=draw: slimmable.run(d))}
        for subnet, bench in alone.items():
            row[subnet.name] = bench.seconds(bench.run)
        rounds.append(row)
    return Comparison(slimmable, alone, draws, rounds[1:], peaks)


def every_width(bench: Bench) -> list[Subnet]:
    """Returns the networks that a slimmable training makes, the widest first.

    Raises:
        UserError: There are too many to train each alone.
    """
    backbone = bench.model.backbone
    space = backbone.space
    if len(space) > 16:
        raise BadSpace(
            f"--alone compares with each network trained alone, and {len(space)} are "
            "too many; name a config of a listed space"
        )
    return sorted(space, key=lambda s: backbone.cost(s).macs, reverse=True)


def report_alone(found: Comparison) -> Iterator[str]:
    """Yields the lines of the report.

    Args:
        found: What was measured.
    """
    bench, rounds, peaks = found.slimmable, found.rounds, found.peaks
    batch, backbone = len(bench.images), bench.model.backbone
    yield (
        f"{type(bench.model).__name__} against each width trained alone, {bench.size} "
        f"px, batch {batch}, {device_name(bench.device)}, median of {len(rounds)} "
        "rounds [quartiles]"
    )
    yield f"\n{'step of':40}{'ms':>11}{'':18}{'images/s':>11}{'peak MiB':>11}"
    for key in rounds[0]:
        values = [1000 * row[key] for row in rounds]
        name = "one slimmable training" if key == "step" else f"{key} alone"
        rate = 1000 * batch / statistics.median(values)
        yield f"{name:40}{quartiles(values, 1, 11)}{rate:11.1f}{peaks[key]:11.0f}"
    total = [sum(row.values()) - row["step"] for row in rounds]
    others = [peak for key, peak in peaks.items() if key != "step"]
    yield (
        f"{'sum of those alone':40}{quartiles([1000 * t for t in total], 1, 11)}"
        f"{batch / statistics.median(total):11.1f}{max(others):11.0f} (largest)"
    )
    macs = {s: backbone.cost(s, bench.size).macs for s in found.alone}
    teacher = any(isinstance(m, MomentumEncoder) for m in bench.model.modules())
    step, sum_alone = ideal_macs(macs, found.draws, teacher)
    ratio = statistics.fmean(row["step"] for row in rounds) / statistics.fmean(total)
    nets = statistics.fmean(map(len, found.draws))
    yield f"\nnetworks a slimmable step, mean of {len(found.draws)} draws: {nets:.2f}"
    ratios = {
        "time of one slimmable training / sum of those alone": ratio,
        "the same, by MACs of the backbones": step / sum_alone,
        "peak memory / that of the largest alone": peaks["step"] / max(others),
    }
    for name, value in ratios.items():
        yield f"{name:54}{value:.3f}"
