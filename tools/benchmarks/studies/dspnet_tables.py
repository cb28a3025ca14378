"""The tables of DSPNet's evidence, from the files of its trainings."""

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mmtaskssl.utils.tables import head, row, spread

if TYPE_CHECKING:
    from .dspnet import Dspnet

_NAN = float("nan")
UNTRAINED, ALONE = "untrained", "alone"


def tables(study: "Dspnet") -> str:
    """Returns all tables; what has not been measured is a dash.

    Args:
        study: Says what was measured.
    """
    lines = [
        f"{study.iters} iterations, batch {study.cfg.train_dataloader.batch_size}, "
        f"{study.size} px, `{study.config.name}`; {len(study.targets)} targets "
        f"({', '.join(study.targets)}); mean ± sample standard deviation over "
        "seeds. The difference is taken seed by seed, ± its standard error.",
    ]
    for metric in [*study.measures, "rank"]:
        lines += ["", f"### {metric}, mean over targets", ""]
        lines += _against_alone(study, metric, None)
    lines += ["", "### Cost of training (CPU s)", "", *_costs(study)]
    for target in study.targets:
        for metric in study.measures:
            lines += ["", f"### {metric} on {target}", ""]
            lines += _against_alone(study, metric, target)
    for metric in study.measures:
        lines += ["", f"### Arms: {metric}, mean over targets", ""]
        lines += _arms(study, metric)
    return "\n".join(lines) + "\n"


def _against_alone(study: "Dspnet", metric: str, target: str | None) -> Iterator[str]:
    """The first arm beside the networks trained alone."""
    first = study.arms[0]
    yield from head(
        [
            *("width", "M MACs", "M params", "seeds"),
            *("untrained", "trained alone", "slimmed", "difference"),
        ]
    )
    for width, subnet in study.widths.items():
        figures = study.figures(width, metric)
        price = study.backbone.cost(subnet, study.size)
        paired = figures.paired(first, ALONE, target)
        cells = [figures.cell(arm, target) for arm in (UNTRAINED, ALONE, first)]
        yield row(
            [
                *(width, f"{price.macs / 1e6:.1f}", f"{price.params / 1e6:.2f}"),
                str(paired.pairs if paired else 0),
                *(*cells, paired.short() if paired else "-"),
            ]
        )


def _arms(study: "Dspnet", metric: str) -> Iterator[str]:
    yield from head(["arm", "seeds", "CPU s", *study.widths])
    every = [study.figures(width, metric) for width in study.widths]
    for arm in [*study.arms, ALONE, UNTRAINED]:
        values = [figures.by_seed(arm) for figures in every]
        if not all(values):
            continue
        seconds = spread(study.seconds(arm), 0)
        scores = [spread(found.values()) for found in values]
        yield row([study.title_of(arm), str(len(values[0])), seconds, *scores])


def _costs(study: "Dspnet") -> Iterator[str]:
    first = study.arms[0]
    yield from head(["training", "CPU s", "share of the sum"])
    rows = {f"{w} alone": study.seconds(f"{ALONE}-{w}") for w in study.widths}
    together = rows["sum of the controls"] = study.seconds(ALONE)
    rows[f"slimmable, {study.title_of(first)}"] = study.seconds(first)
    total = statistics.mean(together or [_NAN])
    for name, seconds in rows.items():
        share = 100 * statistics.mean(seconds) / total if seconds else _NAN
        yield row([name, spread(seconds, 0), f"{share:.0f} %"])
