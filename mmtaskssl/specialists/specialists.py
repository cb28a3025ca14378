"""Specialists that branch off from one network, and what they are measured by."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from mmengine.config import Config

from ..clustering.clusters import Clusters
from ..config.shown import ShownConfig
from ..engine.controls.arms import fingerprint
from ..engine.controls.training import ArmRuns
from ..networks import Network, open_network
from ..report.result import Result
from ..routing.names import ProbeName, Tie
from ..runs import Work
from ..utils import checks, inputs
from ..utils.atomic import write_json
from ..utils.families import NoResultYet, UnknownName
from ..utils.tables import aligned
from .arm import GENERIC, START, Branch, name_of
from .home import Home
from .route import route_networks
from .routed import SpecialistRouting

FILE, ROUTINGS = "specialists.json", "routing"
Log = Callable[[str], None]
#: Who wins where nothing tells networks apart.
Favour = Literal["home", "generic"]


@dataclasses.dataclass(frozen=True, eq=False)
class Specialists(Result):
    """A network, and those that branch off from it.

    Attributes:
        name: Of the config of their trainings.
        start: What all begin with.
        generic: Continues on all images.
        arms: The specialists.
        homes: Where the targets lie that they were planned for.
        clusters: Of the pool.
        seed: Of the trainings.
        out: Where the trained networks lie; None: they are not trained yet.
    """

    name: str
    start: Branch = dataclasses.field(repr=False)
    generic: Branch = dataclasses.field(repr=False)
    arms: Sequence[Branch] = dataclasses.field(repr=False)
    homes: Sequence[Home] = dataclasses.field(repr=False)
    clusters: Clusters = dataclasses.field(repr=False)
    seed: int
    out: Path | None = None

    @property
    def all_arms(self) -> list[Branch]:
        """The generic network, the start, then the specialists."""
        return [self.generic, self.start, *self.arms]

    @property
    def configs(self) -> dict[str, Config]:
        """The complete config of each, by its name."""
        return {arm.name: arm.config for arm in self.all_arms}

    def run(
        self,
        out: str | Path,
        log: Log = lambda text: None,
        trust: bool = False,
        overwrite: bool = False,
    ) -> "Specialists":
        """Trains what is not trained yet, each as `pretrain` trains it.

        Args:
            out: Gets a work dir ``NAME/seedN`` for each. A kill costs the steps since
                the last checkpoint; other specialists and seeds may follow.
            log: Receives a line for each training.
            trust: See `pretrain`.
            overwrite: Remove earlier specialists there first.

        Returns:
            The same, which knows where its networks lie.

        Raises:
            UserError: ``out`` holds something else, or specialists of another config,
                start or pool; or a training failed.
        """
        checks.path_like("out", out)
        checks.flag("trust", trust)
        checks.flag("overwrite", overwrite)
        checks.function("log", log)
        out, work = Path(out).expanduser(), self._work()
        if overwrite:
            work.clear(out)
        work.state(out)
        with work.growing(out) as folder:
            for arm in self.all_arms:
                folder.claim(f"{arm.name}/")
            write_json(out / FILE, _with_earlier(out / FILE, self.to_dict()))
            for arm in self.all_arms:
                ArmRuns(out).train(arm, self._seed_of(arm), log, trust)
        return dataclasses.replace(self, out=out)

    def network(self, name: str) -> Network:
        """Returns a trained network.

        Args:
            name: "start", "generic", or a specialist's.

        Raises:
            UserError: There is none of this name, or it is not trained yet.
        """
        arms = {arm.name: arm for arm in self.all_arms}
        if name not in arms:
            raise UnknownName(
                f"no network is called {name!r}; one of: {', '.join(arms)}"
            )
        if self.out is None:
            raise NoResultYet("train the specialists before they are used: run(out)")
        arm = arms[name]
        return open_network(ArmRuns(self.out).network(arm, self._seed_of(arm)))

    def route(
        self,
        target: str | Path,
        *,
        probe: ProbeName = "linear",
        on_tie: Tie = "one-se",
        favour: Favour = "home",
        mixtures: bool = True,
        seed: int = 0,
        thumbnails: bool = True,
        log: Log = lambda text: None,
        **running: Any,
    ) -> SpecialistRouting:
        """Finds the network that suits a task, by its training images alone.

        The candidates are the generic network, the start, all specialists and, with
        ``mixtures``, one network half way between the generic one and each specialist,
        and one that mixes the specialists by the target's share of their clusters,
        where that is known. A target of the plan is known by its images' folder, or by
        its name.

        Args:
            target: Folder with ``train/CLASS/IMAGE``; no other part is read.
            probe: See `route`.
            on_tie: See `route`, where "max" stands for the favourite.
            favour: Who wins ties: the specialist of the target's own clusters, which
                are found without labels, where it has one ("home"); or the generic
                network.
            mixtures: See above.
            seed: Of inner split and resamples.
            thumbnails: See `route`.
            log: Takes a line on each network.
            **running: See `open_runner`.

        Returns:
            Ranking and answer, whose network can be exported.

        Raises:
            UserError: They are not trained yet, or the task cannot be read.
        """
        networks = {arm.name: self.network(arm.name) for arm in self.all_arms}
        checks.one_of("favour", favour, get_args(Favour))
        checks.flag("thumbnails", thumbnails)
        home = self._home_of(target, log)
        if home is None and self.homes and favour == "home":
            log(
                f"{target} is none of the targets that specialists were planned for: "
                f"the {GENERIC} network wins ties"
            )
        own = "" if home is None else name_of(home.leaves)
        favourite = own if favour == "home" and own in networks else GENERIC
        leaves = {arm.name: arm.leaves for arm in self.arms}
        found = route_networks(
            networks,
            leaves,
            target,
            self.clusters,
            favourite=favourite,
            votes=None if home is None else home.votes,
            probe=probe,
            on_tie=on_tie,
            mixtures=mixtures,
            seed=seed,
            log=log,
            running=running,
        )
        return dataclasses.replace(found, thumbnails=thumbnails)

    def _home_of(self, target: str | Path, log: Log) -> Home | None:
        """Returns where a task lies, if it was planned for."""
        folder = Path(target).expanduser().resolve()
        for home in self.homes:
            if home.root and Path(home.root).resolve() in (folder, folder / "train"):
                return home
        named = next((h for h in self.homes if h.target == folder.name), None)
        if named is not None and named.root:
            log(
                f"warning: {target} is taken for the target {named.target} by its "
                f"name, whose features are of {named.root}: if it is another one, "
                "rename it"
            )
        return named

    def keep(self, routed: SpecialistRouting, name: str) -> Path:
        """Writes a routing beside the trainings; an earlier one of the name gives way.

        Args:
            routed: Of these specialists.
            name: Of the task.

        Returns:
            Its folder.

        Raises:
            UserError: They are not trained yet, or the disk is full.
        """
        if self.out is None:
            raise NoResultYet("train specialists before a routing is kept: run(out)")
        return routed.save(self.out / ROUTINGS / name, overwrite=True)

    def table(self) -> str:
        """Returns a line for each training, and where the targets lie."""
        rows = [["network", "what", "iterations", "images", "seen"]]
        for arm in self.all_arms:
            numbers = (arm.iterations, arm.images, arm.images_seen)
            rows.append([arm.name, arm.what, *(f"{n:,}" for n in numbers)])
        lines = aligned(rows, 2)
        total = self.clusters.num_leaves
        for home in self.homes:
            held, count = 100 * home.held, len(home.leaves)
            lines.append(
                f"{home.target}: {held:.0f} % lie in {count} of {total} clusters, as "
                f"if spread over {home.spread:.1f}"
                + (": no specialist, the generic network" if home.is_diffuse else "")
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns what each training is, and where the targets lie."""
        return {
            "config": self.name,
            "networks": [arm.to_dict() for arm in self.all_arms],
            "homes": [home.to_dict() for home in self.homes],
            "clusters": self._clusters(),
            "seed": self.seed,
            "out": None if self.out is None else str(self.out),
        }

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes specialists.json and a config for each, to train them elsewhere.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        files = (FILE, *(f"{arm.name}.py" for arm in self.all_arms))
        inputs = {arm.name: arm.to_dict() for arm in self.all_arms}
        what = "configs of specialists"
        work = Work("specialist configs", 1, inputs, files, what)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_json(temporary / FILE, self.to_dict())
            for arm in self.all_arms:
                ShownConfig.of(arm.config).dump(temporary / f"{arm.name}.py")
        return Path(folder)

    def _clusters(self) -> Mapping[str, Any]:
        known = self.clusters.to_dict()
        return {key: known[key] for key in ("tree", "images", "leaf_sha256")}

    def _seed_of(self, arm: Branch) -> int:
        return self.seed if arm.seeded else 0

    def _work(self) -> Work:
        inputs = {"training": fingerprint(self.generic), "clusters": self._clusters()}
        words = {"training": "another config, start or images"}
        files = (FILE, f"{START}/", f"{GENERIC}/")
        nested = (f"{ROUTINGS}/*",)
        return Work(
            *("specialists", 1, inputs, files, "specialists"),
            nested=nested,
            words=words,
        )


def _with_earlier(file: Path, found: dict[str, Any]) -> dict[str, Any]:
    """Adds the networks and targets of earlier calls, which stay where they are."""
    before = inputs.read_json(file) if file.exists() else {}
    for key, name in (("networks", "name"), ("homes", "target")):
        own = {one[name] for one in found[key]}
        rest = [one for one in before.get(key, ()) if one[name] not in own]
        found[key] = [*found[key], *rest]
    return found
