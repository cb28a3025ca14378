"""The tables of the evidence of specialists."""

from collections.abc import Iterator
from typing import Any

from mmtaskssl.specialists.arm import GENERIC, START
from mmtaskssl.utils.tables import head, row

from .figures import Figures
from .public import PublicStudy
from .study import read_json

SIDE = 40
METHODS = ("knn", "linear")
#: The target that supplies most of what clusters gain: what is left without it?
UNLIKE = "signdigits"
#: Titles of what is measured.
ARMS = {
    START: "start, as it is",
    GENERIC: "generic, all images",
    "twice": "generic, twice as long",
    "long": "generic, as long as all trainings together",
    "specialist": "specialist",
    "random": "on as many random images",
    "half": "half way to it",
    "soft": "all of them, mixed by its clusters",
    "routed": "routed",
    "sept": "SEPT K",
}


class SpecialistTables(PublicStudy):
    """What is shown of generic networks and of specialists.

    Attributes:
        clusters: Of the pool.
    """

    clusters: int

    def home(self, seed: int, target: str) -> dict[str, Any]:
        """Returns what `_home` kept."""
        return read_json(self.seed_folder(seed, "results", f"home-{target}.json")) or {}

    def is_diffuse(self, seed: int, target: str) -> bool:
        """Whether a target lies in no clusters of its own, as far as is known."""
        return bool(self.home(seed, target).get("is_diffuse"))

    def figures(self, method: str, without: str = "") -> Figures:
        """Returns the accuracies by a method, in per cent.

        A target that lies in no clusters of its own is served by the generic network.

        Args:
            method: Of the classifier: knn or linear.
            without: A target that is left out.
        """

        def read(arm: str, seed: int, target: str) -> float | None:
            found = read_json(self.result(seed, SIDE, arm, target))
            of_clusters = arm in ("specialist", "half")
            if found is None and of_clusters and self.is_diffuse(seed, target):
                found = read_json(self.result(seed, SIDE, GENERIC, target))
            return found and found["test"][method]

        targets = [one for one in self.targets if one != without]
        return Figures(read, self.seeds, targets)

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"{self.clusters} clusters by public features, up to {self.seeds} seed(s), "
            f"{self.iters} steps; mean ± sample standard deviation.",
            "",
            *self._homes(),
        ]
        for method in METHODS:
            table = self.figures(method).by_target(ARMS, mean=True)
            lines += ["", f"{method} top-1 (%)", "", *table]
            for arm in ("specialist", "routed"):
                others = {k: v for k, v in ARMS.items() if k != arm}
                for without in ("", UNLIKE):
                    if gains := self.figures(method, without).against(arm, others):
                        less = f" (without {without})" if without else ""
                        title = f"{ARMS[arm]}, minus the other{less}:"
                        lines += ["", title, *gains]
        return "\n".join([*lines, "", *self._choices()]) + "\n"

    def _homes(self) -> Iterator[str]:
        titles = ["target", "seed", "clusters", "spread", "images", "own source"]
        yield from head([*titles, "of SEPT's K"])
        for target in self.targets:
            for seed in range(self.seeds):
                if found := self.home(seed, target):
                    selected = self.own_share(target)
                    yield row(
                        [
                            target,
                            str(seed),
                            str(len(found["leaves"])),
                            f"{found['spread']:.1f}",
                            f"{found['images']:,}",
                            f"{found['own']:.0f} %",
                            "-" if selected is None else f"{selected:.0f} %",
                        ]
                    )

    def _choices(self) -> Iterator[str]:
        yield "what the training images chose:"
        yield ""
        yield from head(["target", *(f"seed {seed}" for seed in range(self.seeds))])
        for target in self.targets:
            cells = []
            for seed in range(self.seeds):
                file = self.seed_folder(seed, "results", f"routed-{target}.json")
                cells.append((read_json(file) or {}).get("answer", "-"))
            yield row([target, *cells])
