"""Draws the picture of README from what `make quickstart` left.

    make quickstart                                       (built-in images, minutes)
    python docs/draw_quickstart.py work_dirs/quickstart   (into docs/pictures)

It shows images of the pool, some of the target with what was selected for each, and the
verdict of the run, none of it retouched; `quickstart.json` beside it says which. It is
drawn wide and, for telephones, narrow. The images are of scikit-learn (UCI's digits;
two photographs, CC BY) and scikit-image.
"""

import argparse
import itertools
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmtaskssl.customize.handover.figures import verdicts_of
from mmtaskssl.selection.output import TABLE, read_csv

HERE = Path(__file__).resolve().parent
FACTS, DPI = "quickstart.json", 150
_POOL, _QUERIES, _EACH = 25, 5, 7


@dataclass(frozen=True)
class Layout:
    """Where parts of the picture lie, in inches; images are 0.46 wide, 0.52 apart.

    Attributes:
        size: Width and height.
        columns: Images of the pool in a row.
        rows: Rows of them.
        target: Left edges of the title, the image and the arrow, and the top, of the
            target.
        chosen: Left edge of what was selected, and how many for an image.
        verdict: Top.
        wrap: Letters of a line: of the verdict, and beside an interval.
        forest: Left edge; 0: names stand above their intervals.
    """

    size: tuple[float, float]
    columns: int
    rows: int
    target: tuple[float, float, float, float]
    chosen: tuple[float, int]
    verdict: float
    wrap: tuple[int, int]
    forest: float


#: By what follows the name of the file.
LAYOUTS = {
    "": Layout(
        (9.0, 6.3), 5, 5, (3.25, 3.7, 4.5, 0.25), (5.05, 7), 3.4, (118, 46), 3.7
    ),
    "-narrow": Layout(
        (4.0, 10.4), 7, 3, (0.2, 0.2, 0.78, 2.35), (1.1, 5), 5.5, (50, 50), 0
    ),
}
#: By mode: page, ink, soft ink, line, better, no different.
COLOURS = {
    "light": ("#ffffff", "#1d2125", "#565f68", "#d5d9dd", "#0a7d4f", "#6f7984"),
    "dark": ("#1d2125", "#e6e9ec", "#a6b0b9", "#3a4148", "#3fc489", "#98a3ae"),
}


def facts(run: Path) -> dict[str, Any]:
    """Returns what the picture shows of a run.

    Args:
        run: Folder of `quickstart`.
    """
    done = run / "customized"
    kept = json.loads((done / "record.json").read_text(encoding="utf-8"))
    record = kept["results"]
    (verdict,) = verdicts_of(record)
    found: dict[str, list[str]] = {}
    for line in read_csv(done / "selection" / TABLE):
        found.setdefault(line["query"], []).append(line["image"])
    # Of five classes the image for which most was selected; ties: the first by name.
    best: dict[str, str] = {}
    for query in sorted(found, key=lambda name: (-len(found[name]), name)):
        best.setdefault(query.split("/")[0], query)
    queries = sorted(list(best.values())[:_QUERIES])
    pool = sorted(path.name for path in (run / "images" / "pool").iterdir())
    drawn = np.random.default_rng(0).permutation(len(pool))[:_POOL]
    return {
        "run": f"make quickstart, mmtaskssl {record['mmtaskssl']}",
        "sentence": verdict["sentence"],
        "choice": verdict.get("choice"),
        "differences": [
            {
                **{key: one[key] for key in ("mean", "low", "high", "p", "p_holm")},
                "minus": verdict["names"].get(one["control"], one["control"]),
            }
            for one in verdict["differences"]
        ],
        "pool": {"images": len(pool), "shown": [pool[i] for i in sorted(drawn)]},
        "selected": sum(map(len, found.values())),
        "target": {
            "images": record["inspection"]["train"]["image_ids"],
            "shown": {query: found[query][:_EACH] for query in queries},
        },
    }


def draw(
    shown: Mapping[str, Any], images: Path, mode: str, layout: Layout = LAYOUTS[""]
) -> Figure:
    """Returns the picture.

    Args:
        shown: See `facts`.
        images: Folder with ``pool`` and ``target``.
        mode: "light" or "dark".
        layout: Where what lies.
    """
    page, ink, soft, line, better, _ = COLOURS[mode]
    width, height = layout.size
    figure = Figure(figsize=layout.size, dpi=DPI, facecolor=page)

    def put(file: Path, x: float, y: float, frame: str) -> None:
        box = [x / width, 1 - (y + 0.46) / height, 0.46 / width, 0.46 / height]
        axes = figure.add_axes(box, xticks=[], yticks=[])
        axes.imshow(np.asarray(Image.open(file).convert("RGB")))
        for spine in axes.spines.values():
            spine.set(color=frame, linewidth=1.6 if frame == better else 0.6)

    def say(said: str, x: float, y: float, **style: Any) -> None:
        style = {"color": ink, "size": 11, "va": "top", **style}
        figure.text(x / width, 1 - y / height, said, **style)

    edge = 0.3 if layout.forest else 0.2
    say(f"A pool: {shown['pool']['images']:,} images", edge, 0.25, weight="bold")
    for i, name in enumerate(shown["pool"]["shown"][: layout.columns * layout.rows]):
        row, column = divmod(i, layout.columns)
        put(images / "pool" / name, edge + 0.52 * column, 0.62 + 0.52 * row, line)
    title, left, arrow, top = layout.target
    place, each = layout.chosen
    say(f"A target: {shown['target']['images']:,}", title, top, weight="bold")
    # The narrow one has both titles in one line, too.
    beside = max(place, title + 1.5)
    say(f"Selected for it: {shown['selected']:,}", beside, top, weight="bold")
    for row, (query, found) in enumerate(shown["target"]["shown"].items()):
        y = top + 0.37 + 0.52 * row
        put(images / "target" / "train" / query, left, y, line)
        say("\N{RIGHTWARDS ARROW}", arrow, y + 0.1, color=soft, size=13)
        for i, name in enumerate(found[:each]):
            put(images / "pool" / name, place + 0.52 * i, y, better)
    told = [shown["sentence"], *([shown["choice"]] if shown["choice"] else [])]
    verdict = "\n".join(textwrap.fill(said, layout.wrap[0]) for said in told)
    say("The verdict, from the test images", edge, layout.verdict, weight="bold")
    say(verdict, edge, layout.verdict + 0.28, size=9, linespacing=1.35)
    _forest(figure, shown["differences"], COLOURS[mode], layout)
    return figure


def _forest(
    figure: Figure, rows: list[Mapping[str, Any]], colours: Any, layout: Layout
) -> None:
    page, ink, soft, line, better, same = colours
    width, height = layout.size
    left = layout.forest or 0.3
    tall = (0.38 if layout.forest else 0.8) * len(rows)
    box = [left / width, 0.62 / height, (width - left - 0.4) / width, tall / height]
    axes = figure.add_axes(box, facecolor=page)
    names = [textwrap.fill(f"minus {one['minus']}", layout.wrap[1]) for one in rows]
    for place, one in enumerate(rows):
        p = one["p"] if one["p_holm"] is None else one["p_holm"]
        sure = better if p < 0.05 and one["mean"] > 0 else same
        axes.plot([one["low"], one["high"]], [place, place], color=sure, lw=2.5)
        axes.plot(one["mean"], place, "o", color=sure, ms=7)
        if not layout.forest:
            behind = {"facecolor": page, "edgecolor": "none", "pad": 1}
            at = {"xycoords": ("axes fraction", "data"), "xytext": (0, 9)}
            style = {"color": ink, "size": 9, "va": "bottom", "bbox": behind}
            axes.annotate(
                names[place], (0, place), textcoords="offset points", **at, **style
            )
    axes.axvline(0, color=ink, lw=1, ls="--")
    axes.set_yticks(range(len(rows)), names if layout.forest else [], color=ink, size=9)
    axes.set(ylim=(len(rows) - 0.4, -0.6))
    axes.tick_params(colors=soft, labelsize=9, length=0, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(
        "points of linear top-1, 95 % intervals; right of zero: better",
        **{"color": soft, "size": 9},
    )
    axes.grid(axis="x", color=line, lw=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def main() -> None:
    """Draws both modes, and writes what they show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder of `make quickstart`")
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    shown = facts(args.run)
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    (args.out / FACTS).write_text(text, encoding="utf-8")
    for (end, layout), mode in itertools.product(LAYOUTS.items(), COLOURS):
        figure = draw(shown, args.run / "images", mode, layout)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        told = PngInfo()
        told.add_text("Description", shown["sentence"])
        # Of 256 colours: a third of the bytes.
        small = pixels.quantize(256, dither=Image.Dither.NONE)
        file = args.out / f"quickstart{end}-{mode}.png"
        small.save(file, optimize=True, pnginfo=told)


if __name__ == "__main__":
    main()
