"""The tables of SEPT's evidence, from the files of its stages."""

from ..quickstart import MEASURES
from ..utils.tables import head, row, spread
from .sept_study import Study


class Tables:
    """Markdown of the seeds that are complete.

    Args:
        study: Says what was measured.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    def tables(self, seeds: int) -> str:
        """Returns all tables, over the first ``seeds`` seeds."""
        study = self.study
        lines = [
            f"{seeds} seed(s), K = {study.budget}, {study.iters} iterations for every "
            f"arm, `{study.config.name}`; mean ± sample standard deviation.",
            "",
            *self._sources(seeds),
        ]
        for method in MEASURES:
            lines += ["", f"{method} top-1 (%)", ""]
            lines += head(["target", *study.arms.values()])
            for target in study.targets:
                values = (
                    [study.top1(seed, arm, target, method) for seed in range(seeds)]
                    for arm in study.arms
                )
                lines.append(row([target, *map(spread, values)]))
        return "\n".join(lines) + "\n"

    def _sources(self, seeds: int) -> list[str]:
        """How much of the pool and of the selections is of the target's source."""
        pool = [*self.study.sources.values()]
        lines = head(
            ["target", "own source: of the pool", "of SEPT's K", "of random K"]
        )
        for target in self.study.targets:
            cells = [f"{100 * pool.count(target) / len(pool):.1f}"]
            for name in (target, "random"):
                shares = [self.study.share(s, name, target) for s in range(seeds)]
                cells.append(spread(shares))
            lines.append(row([target, *(f"{cell} %" for cell in cells)]))
        return lines
