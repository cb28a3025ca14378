"""Does `deduplicate` find the copies that were planted, and what else?

    duplicates_evidence.py --images POOL --out OUT [--planted 200] [--images-of 5000]

Copies of each kind (mirrored, cropped, re-encoded, resized, grey) of drawn images are
laid beside the pool, which is deduplicated by pixels. Of the pairs that were not
planted OUT/others.png shows those that agree least, side by side: natural copies, or
errors, as whoever looks may judge. OUT/found.json has all figures.
"""

import argparse
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmtaskssl.apis import Deduplicated, deduplicate
from mmtaskssl.cli import options
from mmtaskssl.datasets.images import list_images, read_image
from mmtaskssl.features.copies import KINDS, read_copy
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.progress import ProgressLine

_PLANTED = "planted"
_SHOWN, _SIDE = 60, 96


def plant(images: str, out: Path, count: int, most: int | None, seed: int) -> Path:
    """Copies (a part of) a pool, and copies of some of its images beside it.

    Returns:
        The folder; planted images lie in ``planted/KIND``.
    """
    root, ids = list_images(images)
    rng = np.random.default_rng(seed)
    if most is not None and most < len(ids):
        ids = [ids[n] for n in np.sort(rng.permutation(len(ids))[:most])]
    folder = out / "images"
    if folder.exists():
        return folder
    unfinished = out / "images.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    for image in ids:
        (unfinished / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / image, unfinished / image)
    for kind in KINDS:
        for n in rng.permutation(len(ids))[:count].tolist():
            path = unfinished / _PLANTED / kind / f"{ids[n]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(read_copy(root, f"{ids[n]}@{kind}")).save(path)
    unfinished.rename(folder)
    return folder


def judge(found: Deduplicated) -> dict:
    """Counts planted copies that lie in a group with their image, and other pairs."""
    ids = found.all_ids
    group_of = {
        ids[row]: number
        for number, group in enumerate(found.groups)
        for row in group.tolist()
    }
    tried, right = Counter(), Counter()
    for image in ids:
        if (kind := _kind(image)) is not None:
            tried[kind] += 1
            group = group_of.get(image)
            right[kind] += group is not None and group == group_of.get(_source(image))
    others = [
        c for c in found.copies if _source(ids[c.first]) != _source(ids[c.second])
    ]
    apart = {name for c in others for name in (ids[c.first], ids[c.second])}
    return {
        "images": len(ids),
        "planted": dict(tried),
        "found": {kind: right[kind] / tried[kind] for kind in tried},
        "all found": sum(right.values()) / max(1, sum(tried.values())),
        "other pairs": len(others),
        "of which the same bytes": sum(c.how == "bytes" for c in others),
        "images in other pairs": len(apart),
        "facts": dict(found.facts),
    }


def _kind(image: str) -> str | None:
    parts = image.split("/")
    return parts[1] if parts[0] == _PLANTED else None


def _source(image: str) -> str:
    return image.split("/", 2)[2].removesuffix(".png") if _kind(image) else image


def show(found: Deduplicated, path: Path) -> None:
    """Draws the pairs that were not planted and agree least."""
    ids = found.all_ids
    others = [
        copy
        for copy in found.copies
        if copy.how == "pixels"
        and _source(ids[copy.first]) != _source(ids[copy.second])
    ]
    others.sort(key=lambda copy: copy.agreement)
    sheet = Image.new(
        "RGB", (6 * 2 * _SIDE + 60, -(-_SHOWN // 6) * (_SIDE + 6)), "white"
    )
    for n, copy in enumerate(others[:_SHOWN]):
        for side, row in enumerate((copy.first, copy.second)):
            image = Image.fromarray(read_image(Path(found.root, ids[row])))
            place = (n % 6) * (2 * _SIDE + 10) + side * _SIDE, n // 6 * (_SIDE + 6)
            sheet.paste(image.resize((_SIDE, _SIDE)), place)
    sheet.save(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Plants, deduplicates, judges."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, metavar="POOL")
    parser.add_argument("--out", required=True)
    parser.add_argument("--planted", type=int, default=200, help="of each kind")
    parser.add_argument("--images-of", type=int, metavar="N", help="drawn of the pool")
    parser.add_argument("--seed", type=int, default=0)
    options.add_max_pixels(parser)
    args = parser.parse_args(argv)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    folder = plant(args.images, out, args.planted, args.images_of, args.seed)
    begin = time.process_time()
    found = deduplicate(folder, progress=ProgressLine)
    told = judge(found) | {"cpu seconds": round(time.process_time() - begin, 1)}
    (out / "found.json").write_text(json.dumps(told, indent=2) + "\n")
    show(found, out / "others.png")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    run_tool(main)
