"""Draws the picture of README from what `make quickstart` left.

    make quickstart                                       (built-in images, minutes)
    python docs/draw_quickstart.py work_dirs/quickstart   (into docs/pictures)

It shows images of the pool, some of the target with what was selected for each, and the
verdict of the run, none of it retouched; `quickstart.json` beside it says which. The
images are of scikit-learn (UCI's digits; two photographs, CC BY) and scikit-image.
"""

import argparse
import json
import textwrap
from collections.abc import Mapping
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
FACTS, DPI, WIDTH, HEIGHT = "quickstart.json", 150, 9.0, 6.3
_POOL, _QUERIES, _EACH = 25, 5, 7
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


def draw(shown: Mapping[str, Any], images: Path, mode: str) -> Figure:
    """Returns the picture.

    Args:
        shown: See `facts`.
        images: Folder with ``pool`` and ``target``.
        mode: "light" or "dark".
    """
    page, ink, soft, line, better, _ = COLOURS[mode]
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=page)

    def put(file: Path, x: float, y: float, size: float, frame: str) -> None:
        box = [x / WIDTH, 1 - (y + size) / HEIGHT, size / WIDTH, size / HEIGHT]
        axes = figure.add_axes(box, xticks=[], yticks=[])
        axes.imshow(np.asarray(Image.open(file).convert("RGB")))
        for spine in axes.spines.values():
            spine.set(color=frame, linewidth=1.6 if frame == better else 0.6)

    def say(said: str, x: float, y: float, **style: Any) -> None:
        style = {"color": ink, "size": 11, "va": "top", **style}
        figure.text(x / WIDTH, 1 - y / HEIGHT, said, **style)

    say(f"A pool: {shown['pool']['images']:,} images", 0.3, 0.25, weight="bold")
    for i, name in enumerate(shown["pool"]["shown"]):
        put(
            images / "pool" / name,
            0.3 + 0.52 * (i % 5),
            0.62 + 0.52 * (i // 5),
            0.46,
            line,
        )
    say(f"A target: {shown['target']['images']:,}", 3.25, 0.25, weight="bold")
    say(f"Selected for it: {shown['selected']:,}", 5.05, 0.25, weight="bold")
    for row, (query, found) in enumerate(shown["target"]["shown"].items()):
        y = 0.62 + 0.52 * row
        put(images / "target" / "train" / query, 3.7, y, 0.46, line)
        say("\N{RIGHTWARDS ARROW}", 4.5, y + 0.1, color=soft, size=13)
        for i, name in enumerate(found):
            put(images / "pool" / name, 5.05 + 0.52 * i, y, 0.46, better)
    told = [shown["sentence"], *([shown["choice"]] if shown["choice"] else [])]
    verdict = "\n".join(textwrap.fill(said, 118) for said in told)
    say("The verdict, from the test images", 0.3, 3.4, weight="bold")
    say(verdict, 0.3, 3.68, size=9, linespacing=1.35)
    _forest(figure, shown["differences"], COLOURS[mode])
    return figure


def _forest(figure: Figure, rows: list[Mapping[str, Any]], colours: Any) -> None:
    page, ink, soft, line, better, same = colours
    left, height = 3.7, 0.38 * len(rows)
    box = [left / WIDTH, 0.62 / HEIGHT, (WIDTH - left - 0.4) / WIDTH, height / HEIGHT]
    axes = figure.add_axes(box, facecolor=page)
    for place, one in enumerate(rows):
        p = one["p"] if one["p_holm"] is None else one["p_holm"]
        sure = better if p < 0.05 and one["mean"] > 0 else same
        axes.plot([one["low"], one["high"]], [place, place], color=sure, lw=2.5)
        axes.plot(one["mean"], place, "o", color=sure, ms=7)
    axes.axvline(0, color=ink, lw=1, ls="--")
    names = [textwrap.fill(f"minus {one['minus']}", 46) for one in rows]
    axes.set_yticks(range(len(rows)), names, color=ink, size=9)
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
    for mode in COLOURS:
        figure = draw(shown, args.run / "images", mode)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        told = PngInfo()
        told.add_text("Description", shown["sentence"])
        # Of 256 colours: a third of the bytes.
        small = pixels.quantize(256, dither=Image.Dither.NONE)
        file = args.out / f"quickstart-{mode}.png"
        small.save(file, optimize=True, pnginfo=told)


if __name__ == "__main__":
    main()
