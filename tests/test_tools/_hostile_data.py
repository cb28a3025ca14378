"""The cases of ``_hostile.py`` with data: stores, clusters, arrays and images."""

import functools
import struct
import zlib
from pathlib import Path

import numpy as np

from mmtaskssl.features.importing import import_features
from tests._images import make_image_folder
from tests.test_export._files import STOCK, write_files
from tests.test_routing._routed import make_clusters
from tests.test_weights._hostile import Payload

from ._hostile import DEEP, Case, no_file, quiet


# Feature stores and clusters.
def store(folder, rows=12):
    """Writes a store of random features, with labels."""
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(rows, 4)).astype(np.float32))
    ids = [f"{'ab'[i % 2]}/{i}.png" for i in range(rows)]
    labels = ["ab"[i % 2] for i in range(rows)]
    import_features(folder / "x.npy", ids, folder / "store", labels=labels)
    return folder / "store"


def _pickled_array(path, mark):
    path.unlink(missing_ok=True)
    np.save(path, np.array([Payload(mark)], dtype=object), allow_pickle=True)


_STORE_KINDS = {
    "deep manifest": lambda s, mark: (s / "manifest.json").write_text(DEEP),
    "pipe for the manifest": lambda s, mark: no_file("pipe", s / "manifest.json"),
    "objects in a shard": lambda s, mark: _pickled_array(s / "shard-00000.npy", mark),
    "device for a shard": lambda s, mark: no_file("device", s / "shard-00000.npy"),
    "pipe for the ids": lambda s, mark: no_file("pipe", s / "ids.txt"),
}
_TAKES_A_STORE = {
    "select_data": lambda s, d: [
        *("--pool", s, "--target", s, "--budget", 3, "--out", d / "out")
    ],
    "cluster_data": lambda s, d: ["--pool", s, "--tree", "2x2", "--out", d / "out"],
    "eval_knn": lambda s, d: ["--train", s, "--test", s],
}


def _on_store(arguments, kind, folder, mark):
    place = store(folder)
    if kind == "objects in the labels":
        _pickled_array(place / "labels.npy", mark)
    elif kind == "deep quarantine":
        (place / "quarantine.json").write_text(DEEP)
    else:
        _STORE_KINDS[kind](place, mark)
    return arguments(place, folder)


def _import(kind, folder, mark):
    _pickled_array(folder / "x.npy", mark)
    if kind != "objects":
        no_file(kind, folder / "x.npy")
    (folder / "ids.txt").write_text("a\n")
    begin = ["--from-npy", folder / "x.npy", "--ids", folder / "ids.txt"]
    return [*begin, "--out", folder / "out"]


def _clusters(kind, folder, mark):
    make_clusters(folder)
    place = folder / "clusters"
    if kind == "objects in the leaves":
        _pickled_array(place / "leaf.npy", mark)
    elif kind == "deep manifest":
        (place / "manifest.json").write_text(DEEP)
    else:
        no_file("pipe", place / "ids.txt")
    config, network, _ = write_files(folder)
    return [config, network, "--subnet", "MAX", "--clusters", place]


# Images.
def bomb(width, height):
    """Returns a small PNG of that many grey pixels."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(width + 1)) for _ in range(min(height, 64)))
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", data + packer.flush())
        + chunk(b"IEND", b"")
    )


def _postscript(mark):
    return (
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
        f"(%pipe%mkdir {mark}) (r) file pop showpage\n%%EOF\n"
    ).encode()


IMAGES = {
    "pipe": lambda p, mark: no_file("pipe", p),
    "device": lambda p, mark: no_file("device", p),
    "decompression bomb": lambda p, mark: p.write_bytes(bomb(60_000, 60_000)),
    "179 Mpx": lambda p, mark: p.write_bytes(bomb(13_400, 13_400)),
    "PostScript": lambda p, mark: p.write_bytes(_postscript(mark)),
}
_REASON = {
    "pipe": "named pipe",
    "device": "a device",
    "PostScript": "no image format",
}


def _extract(kind, folder, mark):
    images = make_image_folder(folder / "images", 2, classes=("a", "b"))
    IMAGES[kind](images / "a" / "000.png", mark)
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    return [*argv, "--workers", 0]


def _pretrain(kind, folder, mark):
    images = Path(make_image_folder(folder / "images", 8, classes=()))
    IMAGES[kind](images / "000.png", mark)
    config = "mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
    return [
        *(f"configs/selfsup/mocov2/{config}", "--work-dir", folder / "run"),
        *(
            "--cfg-options",
            *quiet(folder),
            f"images={images}",
            "max_iters=2",
            "batch_size=8",
        ),
        *("num_workers=0", "model.queue_len=16"),
    ]


def _calibrate(kind, folder, mark):
    images = make_image_folder(folder / "images", 2, classes=("a", "b"))
    for path in images.rglob("*.png"):
        IMAGES[kind](path, mark)
    config, network, _ = write_files(folder)
    return [config, network, "--subnet", STOCK, "--images", images]


def data_cases():
    """Yields the cases."""
    for tool, arguments in _TAKES_A_STORE.items():
        for kind in _STORE_KINDS:
            if tool == "eval_knn" and kind == "pipe for the ids":
                continue  # labels are in the store: its ids are not read
            make = functools.partial(_on_store, arguments, kind)
            yield Case("feature store", kind, tool, make)
    for kind in ("objects in the labels", "deep quarantine"):
        make = functools.partial(_on_store, _TAKES_A_STORE["eval_knn"], kind)
        yield Case("feature store", kind, "eval_knn", make)
    for kind in ("objects", "pipe", "device"):
        make = functools.partial(_import, kind)
        yield Case("array", kind, "extract_features", make)
    for kind in ("objects in the leaves", "deep manifest", "pipe for the ids"):
        make = functools.partial(_clusters, kind)
        yield Case("clusters", kind, "calibrate_bn", make)
    for kind in IMAGES:
        words = _REASON.get(kind, "more than the limit of 128,000,000")
        make = functools.partial(_extract, kind)
        yield Case("image", kind, "extract_features", make, words)
        yield Case("image", kind, "train", functools.partial(_pretrain, kind))
        yield Case("image", kind, "calibrate_bn", functools.partial(_calibrate, kind))
