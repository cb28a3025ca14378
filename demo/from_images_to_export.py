"""From images to an exported backbone, by functions alone.

Cells of a notebook (VS Code, Jupytext and Spyder open it as one); it also runs as a
script, in two minutes on one core:

    python demo/from_images_to_export.py [FOLDER]

The images are generated and the trainings take four steps: it shows how the pieces
fit, and no accuracy.
"""

# %% The images: a pool without labels, and a target with few
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mmtaskssl.apis import (
    calibrate,
    cluster,
    evaluate,
    export,
    extract,
    pretrain,
    route,
    search,
    select,
)

HERE = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
MOCO = "selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"
SLIMMABLE = "dspnet/dspnet-byol_slimmable-resnet10-w32_1xb128-coslr-2k_folder-40px.py"
ROUTED = "sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
# A real training leaves this out, and takes hundreds of steps or more.
SHORT = {"iters": 4, "cfg_options": {"batch_size": 32, "num_workers": 0}}


def draw(path: Path, kind: int, seed: int) -> None:
    """Stripes, checks, blobs or noise, in random colours."""
    rng = np.random.default_rng([kind, seed])
    y, x = np.mgrid[:40, :40] * rng.uniform(0.3, 0.8)
    shapes = [np.sin(x), np.sin(x) * np.sin(y), np.cos(np.hypot(x - 9, y - 9))]
    value = shapes[kind] if kind < 3 else rng.standard_normal((40, 40))
    mixed = value[..., None] * rng.uniform(40, 100, 3) + rng.uniform(80, 170, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(path)


for kind in range(4):
    for i in range(40):
        draw(HERE / "pool" / f"{4 * i + kind:03}.png", kind, i)
for kind, name in enumerate(("stripes", "checks")):
    for i in range(32):
        part = "train" if i < 16 else "test"
        draw(HERE / "target" / part / name / f"{i}.png", kind, 100 + i)

# %% Features, in memory: an untrained network is an extractor, too
network = (MOCO, "random")
pool = extract(network, HERE / "pool", workers=0)
target = extract(network, HERE / "target" / "train", labels="folder", workers=0)
print(pool.table())

# %% SEPT: which images of the pool to pre-train on
chosen = select(pool, target, "25%")
print(chosen.table())
chosen.save(HERE / "selection")  # and a page to look at

# %% Pre-train on them, and ask kNN whether it helped
trained = pretrain(MOCO, selection=chosen, work_dir=HERE / "moco", **SHORT)
print(trained.table())
for name, checkpoint in (("untrained", "random"), ("trained", trained.checkpoint)):
    result = evaluate((MOCO, checkpoint), HERE / "target", k=5, workers=0)
    print(name, result.table(), sep="\n")

# %% DSPNet: one training, many widths; export two of them
slim = pretrain(SLIMMABLE, images=HERE / "pool", work_dir=HERE / "slim", **SHORT)
exports = export((SLIMMABLE, slim.checkpoint), ["0.25", "1"], image_size=40)
print(exports.table())
exports.save(HERE / "exports")

# %% DATA: which sub-nets see the target's images as the largest does
found = search(
    (SLIMMABLE, slim.checkpoint),
    HERE / "target" / "train",
    subnets=["0.25", "0.5", "0.75", "1"],
    shape=40,
    num_images=32,
)
print(found.table())

# %% SDR: clusters of the pool, a path for each, and the path that suits the target
clusters = cluster(pool, "4x4x1x1")
print(clusters.table())
routed = pretrain(
    ROUTED,
    images=HERE / "pool",
    clusters=clusters,
    work_dir=HERE / "routed",
    **SHORT,
)
paths = calibrate((ROUTED, routed.checkpoint), clusters=clusters, num_images=8)
routing = route(paths.network, HERE / "target", clusters)
print(routing.table())

# %% An export is a network as any other
smallest = next(HERE.glob("exports/*/meta.json")).parent
print(evaluate(smallest, HERE / "target", k=5, image_size=40, workers=0).table())
print(f"all of it is in {HERE}")
