"""The tables of DSPNet's evidence, from the files of its stages."""

import statistics
from collections.abc import Iterator

from ..utils.tables import difference, head, row, spread
from .dspnet_study import ALONE, ARMS, MEASURES, UNTRAINED, Study

_NAN = float("nan")


class Tables:
    """Markdown of what has been measured; what has not is a dash.

    Args:
        study: Says what was measured.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    def tables(self) -> str:
        """Returns all tables."""
        study = self.study
        lines = [
            f"{study.iters} iterations, batch {study.cfg.train_dataloader.batch_size}, "
            f"{study.size} px, `{study.config.name}`; {len(study.targets)} targets "
            f"({', '.join(study.targets)}); mean ± sample standard deviation over "
            "seeds. The difference is taken seed by seed, ± its standard error.",
        ]
        for metric in [*MEASURES, "rank"]:
            lines += ["", f"### {metric}, mean over targets", ""]
            lines += self._against_alone(metric, None)
        lines += ["", "### Cost of training (CPU s)", "", *self._costs()]
        for target in study.targets:
            for metric in MEASURES:
                lines += ["", f"### {metric} on {target}", ""]
                lines += self._against_alone(metric, target)
        for metric in MEASURES:
            lines += ["", f"### Arms: {metric}, mean over targets", ""]
            lines += self._arms(metric)
        return "\n".join(lines) + "\n"

    def _against_alone(self, metric: str, target: str | None) -> Iterator[str]:
        """The first arm beside the networks trained alone."""
        study, columns = self.study, (UNTRAINED, ALONE, self.study.arms[0])
        yield from head(
            [
                *("width", "M MACs", "M params", "seeds"),
                *("untrained", "trained alone", "slimmed", "difference"),
            ]
        )
        for width, subnet in study.widths.items():
            untrained, alone, slimmed = (
                study.values(arm, width, metric, target) for arm in columns
            )
            both = sorted(alone.keys() & slimmed.keys())
            price = study.backbone.cost(subnet, study.size)
            yield row(
                [
                    *(width, f"{price.macs / 1e6:.1f}", f"{price.params / 1e6:.2f}"),
                    str(len(both)),
                    *(spread(v.values()) for v in (untrained, alone, slimmed)),
                    difference([slimmed[seed] - alone[seed] for seed in both]),
                ]
            )

    def _arms(self, metric: str) -> Iterator[str]:
        study = self.study
        yield from head(["arm", "seeds", "CPU s", *study.widths])
        for name in [*study.arms, ALONE, UNTRAINED]:
            values = [study.values(name, w, metric, None) for w in study.widths]
            if not all(values):
                continue
            title = ARMS[name].title if name in ARMS else name
            seconds = spread(study.seconds(name), 0)
            scores = [spread(found.values()) for found in values]
            yield row([title, str(len(values[0])), seconds, *scores])

    def _costs(self) -> Iterator[str]:
        study, main = self.study, self.study.arms[0]
        yield from head(["training", "CPU s", "share of the sum"])
        rows = {f"{w} alone": study.seconds(f"{ALONE}-{w}") for w in study.widths}
        together = rows["sum of the controls"] = study.seconds(ALONE)
        rows[f"slimmable, {ARMS[main].title}"] = study.seconds(main)
        total = statistics.mean(together or [_NAN])
        for name, seconds in rows.items():
            share = 100 * statistics.mean(seconds) / total if seconds else _NAN
            yield row([name, spread(seconds, 0), f"{share:.0f} %"])
