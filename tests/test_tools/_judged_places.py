"""Cases of ``_judged.py``: places that cannot be written, and disks that give way."""

import contextlib
import errno
import functools
import os
import resource
from pathlib import Path
from unittest import mock

import torch

from mmtaskssl.export.bundle import write_bundle
from tests._images import make_image_folder
from tests.test_export._files import STOCK, write_files
from tests.test_routing._routed import make_clusters
from tests.test_routing._routed import write_files as write_routed
from tests.test_search._files import MIDDLE, write_images
from tests.test_search._files import write_files as write_supernet

from ._hostile import quiet
from ._hostile_cases import _network, make_target
from ._hostile_data import store
from ._judged import Case, verb

_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_DSP = "configs/dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_CLASSIFIER = (
    "configs/transfer/classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
)


def _images(folder):
    return make_image_folder(folder / "images", 2)


# What writes: of a folder with its inputs, and the place, the arguments.
def _extract(d, out):
    config, network, _ = write_files(d)
    return [config, network, "--images", _images(d), "--out", out, "--workers", 0]


def _import(d, out):
    store(d)
    (d / "ids.txt").write_text("".join(f"{n}.png\n" for n in range(12)))
    return ["--from-npy", d / "x.npy", "--ids", d / "ids.txt", "--out", out]


def _select(d, out):
    place = store(d)
    return ["--pool", place, "--target", place, "--budget", 3, "--out", out]


def _cluster(d, out):
    return ["--pool", store(d), "--tree", "2x2", "--out", out]


def _export(d, out):
    return [*write_files(d)[:2], "--subnet", "MAX", "--out", out]


def _search(d, out):
    argv = [*write_supernet(d), "--images", write_images(d), "--subnet", MIDDLE]
    return [*argv, "--shape", 16, "--bn-images", 16, "--metric", "global", "--out", out]


def _calibrate(d, out):
    argv = [*write_files(d)[:2], "--subnet", STOCK, "--images", _images(d)]
    return [*argv, "--out", out]


def _route(d, out):
    config, network, _ = write_routed(d)
    make_clusters(d)
    argv = ["--clusters", d / "clusters"]
    verb("calibrate_bn", config, network, "--all", *argv, "--num-images", 2)()
    argv += ["--target", make_target(d), "--router", "overlap", "--out", out]
    return [config, d / "net-calibrated.pth", *argv]


def _deduplicate(d, out):
    return [_images(d), "--out", out]


def _take(d, out):
    images = _images(d)
    (d / "list.txt").write_text("a/000.png\nb/001.png\n")
    return [d / "list.txt", "--images", images, "--out", out]


def _evaluate(d, out):
    place = store(d)
    return ["--train", place, "--test", place, "--json", out]


def _train(d, out):
    options = [*quiet(d), "max_iters=1", "param_scheduler=[]"]
    return [_MOCO, "--work-dir", out, "--cfg-options", *options]


def _fine_tune(d, out):
    options = [*quiet(d, True), "train_cfg.max_iters=1", "param_scheduler=[]"]
    return [_CLASSIFIER, "--work-dir", out, "--cfg-options", *options]


def _convert(d, out):
    subnet = _network().resolve("MAX")
    write_bundle(_network(), subnet, d / "export", {})
    return [d / "export" / subnet.name / "weights.pth", out, "--to", "detectron2"]


def _publish(d, out):
    torch.save({"state_dict": {"w": torch.ones(999)}}, d / "x.pth")
    return [d / "x.pth", out]


def _controls(d, out):
    return [_DSP, out, "--subnets", "MIN"]


def _flops(d, out):
    return [_DSP, "--space-summary", "--plot", out]


def _customize(d, out):
    pool = make_image_folder(d / "pool", 100, classes=(), seed=1)
    target = make_image_folder(d / "target", 20)
    argv = ["--pool", pool, "--target", target, "--time", "20m", "--dry-run"]
    return [*argv, "--out", out]


#: Tool: its arguments, the ending of what it writes, and whether that is a folder.
WRITERS = {
    "extract_features": (_extract, "", True),
    "extract_features --from-npy": (_import, "", True),
    "select_data": (_select, "", True),
    "cluster_data": (_cluster, "", True),
    "export_subnet": (_export, "", True),
    "search_subnet": (_search, "", True),
    "calibrate_bn": (_calibrate, ".pth", False),
    "route_subnet": (_route, "", True),
    "deduplicate": (_deduplicate, "", True),
    "take": (_take, "", True),
    "eval_knn": (_evaluate, ".json", False),
    "train": (_train, "", True),
    "train of a host": (_fine_tune, "", True),
    "model_converters/convert_names": (_convert, ".pkl", False),
    "model_converters/publish_model": (_publish, ".pth", False),
    "misc/individual_configs": (_controls, "", True),
    "get_flops": (_flops, ".png", False),
    "customize": (_customize, "", True),
}


#: That take seconds.
LONG = ("customize", "train of a host", "search_subnet", "route_subnet")


def call_of(writer, folder, out):
    """Returns the call of a writer, its files made."""
    make, _, _ = WRITERS[writer]
    return verb(writer.split(" ")[0], *make(folder, out))


# Disks that give way.
@contextlib.contextmanager
def failing(number, name="fsync", after=0):
    """Lets all calls of the system fail, after so many that succeed."""
    real, calls = getattr(os, name), [0]

    def call(*args, **kwargs):
        calls[0] += 1
        if calls[0] > after:
            place = args[0] if isinstance(args[0], str | os.PathLike) else None
            raise OSError(number, os.strerror(number), place)
        return real(*args, **kwargs)

    with mock.patch.object(os, name, call):
        yield


@contextlib.contextmanager
def short_files(limit=200):
    """No file may be longer: a real error of the system, in whatever writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


_DISKS = {
    "no space": (
        functools.partial(failing, errno.ENOSPC),
        "No space left on device|disk is full",
    ),
    "a failing disk": (functools.partial(failing, errno.EIO), "Input/output error"),
    "a lost network disk": (
        functools.partial(failing, errno.ESTALE, "replace"),
        "Stale file handle",
    ),
    "a file that cannot grow": (short_files, "File too large|is the disk full"),
}


def _on_disk(writer, disk, folder):
    call = call_of(writer, folder, folder / f"out{WRITERS[writer][1]}")

    def broken():
        with _DISKS[disk][0]():
            return call()

    return broken


# Places that are none.
def _file(folder, ending, is_folder):
    place = folder / f"place{ending}"
    place.write_text("mine") if is_folder else place.mkdir()
    return place


def _below(folder, ending, is_folder):
    (folder / "file").write_text("mine")
    return folder / "file" / f"out{ending}"


def _long(folder, ending, is_folder):
    return folder / f"{'x' * 300}{ending}"


def _forbidden(folder, ending, is_folder):
    return Path("/sys/kernel", f"out{ending}")


def _theirs(folder, ending, is_folder):
    place = folder / f"place{ending}"
    if is_folder:
        place.mkdir()
        place /= "photograph.jpg"
    place.write_text("mine")
    return folder / f"place{ending}"


def _empty(folder, ending, is_folder):
    return ""


_PLACES = {
    "a file for a folder": (_file, "file|folder|exists|File exists|Is a directory"),
    "below a file": (_below, "Not a directory|is a file, where a folder is meant"),
    "a name too long": (_long, "File name too long"),
    "nobody may write there": (
        _forbidden,
        # Of /sys there is also no room.
        "Operation not permitted|Permission denied|Read-only|0 B left",
    ),
    "something of the user's": (
        _theirs,
        "photograph.jpg|is not replaced|cannot be|is not a feature store",
    ),
    "no name": (_empty, "must be a (text|path)|must name"),
}
# What publish_model writes bears the hash of its content in its name.
_OF_THE_NAME = ("a file for a folder", "something of the user's")
# What keeps the files of others beside its own.
_SHARED = ("train", "train of a host", "misc/individual_configs", "export_subnet")


def _at(writer, place, folder):
    _, ending, is_folder = WRITERS[writer]
    return call_of(writer, folder, _PLACES[place][0](folder, ending, is_folder))


def place_cases():
    """Yields the cases."""
    for writer in WRITERS:
        heavy = writer in LONG
        for place, (_, words) in _PLACES.items():
            if place == "something of the user's" and writer in _SHARED:
                continue
            if writer.endswith("publish_model") and place in _OF_THE_NAME:
                continue
            make = functools.partial(_at, writer, place)
            quick = place in ("below a file", "no name") and not heavy
            kind = "places that cannot be written"
            yield Case(kind, f"{writer}: {place}", make, words, heavy=not quick)
        for disk, (_, words) in _DISKS.items():
            make = functools.partial(_on_disk, writer, disk)
            kind = "disks that give way"
            quick = disk == "no space" and not heavy
            yield Case(kind, f"{writer}: {disk}", make, words, heavy=not quick)
