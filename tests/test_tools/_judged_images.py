"""Cases of ``_judged.py``: pixels, images and numbers of other people."""

import functools
import os
from pathlib import Path
from unittest import mock

import numpy as np
from mmengine.config import Config
from PIL import Image

from mmtaskssl.datasets import read_image
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.importing import import_features
from mmtaskssl.networks import open_network
from tests._images import make_image_folder
from tests.test_export._files import STOCK, write_files

from ._hostile import quiet
from ._hostile_cases import make_target
from ._hostile_data import store
from ._judged import Case, verb

_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_FOLDER = (
    "configs/selfsup/mocov2/mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
)
_NETWORK = {
    "type": "mmselfsup.ResNet",
    "depth": 18,
    "stem_channels": 4,
    "base_channels": 4,
}


# What a foreign config says of pixels.
def _config(**more):
    model = {"type": "X", "backbone": dict(_NETWORK)}
    if pixels := more.pop("pixels", None):
        model["data_preprocessor"] = pixels
    return Config({"default_scope": "mmcls", "model": model, **more})


def _host(kind, **more):
    return {"type": kind, "mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], **more}


_NORMALIZE = {"type": "Normalize", "mean": [1, 2, 3], "std": [4, 5, 6], "to_rgb": False}
_PIXELS = {
    "a classifier's, BGR": (
        {"pixels": _host("mmcls.ClsDataPreprocessor", to_rgb=False)},
        "bgr",
    ),
    "a classifier's, turned": (
        {"pixels": _host("mmcls.ClsDataPreprocessor", to_rgb=True)},
        "rgb",
    ),
    "a detector's": ({"pixels": _host("mmdet.DetDataPreprocessor")}, "bgr"),
    "a detector's, turned": (
        {"pixels": _host("mmdet.DetDataPreprocessor", bgr_to_rgb=True)},
        "rgb",
    ),
    "a segmentor's": ({"pixels": _host("mmseg.SegDataPreProcessor")}, "bgr"),
    "beside the model": (
        {"data_preprocessor": _host("SelfSupDataPreprocessor", bgr_to_rgb=True)},
        "rgb",
    ),
    "of another package": (
        {"pixels": _host("mine.MyDataPreprocessor", bgr_to_rgb=False)},
        "bgr",
    ),
    "in the pipeline": (
        {
            "pixels": {"type": "mmcls.ClsDataPreprocessor"},
            "test_dataloader": {"dataset": {"pipeline": [_NORMALIZE]}},
        },
        "bgr",
    ),
}


def _opened(values, folder):
    cfg = _config(**values)
    return lambda: open_network((cfg, "random")).preprocessing


def _is_of_config(order, folder, pixels):
    return (pixels.mean, pixels.std, pixels.channel_order) == (
        *((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        order,
    )


def _two_stores(append, folder):
    """Stores by one network, whose configs read the channels in two orders."""
    images = make_image_folder(folder / "images", 4)
    for order in (False, True):
        cfg = _config(pixels=_host("mmcls.ClsDataPreprocessor", to_rgb=order))
        cfg.dump(folder / f"{order}.py")

    def extracted(order, out, *more):
        argv = [folder / f"{order}.py", "random", "--images", images, "--out", out]
        return verb("extract_features", *argv, "--image-size", 32, "--workers", 0)

    extracted(False, folder / "one")()
    if append:
        return extracted(True, folder / "one")
    extracted(True, folder / "two")()
    stores = ["--pool", folder / "one", "--target", folder / "two"]
    return verb("select_data", *stores, "--budget", 2, "--out", folder / "out")


# Images.
def _class_of(ending, tool, folder):
    target = make_target(folder)
    for part in ("train", "test"):
        (target / part / "c").mkdir()
        (target / part / "c" / f"photo{ending}").write_bytes(b"x")
    config, network, _ = write_files(folder)
    return verb(tool, config, network, "--target", target)


def _beside(folder):
    images = make_image_folder(folder / "images", 2)
    for number in range(3):
        (images / "a" / f"{number}.heic").write_bytes(b"x")
    return lambda: list_images(images)[1]


def _bits(bits, folder):
    levels = (np.arange(256) * (2**bits - 1) // 255).astype(np.uint16)
    Image.fromarray(levels[None]).save(folder / "x.png")
    return lambda: read_image(folder / "x.png")


def _closed(call_of, folder):
    """A folder that the reader may not open; of root every folder is open."""
    images = make_image_folder(folder / "images", 4)
    call, inner = call_of(folder, images), os.scandir

    def scandir(path="."):
        if str(path).rstrip("/").endswith("images/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return inner(path)

    def closed():
        with mock.patch.object(os, "scandir", scandir):
            return call()

    return closed


def _extracted(folder, images):
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    return verb("extract_features", *argv, "--workers", 0)


def _searched(folder, images):
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--subnet", STOCK]
    return verb("search_subnet", *argv, "--metric", "global", "--out", folder / "out")


def _trained(folder, images, *more):
    options = [*quiet(folder), f"images={images}", "max_iters=1", "batch_size=4"]
    argv = [_FOLDER, "--work-dir", folder / "run", "--cfg-options", *options]
    return verb("train", *argv, "model.queue_len=8", "num_workers=0", *more)


def _same_bytes(folder):
    """A pool of six copies of the image that is nearest, and six others."""
    images = make_image_folder(folder / "images", 12, classes=())
    first = (images / "000.png").read_bytes()
    features = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    for number in range(1, 6):
        (images / f"{number:03}.png").write_bytes(first)
        features[number] = features[0]
    np.save(folder / "x.npy", features)
    ids = [f"{number:03}.png" for number in range(12)]
    for out, rows in (("pool", slice(None)), ("target", slice(1))):
        np.save(folder / "x.npy", features[rows])
        import_features(folder / "x.npy", ids[rows], folder / out, root=images)
    stores = ["--pool", folder / "pool", "--target", folder / "target"]
    return verb("select_data", *stores, "--budget", 4, "--out", folder / "out")


def _are_different(folder, _):
    names = (folder / "out" / "selection.txt").read_text().split()
    return len({(folder / "images" / n).read_bytes() for n in names}) == 4


# Numbers that are none, or nothing.
def _flags(tool, flags, folder):
    if tool == "train":
        options = [*quiet(folder), *flags]
        return verb(
            tool, _MOCO, "--work-dir", folder / "run", "--cfg-options", *options
        )
    if tool in ("eval_knn", "select_data", "cluster_data"):
        place = store(folder)
        argv = {
            "eval_knn": ["--train", place, "--test", place],
            "select_data": [
                "--pool",
                place,
                "--target",
                place,
                "--out",
                folder / "out",
            ],
            "cluster_data": ["--pool", place, "--tree", "2x2", "--out", folder / "out"],
        }[tool]
        return verb(tool, *argv, *flags)
    images = make_image_folder(folder / "images", 2)
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    return verb(tool, *argv, *flags)


_NUMBERS = {
    ("eval_knn", "-T", "nan"): "-T|--temperature.* must be a number above 0, not",
    ("eval_knn", "-T", "0"): "must be a number above 0, not 0",
    ("eval_knn", "-k", "0"): "-k must be a whole number from 1 on, not 0",
    ("extract_features", "--image-size", "0"): "--image-size must be a whole number",
    ("extract_features", "--batch-size", "0"): "--batch-size must be a whole number",
    ("extract_features", "--workers", "-1"): "--workers must be a whole number from 0",
    ("extract_features", "--seed", "-1"): "--seed must be a whole number from 0",
    ("extract_features", "--rows-per-shard", "0"): "--rows-per-shard must be a whole",
    ("extract_features", "--max-pixels", "0"): "--max-pixels must be a whole number",
    ("extract_features", "--device", "warp:9"): "warp:9.* cannot be used",
    ("search_subnet", "--image-size", "0"): "--image-size must be a whole number",
    ("search_subnet", "--num-images", "0"): "--num-images must be a whole number",
    ("search_subnet", "--budget", "nan-3G"): "budget 'nan-3G' cannot be read",
    ("search_subnet", "--budget", "4G-3G"): "budget '4G-3G' is empty",
    ("search_subnet", "--metric", "likeness"): "--metric.*invalid choice: 'likeness'",
    ("select_data", "--budget", "0"): "budget 0 selects nothing",
    ("select_data", "--budget", "nan%"): "budget nan% selects nothing|budget 'nan%'",
    ("select_data", "--budget", "101%"): "more than the whole pool",
    ("select_data", "--budget", "2", "--policy", "best"): "invalid choice: 'best'",
    ("select_data", "--budget", "2", "--seed", "-1"): "--seed must be a whole number",
    (
        "select_data",
        "--budget",
        "2",
        "--leak-threshold",
        "nan",
    ): "--leak-threshold must",
    ("cluster_data", "--tree", "0x2"): "0x2",
    ("cluster_data", "--lower", "nan"): "--lower must be a number",
    ("train", "max_iters=0"): "max_iters",
    ("train", "max_iters=-1"): "max_iters",
    ("train", "batch_size=0"): "batch_size",
    ("train", "randomness.seed=-1"): "seed",
    ("train", "view_size=0"): "view_size",
    ("train", "optim_wrapper.optimizer.lr=nan"): "the loss was not finite",
    ("train", "num_workers=-1"): "num_workers",
    ("train", "model.temperature=0"): "temperature",
    ("train", "log_levl=ERROR"): "did you mean 'log_level'",
    ("train", "train_cfg.max_iters=many"): "max_iters",
}


def image_cases():
    """Yields the cases."""
    kind = "preprocessing of foreign configs"
    for name, (values, order) in _PIXELS.items():
        holds = functools.partial(_is_of_config, order)
        make = functools.partial(_opened, values)
        yield Case(kind, name, make, "pixels, as .* says", True, holds)
    for append, words in (
        (False, "were extracted with another (transform|extractor) .*channel_order"),
        (True, "not made from the same inputs .*another transform"),
    ):
        name = "another store's order of channels, " + ("added" if append else "mixed")
        yield Case(kind, name, functools.partial(_two_stores, append), words)
    kind = "images"
    for ending in (".heic", ".jxl", ""):
        words = "class folder .*c holds no image that is read here, but 1 "
        words += ending or "without an ending"
        for tool in ("eval_knn", "eval_linear"):
            make = functools.partial(_class_of, ending, tool)
            yield Case(kind, f"a class of {ending or 'no ending'}, {tool}", make, words)
    words = "beside them 3 .heic, which are not read here"
    yield Case(kind, "some of another ending", _beside, words, True)
    for bits in (10, 12, 14):
        make = functools.partial(_bits, bits)
        yield Case(
            *(kind, f"{bits} bits in a file of 16", make, "", True),
            lambda folder, pixels: len(np.unique(pixels)) > 250,
        )
    for name, call in (("extract", _extracted), ("train", _trained)):
        make = functools.partial(_closed, call)
        yield Case(
            kind, f"a folder that cannot be read, {name}", make, "images/b cannot"
        )
    words = "images/b cannot be read"
    yield Case(
        kind,
        "a folder that cannot be read, search",
        functools.partial(_closed, _searched),
        words,
    )
    yield Case(
        kind, "copies, byte for byte", _same_bytes, "5 .*cop", True, _are_different
    )
    kind = "values that are empty or no numbers"
    for (tool, *flags), words in _NUMBERS.items():
        make = functools.partial(_flags, tool, flags)
        yield Case(kind, f"{tool} {' '.join(flags)}", make, words)
    for name, images in (("", ""), ("a file", "no-list")):
        make = functools.partial(_no_images, images)
        words = "images.*must|images=|names no" if not name else "no-list"
        yield Case(kind, f"train images={name}", make, words)
    yield Case(
        kind,
        "extract --images ''",
        lambda d: _extracted(d, ""),
        "--images must be a text",
    )


def _no_images(images, folder):
    return _trained(folder, Path(folder, images) if images else "")
