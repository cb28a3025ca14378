"""The tables of the evidence of paths that begin in a trained network."""

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .figures import Figures
from .sdr_continued_measure import SOFT
from .sdr_design import MEASURES, SdrDesign, whole
from .study import read_json

BASE, LONGER, SAME = "base", "longer", "same"
#: The target that supplies most of what paths gain: what is left without it?
_UNLIKE = "signdigits"


def _chosen(run: Mapping[str, Any], target: str, rule: str) -> Mapping[str, Any]:
    return run["targets"][target][run["chosen"][target][rule]]


def _random(run: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    rows = run["targets"][target]
    paths = [row["knn"] for name, row in rows.items() if name not in (run["max"], SOFT)]
    linear = [rows[name]["linear"] for name in run["drawn"]]
    return {"knn": statistics.fmean(paths), "linear": statistics.fmean(linear)}


def _soft(run: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    return run["targets"][target][SOFT]


_Find = Callable[[Mapping[str, Any], str], Mapping[str, Any]]
#: What is shown: its title, the training that it is of, and what of it.
_SHOWN: dict[str, tuple[str, str, _Find]] = {
    "before": ("MAX before", BASE, whole),
    "same": ("MAX, as many iterations", SAME, whole),
    "longer": ("MAX, as many MACs", LONGER, whole),
    "max": ("MAX of the paths' training", "routed", whole),
    "path": ("a random path", "routed", _random),
    "routed": ("routed", "routed", partial(_chosen, rule="best")),
    "careful": (
        "routed, MAX within a standard error",
        "routed",
        partial(_chosen, rule="one-se"),
    ),
    "soft": ("paths mixed by the target's clusters", "routed", _soft),
    "max of random": ("MAX, random clusters", "random", whole),
    "random": ("routed, random clusters", "random", partial(_chosen, rule="best")),
}


def tables(study: SdrDesign) -> str:
    """Returns Markdown of what has been measured.

    Args:
        study: Says what was measured.
    """
    titles = {name: title for name, (title, _, _) in _SHOWN.items()}
    lines = [
        f"Up to {study.seeds} seed(s), {study.iters} iterations ({study.longer} of MAX "
        "alone); mean ± sample standard deviation over seeds.",
    ]
    for measure in MEASURES:
        figures = _figures(study, measure, study.targets)
        lines += ["", f"{measure} top-1 (%)", "", *figures.by_target(titles, mean=True)]
        rest = [name for name in study.targets if name != _UNLIKE]
        for names, words in ((study.targets, ""), (rest, f" (without {_UNLIKE})")):
            found = _figures(study, measure, names)
            for arm in ("routed", "careful", "soft"):
                others = {name: t for name, t in titles.items() if name != arm}
                if gains := found.against(arm, others):
                    title = f"{measure}, {titles[arm]} minus the other{words}:"
                    lines += ["", title, *gains]
            if gains := found.against("max", {"same": titles["same"]}):
                lines += ["", f"{measure}, {titles['max']} minus{words}:", *gains]
    return "\n".join(lines) + "\n"


def _figures(study: SdrDesign, measure: str, targets: list[str]) -> Figures:
    def read(name: str, seed: int, target: str) -> float | None:
        _, training, find = _SHOWN[name]
        run = read_json(study.result(seed, training))
        return None if run is None else find(run, target)[measure]

    return Figures(read, study.seeds, targets)
