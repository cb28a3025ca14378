"""A run against its controls, on labelled images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.config import Config

from ...config.selecting import pool_of
from ...datasets.image_sample import draw_images
from ...evaluation.evaluate import evaluate
from ...evaluation.methods import ProbeName
from ...evaluation.paired import PairedDifference, paired_difference
from ...networks import open_network
from ...networks.recalibrate import recalibrated
from ...registry import DATASETS
from ...report.page import html_page
from ...report.parts import table, text
from ...report.result import Result
from ...runs import Work
from ...utils.atomic import write_json
from ...utils.devices import AUTO
from ...utils.tables import aligned, spread
from .kinds import RUN

if TYPE_CHECKING:
    from .controls import Controls

COMPARISON, PAGE = "comparison.json", "report.html"
#: Of one probe on one target: by arm and seed, in per cent.
Scores = Mapping[str, Mapping[Hashable, float]]
Networks = Mapping[tuple[str, int], tuple[Config, Path]]


@dataclasses.dataclass(frozen=True, eq=False)
class ControlsCompared(Result):
    """What a run and its controls are worth, and the differences between them.

    Attributes:
        what: Of each arm, in words.
        scores: By (target, probe) and arm, the value of each seed, in per cent.
        differences: By (target, probe) and control: the run minus the control, paired
            by the seed. With several targets "all" is of the targets' means over seeds,
            paired by the target.
        level: Coverage of the intervals.
    """

    what: Mapping[str, str]
    scores: Mapping[tuple[str, str], Scores]
    differences: Mapping[tuple[str, str], Mapping[str, PairedDifference]]
    level: float

    def table(self) -> str:
        """Returns the arms, a line each, with a block for each target and probe."""
        return "\n\n".join(
            "\n".join([title, *aligned(rows, 1)]) for title, rows in self._blocks()
        )

    def _blocks(self) -> list[tuple[str, list[list[str]]]]:
        blocks = []
        level = f"{100 * self.level:g} %"
        for (target, probe), found in self.differences.items():
            scores = self.scores.get((target, probe), {})
            rows = [["arm", "top-1", "run - arm", level, "p"]]
            for arm in self.what:
                line = [arm, spread(scores.get(arm, {}).values())]
                if arm in found:
                    d = found[arm]
                    several = d.pairs > 1
                    interval = f"{d.low:+.1f} to {d.high:+.1f}" if several else "-"
                    line += [d.short(), interval, f"{d.p:.2g}" if several else "-"]
                else:
                    line += ["", "", ""]
                rows.append(line)
            blocks.append((f"{target}: {probe}", rows))
        return blocks

    def to_dict(self) -> dict[str, Any]:
        """Returns all values and differences, JSON-ready."""
        return {
            "arms": dict(self.what),
            "level": self.level,
            "results": [
                {
                    "target": target,
                    "probe": probe,
                    "scores": {
                        arm: {str(seed): value for seed, value in values.items()}
                        for arm, values in self.scores.get((target, probe), {}).items()
                    },
                    "run_minus": {arm: d.to_dict() for arm, d in found.items()},
                }
                for (target, probe), found in self.differences.items()
            ],
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes comparison.json and report.html.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        files = (COMPARISON, PAGE)
        work = Work("controls compared", 1, self.to_dict(), files, "a comparison")
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_json(temporary / COMPARISON, self.to_dict())
            self.report(temporary / PAGE)
        return Path(folder)

    def page(self) -> str:
        """Returns the tables, and what each arm is."""
        body = ["<h1>A run and its controls</h1>"]
        for title, (first, *rows) in self._blocks():
            body += [f"<h2>{text(title)}</h2>", table(first, rows, title)]
        arms = table(["arm", "what it is"], self.what.items(), "the arms", "words")
        body += ["<h2>The arms</h2>", arms]
        body.append(
            '<p class="soft">Top-1 in per cent, mean ± standard deviation over '
            "seeds; differences are paired by the seed, ± standard error, with "
            "Student's interval and the p value of a sign-flip test.</p>"
        )
        return html_page("Controls", body)


def compare(
    controls: Controls,
    networks: Networks,
    targets: Sequence[str],
    probes: Sequence[ProbeName],
    subnet: str | None,
    level: float,
    log: Callable[[str], None],
    running: dict[str, Any],
) -> ControlsCompared:
    """Measures networks, see `Controls.compare`.

    Args:
        controls: Whose networks they are.
        networks: Config and checkpoint, by arm and seed.
        targets: Folders.
        probes: Names.
        subnet: See `Controls.compare`.
        level: See `Controls.compare`.
        log: Receives a line for each network.
        running: See `open_runner`.
    """
    arms = {arm.name: arm for arm in controls.all_arms}
    scores: dict[tuple[str, str], dict[str, dict[Hashable, float]]] = {}
    for (name, seed), (cfg, checkpoint) in networks.items():
        arm = arms[name]
        network: Any = (cfg, checkpoint)
        if arm.recalibrated:
            network = _recalibrated(cfg, checkpoint, subnet, running)
        for target in targets:
            found = _means(network, target, probes, subnet, pool_of(cfg), running)
            for probe, value in found.items():
                by_arm = scores.setdefault((target, probe), {})
                # One network stands for all seeds, where they make no difference.
                same = [seed] if arm.seeded else controls.seeds
                by_arm.setdefault(name, {}).update(dict.fromkeys(same, value))
            text = ", ".join(f"{probe} {value:.1f}" for probe, value in found.items())
            log(f"{name} seed {seed} on {target}: {text}")
    others = [arm.name for arm in controls.arms]
    differences = {
        key: {
            name: paired_difference(by_arm[RUN], by_arm[name], level) for name in others
        }
        for key, by_arm in scores.items()
    }
    if len(targets) > 1:
        for probe in probes:
            means = {
                name: [_mean(scores[target, probe][name]) for target in targets]
                for name in arms
            }
            differences["all", probe] = {
                name: paired_difference(means[RUN], means[name], level)
                for name in others
            }
    what = {arm.name: arm.what for arm in arms.values()}
    return ControlsCompared(what, scores, differences, level)


def _means(
    network: Any,
    target: str,
    probes: Sequence[ProbeName],
    subnet: str | None,
    pool: Mapping[str, Any],
    running: Mapping[str, Any],
) -> dict[str, float]:
    """Returns each probe's value, in per cent."""
    if subnet is None or not isinstance(network, tuple):
        plain: Any = evaluate(network, target, probe=probes, **running)
        return dict(zip(probes, plain.means.values(), strict=True))
    images = DATASETS.build(pool)
    found = evaluate(
        *(network, target), probe=probes, subnets=[subnet], calibrate=images, **running
    )
    (row,) = found.to_dict()["rows"]
    return {
        probe: next(iter(result["metrics"].values()))["mean"]
        for probe, result in zip(probes, row["results"].values(), strict=True)
    }


def _recalibrated(
    cfg: Config, checkpoint: Path, subnet: str | None, running: Mapping[str, Any]
) -> Any:
    network = open_network((cfg, checkpoint), trust=running.get("trust", False))
    pixels = network.preprocessing
    size = running.get("image_size") or pixels.image_size or 224
    transform = dataclasses.replace(pixels, image_size=size)
    images: Any = DATASETS.build(pool_of(cfg))
    sample = draw_images(images, transform, seed=running.get("seed", 0))
    return recalibrated(network, sample, subnet, running.get("device", AUTO))


def _mean(values: Mapping[Hashable, float]) -> float:
    return sum(values.values()) / len(values)
