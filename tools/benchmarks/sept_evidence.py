"""Does selecting the data help? SEPT against its controls on real images.

    sept_evidence.py --data DIR --out DIR [--regime cpu|gpu] [--table-only]

DIR holds pool/images, pool/sources.csv and classification/NAME/{train,test}/CLASS. For
every seed, MoCo v2 pre-trains on the whole pool; that network is the extractor, by
which each target selects K pool images. Then the same recipe runs, for as many
iterations, on each selection and on K random images. All networks and one untrained
are measured on the targets by weighted kNN and logistic regression. The sources of
the pool's images are read only to measure where a selection comes from, and, with
--oracle, for one more arm: K images of the target's own source, which shows what a
selection without a mistake would bring.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

import argparse
import csv
import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtaskssl.quickstart import MEASURES, Stages
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps


@dataclass(frozen=True)
class Regime:
    """A size at which pre-training beats the untrained network."""

    config: str
    iters: int
    env: dict[str, str]


REGIMES = {
    "cpu": Regime(
        "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py",
        1000,
        {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    ),
    "gpu": Regime(
        "configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py",
        20000,
        {},
    ),
}
ARMS = {
    "scratch": "untrained",
    "random": "random K",
    "sept": "SEPT K",
    "whole": "whole pool",
}
ORACLE = {"oracle": "K of own source"}


class Evidence:
    """The steps of one run of this script, and the tables of their results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.regime = REGIMES[args.regime]
        self.iters = args.iters or self.regime.iters
        self.config = resolve_config(self.regime.config)
        self.data, self.out = Path(args.data), Path(args.out)
        self.targets, self.budget, self.seeds = args.targets, args.budget, args.seeds
        self.arms = ARMS | ORACLE if args.oracle else ARMS
        self.pool = self.data / "pool" / "images"
        if not self.pool.is_dir():
            raise UserError(
                f"{self.pool} does not exist: --data names the wrong folder"
            )
        for target in self.targets:
            if not self._target(target).is_dir():
                raise UserError(f"{self._target(target)} does not exist")
        steps = Steps(
            self.out / "logs", lambda text: print(text, flush=True), self.regime.env
        )
        self.stages = Stages(steps, self.config, self.pool, self.budget, self.iters)

    def _target(self, name: str) -> Path:
        return self.data / "classification" / name

    def run(self) -> None:
        """Runs every step that is not done yet, one seed after the other."""
        for seed in range(self.seeds):
            whole = self._pretrain(seed, "whole", None)
            pool = self._extract(seed, whole, "pool", self.pool, labelled=False)
            for target in self.targets:
                train = self._target(target) / "train"
                store = self._extract(seed, whole, target, train, labelled=True)
                chosen = self._select(seed, target, pool, store, "round_robin")
                self._evaluate(seed, "scratch", "random", target)
                self._evaluate(seed, "whole", whole, target)
                sept = self._pretrain(seed, f"sept-{target}", chosen)
                self._evaluate(seed, "sept", sept, target)
            # The control does not depend on the target that names its store.
            drawn = self._select(seed, self.targets[0], pool, store, "random")
            control = self._pretrain(seed, "random", drawn)
            for target in self.targets:
                self._evaluate(seed, "random", control, target)
            if "oracle" in self.arms:
                self._run_oracle(seed)
            write_text(self.out / "tables.md", self.tables(seed + 1))

    def _run_oracle(self, seed: int) -> None:
        for target in self.targets:
            own = [i for i, source in self._sources().items() if source == target]
            chosen = random.Random(seed).sample(own, min(self.budget, len(own)))
            name = f"oracle-{target}"
            file = self.out / f"seed{seed}" / "selection" / name / "selection.txt"
            write_text(file, "\n".join(chosen) + "\n")
            self._evaluate(seed, "oracle", self._pretrain(seed, name, file), target)

    def _pretrain(self, seed: int, arm: str, selection: Path | None) -> Path:
        folder = self.out / f"seed{seed}" / f"pretrain-{arm}"
        name = f"seed {seed} pretrain {arm}"
        return self.stages.pretrain(name, folder, seed, selection)

    def _extract(
        self, seed: int, checkpoint: Path, name: str, images: Path, labelled: bool
    ) -> Path:
        store = self.out / f"seed{seed}" / "features" / name
        step = f"seed {seed} features of {name}"
        return self.stages.extract(step, store, checkpoint, images, labelled)

    def _select(
        self, seed: int, target: str, pool: Path, store: Path, policy: str
    ) -> Path:
        name = "random" if policy == "random" else target
        folder = self.out / f"seed{seed}" / "selection" / name
        step = f"seed {seed} select {name}"
        return self.stages.select(step, folder, pool, store, policy, seed)

    def _evaluate(
        self, seed: int, arm: str, checkpoint: Path | str, target: str
    ) -> None:
        for method in MEASURES:
            self.stages.measure(
                f"seed {seed} {method} of {arm} on {target}",
                self._result(seed, arm, target, method),
                method,
                checkpoint,
                self._target(target),
                seed,
            )

    def _result(self, seed: int, arm: str, target: str, method: str) -> Path:
        return self.out / f"seed{seed}" / "results" / f"{target}-{arm}-{method}.json"

    def tables(self, seeds: int) -> str:
        """Returns both tables as markdown, over the first ``seeds`` seeds."""
        lines = [
            f"{seeds} seed(s), K = {self.budget}, {self.iters} iterations for every "
            f"arm, `{self.config.name}`; mean ± sample standard deviation.",
            "",
            "| target | own source: of the pool | of SEPT's K | of random K |",
            "| --- | --- | --- | --- |",
        ]
        sources = self._sources()
        for target in self.targets:
            base = sum(source == target for source in sources.values()) / len(sources)
            shares = {
                name: [
                    self._share(seed, name, target, sources) for seed in range(seeds)
                ]
                for name in (target, "random")
            }
            lines.append(
                f"| {target} | {100 * base:.1f} % | {_spread(shares[target])} % | "
                f"{_spread(shares['random'])} % |"
            )
        header = " | ".join(self.arms.values())
        for method in MEASURES:
            lines += ["", f"{method} top-1 (%)", "", f"| target | {header} |"]
            lines.append("| --- " * (len(self.arms) + 1) + "|")
            for target in self.targets:
                cells = [
                    _spread([self._top1(s, arm, target, method) for s in range(seeds)])
                    for arm in self.arms
                ]
                lines.append(f"| {target} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _sources(self) -> dict[str, str]:
        with open(self.data / "pool" / "sources.csv", newline="") as file:
            return {row["image"]: row["source"] for row in csv.DictReader(file)}

    def _share(
        self, seed: int, name: str, target: str, sources: dict[str, str]
    ) -> float:
        folder = self.out / f"seed{seed}" / "selection" / name
        chosen = (folder / "selection.txt").read_text().split()
        return 100 * sum(sources[image] == target for image in chosen) / len(chosen)

    def _top1(self, seed: int, arm: str, target: str, method: str) -> float:
        result = json.loads(self._result(seed, arm, target, method).read_text())
        return result["metrics"]["top1"]["mean"]


def _spread(values: Sequence[float]) -> str:
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {statistics.stdev(values):.1f}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--regime", choices=REGIMES, default="cpu")
    parser.add_argument(
        "--targets", nargs="+", default=["signdigits", "clothing", "imagenette"]
    )
    parser.add_argument("--budget", type=int, default=1000, help="K, images")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iters", type=int, help="instead of the regime's own")
    parser.add_argument("--oracle", action="store_true", help="the arm of own sources")
    parser.add_argument("--table-only", action="store_true", help="run nothing")
    args = parser.parse_args(argv)
    evidence = Evidence(args)
    if not args.table_only:
        evidence.run()
    print(evidence.tables(args.seeds))


if __name__ == "__main__":
    run_tool(main)
