"""Which sub-nets, trainings and files the evidence of a search that ranks is about."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmtaskssl.search.strategies import draw
from mmtaskssl.subnets import Subnet, arch_to_dict
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.spaced import spaced

from .data_design import HANDMADE, DataDesign
from .pool_study import Place
from .public import PublicStudy
from .study import read_json

CONFIG = "configs/distill/distill-supernet_resnet-basic_1xb128-coslr-2k_folder-40px.py"
MEASURES = ("knn", "linear")
#: What scores are computed on: a target's training images, or those of the pool that
#: SEPT selects for it.
IMAGES = ("own", "sept")
#: Parts of a training that make it fairer, as changes of the config's model.
ARMS: Mapping[str, Mapping[str, Any]] = {
    "inplace": {"distill_weight": 0.5},
    "decay": {"complexity_decay": 1.0},
    "strata": {"subnet_sampler": {"type": "Stratified"}},
    "shrink": {"subnet_sampler": {"type": "Dynamic"}},
    "weights": {"subnet_loss_weights": {"MAX": 1.0, "MIN": 0.5, "others": 0.5}},
}
#: Of the scores of averaged weights.
AVERAGED = "score-averaged"
#: Sub-nets that are trained alone, too.
ALONE = 12
#: Beside those of the bands: R18, MAX, MIN and some of the whole space.
_SPREAD = 7
# Of R18's band, what a user's search would choose from.
_SEARCHED = 60


class SearchDesign(PublicStudy, DataDesign):
    """Sub-nets and files of one working directory.

    Args:
        place: See `PublicStudy`.
        weights: Of EfficientNet-Lite0, the teacher.
        iters: Length of each training.
        nets: Sub-nets whose accuracies and scores are compared.
        budget: K, images of SEPT's selection.
        config: Of a supernet that a teacher teaches.
    """

    def __init__(
        self,
        place: Place,
        weights: str | Path,
        iters: int = 2400,
        nets: int = 40,
        budget: int = 1000,
        config: str = CONFIG,
    ) -> None:
        super().__init__(place, config, weights, budget, iters)
        self.nets = nets

    @cached_property
    def candidates(self) -> dict[Subnet, str]:
        """The measured sub-nets, and the band of each, or ``-``."""
        space = self.backbone.space
        found = {space.resolve(HANDMADE): [*self.bands][-1]}
        each = max(1, (self.nets - 3 - _SPREAD) // len(self.bands))
        for name, inside in self.bands.items():
            found |= dict.fromkeys(draw(space, inside, each, 0), name)
        ends = [space.max, space.min]
        found |= {s: "-" for s in ends if s not in found}
        for subnet in space.sample_distinct(2 * self.nets, 1):
            if len(found) < self.nets:
                found.setdefault(subnet, "-")
        return found

    @cached_property
    def names(self) -> list[str]:
        """Names of the measured sub-nets."""
        return [subnet.name for subnet in self.candidates]

    @cached_property
    def searched_pool(self) -> list[Subnet]:
        """The sub-nets of the handmade one's band that a user would choose from."""
        band = [*self.bands.values()][-1]
        count = min(_SEARCHED, 2 * self.nets)
        return draw(self.backbone.space, band, count, 2)

    @cached_property
    def alone_nets(self) -> list[Subnet]:
        """Those that are trained alone, too: named ones, and others by their MACs."""
        space = self.backbone.space
        named = [space.max, space.min, space.resolve(HANDMADE)]
        rest = sorted((s for s in self.candidates if s not in named), key=self.macs)
        return [*named, *spaced(rest, ALONE - len(named))]

    def sizes(self, names: Sequence[str]) -> list[tuple[int, int, int]]:
        """Returns MACs, total depth and last width of sub-nets."""
        found = map(Subnet.parse, names)
        return [(self.macs(s), sum(s.depths), s.widths[-1]) for s in found]

    @property
    def teacher(self) -> Path:
        """The store of the teacher's features of the pool."""
        return self.out / "features" / "pool"

    def training(
        self,
        name: str,
        model: Mapping[str, Any],
        hooks: Mapping[str, Any] = MappingProxyType({}),
    ) -> Path:
        """Writes the config of a training, and returns its file.

        Args:
            name: Of the file.
            model: Changes of the config's.
            hooks: More of them, by name.
        """
        hooks = {"checkpoint": {"interval": 400}, **hooks}
        file = self.out / "configs" / f"{name}.py"
        # The stored features are of whole images, so no larger ones are kept for them.
        text = (
            f"_base_ = {str(self.config.resolve())!r}\n\n"
            f"model = {dict(model)!r}\n"
            "train_dataloader = {'dataset': {'store_size': 48}}\n"
            f"default_hooks = {hooks!r}\n"
        )
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, text)
        return file

    def alone_model(self, subnet: Subnet) -> dict[str, Any]:
        """Returns the changes by which one sub-net is all that there is."""
        space = {
            "_delete_": True,
            "kind": "list",
            "arch": arch_to_dict(self.backbone.space.arch),
            "subnets": [subnet.name],
        }
        return {
            "backbone": {"space": space},
            "subnet_sampler": {"type": "AllSubnets"},
        }

    def file(self, seed: int, stage: str, target: str) -> Path:
        """Returns where a stage keeps its rows, one a sub-net."""
        return self.seed_folder(seed, "results", f"{stage}-{target}.json")

    def rows(self, seed: int, stage: str, target: str) -> dict[str, dict[str, Any]]:
        """Returns the rows that a stage has written so far, by sub-net."""
        rows = read_json(self.file(seed, stage, target)) or []
        return {row["subnet"]: row for row in rows}

    def lacking(
        self, seed: int, stage: str, target: str, names: Sequence[str]
    ) -> list[str]:
        """Returns the sub-nets of which a stage has no row yet."""
        rows = self.rows(seed, stage, target)
        return [name for name in dict.fromkeys(names) if name not in rows]

    def complete(self, stage: str, target: str, names: Sequence[str]) -> list[int]:
        """Returns the seeds of which a stage has all these rows."""
        seeds = range(self.seeds)
        return [s for s in seeds if not self.lacking(s, stage, target, names)]

    def unfinished(self) -> Iterator[str]:
        """Yields for each stage of each seed what is not there yet, if anything."""
        everyone = self.names
        some = [subnet.name for subnet in self.alone_nets]
        stages = {"truth": everyone, **{f"score-{i}": everyone for i in IMAGES}}
        for seed in range(self.seeds):
            if seed == 0:
                stages_of = {**stages, "zero": everyone, "alone": some}
                stages_of |= {f"arm-{arm}": some for arm in ARMS}
                stages_of[AVERAGED] = everyone
            else:
                stages_of = stages
            for stage, names in stages_of.items():
                left = {
                    t: len(self.lacking(seed, stage, t, names)) for t in self.targets
                }
                if any(left.values()):
                    on = ", ".join(f"{t} ({n} to go)" for t, n in left.items() if n)
                    yield f"seed {seed}: {stage} on {on}"
