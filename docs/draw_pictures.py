"""Draws the pictures of the concept pages from what was measured.

    python docs/draw_pictures.py            (into docs/pictures)

Figures are read from `tools/benchmarks/results/*.json`, and from the tables of
`docs/evidence` where no file has them; none is written here.
"""

import json
import re
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from svg_charts import Mark, Panel, Series, dots, lines  # noqa: E402

ROOT = HERE.parent
RESULTS = ROOT / "tools" / "benchmarks" / "results"
TARGETS = ("signdigits", "clothing", "imagenette", "dtd10", "cifar10")
_OVER_SEEDS = "mean of three seeds, bars: their standard deviation"


def read_results(name: str) -> dict:
    """Returns one of the files that studies leave."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def read_table(page: str, heading: str, above: str) -> list[dict[str, str]]:
    """Returns a table of the evidence, a dictionary a row.

    Args:
        page: Of docs/evidence.
        heading: Of its section.
        above: How the line begins that stands above the table.
    """
    text = (HERE / "evidence" / page).read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    below = section.partition(f"\n{above}")[2].partition("\n\n")[2]
    rows = []
    for line in below.splitlines():
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    head, _, *rest = rows
    return [dict(zip(head, row, strict=True)) for row in rest]


def figure(cell: str) -> tuple[float, float]:
    """Returns mean and spread of a cell such as ``79.2 ± 1.9``."""
    mean, spread = re.fullmatch(r"([+-]?[\d.]+) ± ([\d.]+)", cell).groups()
    return float(mean), float(spread)


def _mark(series: str, cell: str) -> Mark:
    mean, spread = figure(cell)
    return Mark(series, mean, mean - spread, mean + spread)


def _over_seeds(results: dict, arm: str, target: str) -> Mark:
    """Returns linear accuracy on a target's test images."""
    found = re.compile(rf"seed\d+/results/{re.escape(arm)}-{target}\.json")
    values = [v["test"]["linear"] for k, v in results.items() if found.fullmatch(k)]
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Mark(arm, mean)
    spread = statistics.stdev(values)
    return Mark(arm, mean, mean - spread, mean + spread)


def _rows(results: dict, *arms: str) -> list[tuple[str, list[Mark]]]:
    return [(t, [_over_seeds(results, arm, t) for arm in arms]) for t in TARGETS]


def customize() -> str:
    """Every verdict of the study with public weights."""
    series = {
        "better": Series("called better", "b", "dot"),
        "no different": Series("called no different", "a", "ring"),
    }
    found, rows = read_results("customize"), []
    for target in TARGETS:
        for seed in range(3):
            verdict = found[f"seed{seed}/results/{target}-start.json"]["verdict"]
            (one,) = (
                d for d in verdict["differences"] if d["control"] == verdict["primary"]
            )
            mark = Mark(verdict["outcome"], *(one[k] for k in ("mean", "low", "high")))
            rows.append((target if seed == 1 else "", [mark]))
    unit = "points of linear top-1, 95 % intervals; a row is a run"
    panel = Panel("What folds chose, minus the start as it is", rows, unit, zero=True)
    about = "Fifteen verdicts of customize: five targets, three runs each"
    return dots([panel], series, about, "tools/benchmarks/results/customize.json")


def _called(found: dict, arms: Mapping[str, str]) -> list[tuple[str, list[Mark]]]:
    """Returns `_rows` of some arms, by the series that each is drawn as."""
    return [
        (target, [m._replace(series=n) for m, n in zip(row, arms, strict=True)])
        for target, row in _rows(found, *arms.values())
    ]


def data() -> str:
    """Selected images against random ones, from nothing and from public weights."""
    series = {
        "random": Series("1,000 random images", "a", "ring"),
        "selected": Series("1,000 selected images", "b", "dot"),
    }
    table = read_table(
        "sept.md", "SEPT: which images to pre-train on", "Linear top-1 (%)"
    )
    nothing = [
        (r["target"], [_mark("random", r["random K"]), _mark("selected", r["SEPT K"])])
        for r in table
    ]
    arms = {"random": "40px-selfres-random", "selected": "40px-selfres-sept"}
    public = _called(read_results("starts"), arms)
    unit = f"linear top-1 (%); {_OVER_SEEDS}"
    panels = [
        Panel("A small network, from nothing", nothing, unit),
        Panel("Public weights, continued", public, unit),
    ]
    about = "Accuracy after training on selected and on random images"
    source = "docs/evidence/sept.md and tools/benchmarks/results/starts.json"
    return dots(panels, series, about, source)


def starts() -> str:
    """Public weights as they are, continued, and at twice the side."""
    series = {
        "40px-public": Series("as it is, 40 px", "a", "ring"),
        "40px-selfres-sept": Series("continued, 40 px", "b", "dot"),
        "40px-public-high": Series("as it is, 80 px", "d", "diamond"),
    }
    unit = f"linear top-1 (%); {_OVER_SEEDS}"
    panel = Panel("EfficientNet-Lite0", _rows(read_results("starts"), *series), unit)
    about = "Accuracy of public weights as they are, continued, and at twice the side"
    return dots([panel], series, about, "tools/benchmarks/results/starts.json")


def architecture() -> str:
    """The shape that a search finds, beside what needs none."""
    columns = {
        "searched, global": Series("searched", "b", "dot"),
        "R18": Series("the usual shape", "d", "diamond"),
        "random, mean": Series("ten random shapes, mean", "a", "ring"),
        "random, best": Series("the best of the ten", "c", "square"),
    }
    table = read_table(
        "data.md", "DATA: which architecture", "Top-1 (%) in the band of R18"
    )
    unit = "{} (%); mean of three supernets, bars: their standard deviation"
    panels = [
        Panel(
            title,
            [
                (row["target"], [_mark(name, row[name]) for name in columns])
                for row in table
                if row["accuracy"] == accuracy
            ],
            unit.format(title),
        )
        for accuracy, title in (("knn", "kNN top-1"), ("linear", "Linear top-1"))
    ]
    about = "Accuracy of a searched shape, the usual one and random ones of one budget"
    return dots(panels, columns, about, "docs/evidence/data.md")


def width() -> str:
    """One training of all widths, and a training for each."""
    columns = {
        "slimmed": Series("one training of all widths", "b", "dot"),
        "trained alone": Series("each width trained alone", "d", "diamond"),
        "untrained": Series("untrained", "a", "ring"),
    }
    table = read_table(
        "dspnet.md", "DSPNet: one training, every width", "Linear top-1 (%)"
    )
    curves = {
        name: [(float(row["M MACs"]), *figure(row[name])) for row in table]
        for name in columns
    }
    names = ("million MACs an image", "linear top-1 (%), mean of five targets")
    about = "Accuracy over cost: one training of four widths, and four trainings"
    return lines(curves, columns, names, about, "docs/evidence/dspnet.md")


def path() -> str:
    """Paths of one network, and specialists with weights of their own."""
    series = {
        "generic": Series("one generic network, as many steps or MACs", "a", "ring"),
        "routed": Series("a path, or a specialist, for the target", "b", "dot"),
    }
    table = read_table("sdr.md", "SDR: clusters and routing", "Linear top-1 (%)")
    shared = [
        (
            row["target"],
            [
                _mark("generic", row["MAX, as many MACs"]),
                _mark("routed", row["routed"]),
            ],
        )
        for row in table
        if row["target"] in TARGETS
    ]
    arms = {"generic": "40px-generic", "routed": "40px-specialist"}
    own = _called(read_results("specialists"), arms)
    unit = f"linear top-1 (%); {_OVER_SEEDS}"
    panels = [
        Panel("Paths that share weights, from nothing", shared, unit),
        Panel("Specialists with weights of their own, from public ones", own, unit),
    ]
    about = "Accuracy of paths and of specialists beside one generic network"
    source = "docs/evidence/sdr.md and tools/benchmarks/results/specialists.json"
    return dots(panels, series, about, source)


#: By the concept page that shows it.
PICTURES: dict[str, Callable[[], str]] = {
    one.__name__: one for one in (architecture, customize, data, path, starts, width)
}


def main(folder: Path = HERE / "pictures") -> None:
    """Writes all of them."""
    folder.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
