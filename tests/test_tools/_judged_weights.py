"""Cases of ``_judged.py``: weights that do not fit, are no numbers, or were changed."""

import functools
import json

import numpy as np
import torch
from torchvision.models import resnet18

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.selection.select import select
from tests._images import make_image_folder
from tests.test_export._files import STOCK, write_files
from tests.test_routing._routed import make_clusters

from ._hostile import quiet
from ._hostile_cases import _network, make_target
from ._hostile_data import store
from ._judged import Case, verb

_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_FOLDER = (
    "configs/selfsup/mocov2/mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
)
_DETECTOR = "configs/transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"


def _images(folder):
    return make_image_folder(folder / "images", 2)


# Weights of something else.
def _official(folder):
    """As the authors of MoCo v2 published theirs: of ours the queue alone fits."""
    state = {f"module.encoder_q.{k}": v for k, v in resnet18().state_dict().items()}
    state["module.queue"], state["queue"] = torch.ones(8, 8), torch.ones(32, 64)
    return {"state_dict": state, "arch": "resnet18", "epoch": 200}


def _bare(folder):
    return resnet18().state_dict()


def _classifier(folder):
    return {"state_dict": {"head.fc.weight": torch.ones(2, 3)}}


def _nothing(folder):
    return {"state_dict": {}}


def _foreign(make, how, folder):
    path = folder / "foreign.pth"
    torch.save(make(folder), path)
    options = quiet(folder)
    argv = [_MOCO, "--work-dir", folder / "run"]
    if how == "--weights":
        return verb("train", *argv, "--weights", path, "--cfg-options", *options)
    if how == "init_cfg":
        options += ["model.backbone.init_cfg.type=Pretrained"]
        options += [f"model.backbone.init_cfg.checkpoint={path}"]
    elif how == "load_from":
        options += [f"load_from={path}"]
    elif how == "--resume":
        return verb("train", *argv, "--resume", path, "--cfg-options", *options)
    else:
        config, _, _ = write_files(folder)
        return _takes(how, folder, config, path)
    return verb("train", *argv, "--cfg-options", *options)


def _takes(tool, folder, config, network):
    images, out = ["--images", _images(folder)], ["--out", folder / "out"]
    argv = {
        "export_subnet": ["--subnet", STOCK, *out],
        "extract_features": [*images, *out, "--workers", 0],
        "search_subnet": [*images, *out, "--subnet", STOCK, "--metric", "global"],
        "calibrate_bn": [*images, "--subnet", STOCK],
        "eval_knn": ["--target", make_target(folder)],
        "eval_linear": ["--target", make_target(folder)],
    }[tool]
    return verb(tool, config, network, *argv)


_FOREIGN = {
    "official MoCo v2": (_official, "loaded|another architecture|no weight of this"),
    "bare, of another width": (_bare, "loaded|another architecture|no weight of this"),
    "of a head alone": (_classifier, "loaded 0/|no weight of this"),
    "without any": (_nothing, "no weights"),
}
_WAYS = ("load_from", "init_cfg", "--weights", "--resume")
_TOOLS = (
    "export_subnet",
    "extract_features",
    "search_subnet",
    "calibrate_bn",
    "eval_knn",
)


# Weights that are no numbers.
def _spoilt(value, tool, folder):
    def spoil(net):
        with torch.no_grad():
            next(net.parameters()).view(-1)[0] = value

    config, network, _ = write_files(folder, spoil)
    return _takes(tool, folder, config, network)


# What was changed after it was written.
def _flip(path):
    data = bytearray(path.read_bytes())
    data[-9] ^= 1  # of the last tensor or row
    path.write_bytes(bytes(data))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def _one_less(path):
    path.write_text("".join(path.read_text().splitlines(True)[:-1]))


def _another(path):
    lines = path.read_text().splitlines(True)
    path.write_text("".join([*lines[1:], lines[0]]))


def _no_longer(path):
    path.unlink()


def _edit(path):
    value = json.loads(path.read_text())
    value["added"] = 1
    path.write_text(json.dumps(value))


def _export(change, name, reader, folder):
    subnet = _network().resolve("MAX")
    write_bundle(_network(), subnet, folder / "export", {})
    place = folder / "export" / subnet.name
    change(place / name)
    if change is _flip and "alone" in reader:
        (place / "record.json").unlink()
    reader = reader.removesuffix(" alone")
    images, out = ["--images", _images(folder)], ["--out", folder / "out"]
    if reader == "train":
        options = ["--cfg-options", *quiet(folder, True), f"backbone={place}"]
        return verb("train", _DETECTOR, "--work-dir", folder / "run", *options)
    target = ["--target", make_target(folder)] if reader == "eval_knn" else []
    return verb(reader, place, *(target or [*images, *out, "--workers", 0]))


def _store(change, name, reader, folder):
    place = store(folder)
    change(place / name)
    if reader == "eval_knn":
        return verb("eval_knn", "--train", place, "--test", place)
    argv = ["--pool", place, "--out", folder / "out"]
    if reader == "select_data":
        return verb(reader, *argv, "--target", place, "--budget", 3)
    return verb(reader, *argv, "--tree", "2x2")


def _selection(change, name, reader, folder):
    pool = make_image_folder(folder / "images", 8, classes=())
    rows = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    np.save(folder / "x.npy", rows)
    from mmtaskssl.features.importing import import_features

    ids = [f"{n:03}.png" for n in range(8)]
    made = import_features(folder / "x.npy", ids, folder / "store", root=pool)
    select(made, made, budget=5).save(folder / "selected", report=False)
    change(folder / "selected" / name)
    allowed = ["--edited-selection"] * reader.endswith("allowed")
    if reader.startswith("take"):
        return verb("take", folder / "selected", "--out", folder / "out", *allowed)
    options = [*quiet(folder), f"images={pool}", "max_iters=1", "batch_size=4"]
    options += [f"selection={folder / 'selected' / 'selection.txt'}", "num_workers=0"]
    options += ["model.queue_len=4", "param_scheduler=[]"]
    argv = [_FOLDER, "--work-dir", folder / "run", *allowed, "--cfg-options"]
    return verb("train", *argv, *options)


def _clusters(change, name, folder):
    make_clusters(folder)
    change(folder / "clusters" / name)
    return lambda: Clusters.open(folder / "clusters")


def weight_cases():
    """Yields the cases."""
    kind = "weights that do not fit"
    for name, (make, words) in _FOREIGN.items():
        for how in (*_WAYS, *_TOOLS):
            call = functools.partial(_foreign, make, how)
            heavy = how in _TOOLS and name != "official MoCo v2"
            yield Case(kind, f"{name}, {how}", call, words, heavy=heavy)
    kind = "weights that are no numbers"
    for value in (float("nan"), float("inf")):
        for tool in (*_TOOLS, "eval_linear"):
            make = functools.partial(_spoilt, value, tool)
            words = "is of no use: 1 of the .* tensors hold NaN or infinity"
            yield Case(kind, f"{value}, {tool}", make, words)
    kind = "changed after it was written"
    for change, name, words in (
        (_flip, "weights.pth", "weights.pth is not what was written"),
        (_cut, "weights.pth", "weights.pth has .* bytes instead of"),
        (_no_longer, "weights.pth", "lacks its weights, weights.pth"),
        (_edit, "meta.json", "meta.json is not what was written"),
    ):
        for reader in ("train", "eval_knn", "extract_features"):
            make = functools.partial(_export, change, name, reader)
            name_of = f"export's {name}, {change.__name__.strip('_')}, {reader}"
            yield Case(kind, name_of, make, words)
    make = functools.partial(_export, _flip, "weights.pth", "eval_knn alone")
    words = "weights.pth is not what meta.json says was exported"
    yield Case(kind, "export's weights, of other meta data", make, words)
    for change, name, words in (
        (_another, "ids.txt", "ids.txt is not what was written"),
        (_one_less, "ids.txt", "ids.txt has .* bytes instead of"),
        (_flip, "labels.npy", "labels.npy is not what was written"),
        (_flip, "shard-00000.npy", "shard-00000.npy is not what was written"),
        (_cut, "shard-00000.npy", "shard-00000.npy is missing or damaged"),
        (_no_longer, "shard-00000.npy", "shard-00000.npy is missing or damaged"),
        (_edit, "manifest.json", "manifest.json has .* bytes instead of"),
    ):
        for reader in ("eval_knn", "select_data", "cluster_data"):
            make = functools.partial(_store, change, name, reader)
            name_of = f"store's {name}, {change.__name__.strip('_')}, {reader}"
            yield Case(kind, name_of, make, words)
    for change, name, words in (
        (_another, "selection.txt", "selection.txt is not what was written .*checksum"),
        (_one_less, "selection.txt", "selection.txt is not what was written .*bytes"),
    ):
        for reader in ("take", "train"):
            how = change.__name__.strip("_")
            make = functools.partial(_selection, change, name, reader)
            yield Case(kind, f"selection, {how}, {reader}", make, words)
            make = functools.partial(_selection, change, name, f"{reader} allowed")
            words_of = "images are used as they are, as --edited-selection says"
            name_of = f"selection, {how}, {reader}, allowed"
            yield Case(kind, name_of, make, words_of, True, heavy=reader == "train")
    for change, name, words in (
        (_another, "ids.txt", "ids.txt is not what was written"),
        (_flip, "leaf.npy", "leaf.npy has another checksum than manifest.json"),
        (_edit, "manifest.json", "manifest.json has .* bytes instead of"),
        (_no_longer, "leaf.npy", "lacks leaf.npy"),
    ):
        make = functools.partial(_clusters, change, name)
        yield Case(kind, f"clusters' {name}, {change.__name__.strip('_')}", make, words)
