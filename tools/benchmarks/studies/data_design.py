"""Which sub-nets, images and files DATA's evidence is about."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.networks import open_architecture, preprocessing_of
from mmtaskssl.search.strategies import draw
from mmtaskssl.subnets import Subnet

from .figures import Figures
from .pool_study import PoolStudy
from .study import read_json

HANDMADE = "R18"
METRICS = ("global", "dense")
MEASURES = ("knn", "linear")
CHECKPOINTS = 5
# Sub-nets of the curve, of each band, and drawn over the whole space.
CURVE, BAND, SPREAD = 5, 10, 6
# Half the width of a band, as a share of its middle.
NARROW = 0.05
# Sub-nets of the handmade one's band that are searched.
SEARCHED = 200


class DataDesign(PoolStudy):
    """Sub-nets and files of one working directory, a supernet a seed."""

    @cached_property
    def backbone(self) -> ElasticBackbone:
        """A network without weights, for its space and costs."""
        return open_architecture(self.cfg).elastic

    def macs(self, subnet: Subnet) -> int:
        """Returns the MACs of a sub-net at the targets' size."""
        size = preprocessing_of(self.cfg, None).image_size
        return self.backbone.cost(subnet, size).macs

    def curve_subnets(self) -> list[Subnet]:
        """Returns MAX, MIN and random ones."""
        space = self.backbone.space
        return [space.max, space.min, *space.sample_distinct(CURVE, 0)]

    @cached_property
    def bands(self) -> dict[str, Callable[[Subnet], bool]]:
        """Three narrow bands of MACs; the last is the handmade sub-net's."""
        space = self.backbone.space
        handmade = self.macs(space.resolve(HANDMADE))
        some = sorted(self.macs(space.sample(seed)) for seed in range(500))
        middles = [some[100], some[250], handmade]

        def around(middle: float) -> Callable[[Subnet], bool]:
            return lambda s: abs(self.macs(s) - middle) <= NARROW * middle

        return {f"{middle / 1e6:.1f} M": around(middle) for middle in middles}

    @cached_property
    def candidates(self) -> dict[Subnet, str]:
        """The measured sub-nets, and the band of each, or ``-``."""
        space = self.backbone.space
        found = {space.resolve(HANDMADE): [*self.bands][-1]}
        for name, inside in self.bands.items():
            found |= dict.fromkeys(draw(space, inside, BAND, 0), name)
        others = [space.max, space.min, *space.sample_distinct(SPREAD, 1)]
        return found | {s: "-" for s in others if s not in found}

    def file(self, seed: int, stage: str, target: str) -> Path:
        """Returns where a stage keeps its rows, one a sub-net."""
        return self.seed_folder(seed, stage, f"{target}.json")

    @property
    def speed_file(self) -> Path:
        """Where the times of both loops are kept."""
        return self.out / "speed.json"

    def rows(self, seed: int, stage: str, target: str) -> dict[str, dict[str, Any]]:
        """Returns the rows that a stage has written so far, by sub-net."""
        rows = read_json(self.file(seed, stage, target)) or []
        return {row["subnet"]: row for row in rows}

    def curve_stage(self, iters: int, arm: str = "ours") -> str:
        """Returns the name of the stage that measures a checkpoint."""
        return f"curve-{arm}-{iters}"

    @cached_property
    def stages(self) -> dict[str, list[Subnet]]:
        """All stages that keep rows, and the sub-nets that each is to have.

        Those of ``searched`` depend on what was found: see `searched`.
        """
        curve = dict.fromkeys(
            map(self.curve_stage, self.points()), self.curve_subnets()
        )
        truth = [*self.candidates]
        return {
            **curve,
            "truth": truth,
            "score": [*dict.fromkeys([*truth, *self.searched_pool])],
            "searched": [],
            self.curve_stage(self.iters, "theirs"): self.curve_subnets(),
        }

    def searched(self, seed: int, target: str, metric: str) -> str | None:
        """Returns the most similar sub-net of the search, None if it has not ended."""
        rows = self.rows(seed, "score", target)
        drawn = [subnet.name for subnet in self.searched_pool]
        if any(name not in rows for name in drawn):
            return None
        return max(drawn, key=lambda name: rows[name][metric]["score"])

    def missing(self, seed: int, stage: str, target: str) -> int:
        """Returns how many rows a stage still lacks; at least 1 if it has not begun."""
        names = [subnet.name for subnet in self.stages[stage]]
        if stage == "searched":
            names = [self.searched(seed, target, metric) for metric in METRICS]
        rows = self.rows(seed, stage, target)
        return sum(name not in rows for name in dict.fromkeys(names))

    def seeds_with(self, *stages: str) -> list[int]:
        """Returns the supernets of which stages have all rows on every target."""
        return [
            seed
            for seed in range(self.seeds)
            if not any(
                self.missing(seed, stage, target)
                for stage in stages
                for target in self.targets
            )
        ]

    def unfinished(self) -> Iterator[str]:
        """Yields for each supernet what is not there yet, if anything."""
        for seed in range(self.seeds):
            parts = []
            for stage in self.stages:
                lacking = {t: self.missing(seed, stage, t) for t in self.targets}
                begun = [t for t in lacking if self.file(seed, stage, t).exists()]
                if not any(lacking.values()):
                    continue
                on = (f"{t} ({n} to go)" for t, n in lacking.items() if n)
                parts.append(f"{stage} on {', '.join(on)}" if begun else stage)
            if len(parts) == len(self.stages) and not self.seed_folder(seed).exists():
                parts = ["everything"]
            if parts:
                yield f"seed {seed}: {'; '.join(parts)}"

    def column(self, seed: int, stage: str, target: str, key: str) -> dict[str, Any]:
        """Returns one value of each row, by sub-net."""
        rows = self.rows(seed, stage, target)
        return {name: row[key] for name, row in rows.items() if key in row}

    def figures(self, key: str, names: Sequence[str]) -> Figures:
        """Returns a value by stage, the mean over sub-nets."""

        def read(stage: str, seed: int, target: str) -> float | None:
            found = self.column(seed, stage, target, key)
            if any(name not in found for name in names):
                return None
            return statistics.fmean(found[name] for name in names)

        return Figures(read, self.seeds, self.targets)

    def points(self) -> list[int]:
        """Returns the iterations of the curve, from 0."""
        return [place * self.iters // CHECKPOINTS for place in range(CHECKPOINTS + 1)]

    @cached_property
    def searched_pool(self) -> list[Subnet]:
        """The sub-nets that a search picks from."""
        return draw(self.backbone.space, [*self.bands.values()][-1], SEARCHED, 2)
