"""Cases of ``_judged.py``: damaged and hand-edited files, and lists of all makes."""

import functools
import json
import re

import numpy as np

from mmtaskssl.apis import open_network
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.datasets.images import list_images
from mmtaskssl.datasets.label_table import read_label_table
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.features.importing import import_features
from mmtaskssl.selection.select import select
from mmtaskssl.selection.selected import Selected
from tests._images import make_image_folder
from tests.test_routing._routed import make_clusters
from tests.test_search._files import MIDDLE, write_images
from tests.test_search._files import write_files as write_supernet

from ._hostile_cases import _network
from ._hostile_data import store
from ._judged import Case, verb

_RECORD = "record.json"


def _selected(folder):
    rows = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    np.save(folder / "x.npy", rows)
    ids = [f"{n:03}.png" for n in range(8)]
    made = import_features(folder / "x.npy", ids, folder / "store")
    select(made, made, budget=5).save(folder / "made", report=False)
    return lambda: Selected.open(folder / "made")


def _stored(folder):
    place = store(folder).rename(folder / "made")
    argv = ["--pool", place, "--target", place, "--budget", 3, "--out", folder / "out"]
    return verb("select_data", *argv)


def _clustered(folder):
    make_clusters(folder)
    (folder / "clusters").rename(folder / "made")
    return lambda: Clusters.open(folder / "made")


def _exported(folder):
    subnet = _network().resolve("MAX")
    write_bundle(_network(), subnet, folder / "export", {})
    (folder / "export" / subnet.name).rename(folder / "made")
    return lambda: open_network(str(folder / "made"))


def _searched(folder):
    argv = [*write_supernet(folder), "--images", write_images(folder)]
    argv += ["--subnet", MIDDLE, "--shape", 16, "--bn-images", 16, "--metric", "global"]
    call = verb("search_subnet", *argv, "--out", folder / "made")
    call()
    return call


def _evaluated(folder):
    place = store(folder)
    argv = ["--train", place, "--test", place, "--json", folder / "made" / "knn.json"]
    verb("eval_knn", *argv)()
    return verb("eval_knn", *argv)


_MADE = {
    "store": (_stored, ("manifest.json", "quarantine.json", _RECORD)),
    "selection": (_selected, ("summary.json", "selection.csv", _RECORD)),
    "clusters": (_clustered, ("manifest.json", _RECORD)),
    "export": (_exported, ("meta.json", _RECORD)),
    "search": (_searched, ("results.jsonl", _RECORD)),
    "evaluation": (_evaluated, ("knn.json",)),
}
_DAMAGES = {
    "empty": lambda data: b"",
    "an empty object": lambda data: b"{}",
    "a list": lambda data: b"[1, 2]",
    "null": lambda data: b"null",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "not UTF-8": lambda data: b"\xff\xfe" + data,
}


def _damaged(make, name, damage, alone, folder):
    call = make(folder)
    path = folder / "made" / name
    path.write_bytes(damage(path.read_bytes() if path.exists() else b"[]"))
    if alone:
        (path.parent / _RECORD).unlink()
    return call


# A hand that knows what it does, but for one value.
_EDITS = {
    ("store", "manifest.json"): [
        *(("rows", "many"), ("rows", 99), ("dim", None), ("dim", 3), ("format", 99)),
        *(("shard_rows", None), ("shard_rows", [[1]]), ("class_names", 3)),
        *(("status", None), ("root", 3), ("extractor", "x"), ("transform", [])),
    ],
    ("clusters", "manifest.json"): [
        *(("tree", "2x2"), ("tree", [0]), ("paths", {}), ("images", "x")),
        *(("root", 3), ("leaf_sha256", 0), ("format", "x")),
    ],
    ("export", "meta.json"): [
        *(("plain_network", []), ("out_channels", "x"), ("weights", "../x.pth")),
        *(("weights", None), ("preprocessing", {}), ("pyramid", [9])),
        ("weights_sha256", "0"),
    ],
    ("selection", "summary.json"): [
        *(("pool", None), ("selected", "x"), ("inputs", []), ("target", 1)),
        *(("excluded", 3), ("seed", None)),
    ],
}


def _edited(key, value):
    def change(data):
        content = json.loads(data)
        return json.dumps({**content, key: value}).encode()

    return change


# Lists.
_NAMES = ["a b/0.png", "a b/1.png", "c/2.png"]


def _list(name, content, folder):
    for image in _NAMES:
        path = folder / image
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"an image")
    (folder / name).write_bytes(content)
    return lambda: list_images(folder / name)[1]


def _lines(names, end="\n"):
    return "".join(f"{name}{end}" for name in names).encode()


_WINDOWS = [n.replace("/", "\\") for n in _NAMES]
_TABLE = ["path,label", *(f"{n},x" for n in _NAMES)]
_GOOD_LISTS = {
    "CRLF": ("l.txt", _lines(_NAMES, "\r\n")),
    "BOM": ("l.txt", b"\xef\xbb\xbf" + _lines(_NAMES)),
    "blank lines": ("l.txt", b"\n" + _lines(_NAMES, "\n\n")),
    "table": ("l.csv", _lines(_TABLE)),
    "table of Windows": ("l.csv", b"\xef\xbb\xbf" + _lines(_TABLE, "\r\n")),
    "quotes": ("l.csv", _lines(["path,label", *(f'"{n}","x,y"' for n in _NAMES)])),
    "JSON lines": ("l.jsonl", _lines([json.dumps({"path": n}) for n in _NAMES])),
}
_BAD_LISTS = {
    "labels behind paths": ("l.txt", _lines([f"{n} 3" for n in _NAMES]), "label"),
    "labels behind tabs": ("l.txt", _lines([f"{n}\t3" for n in _NAMES]), "label"),
    "labels behind commas": ("l.txt", _lines([f"{n},3" for n in _NAMES]), "label"),
    "backslashes": ("l.txt", _lines(_WINDOWS), "backslash"),
    "backslashes in a table": ("l.csv", _lines(["path", *_WINDOWS]), "backslash"),
    "semicolons": ("l.csv", _lines([x.replace(",", ";") for x in _TABLE]), ";"),
    "tabs": ("l.csv", _lines([x.replace(",", "\t") for x in _TABLE]), "tab"),
    "no header": ("l.csv", _lines([f"{n},x" for n in _NAMES]), "name the path column"),
    "UTF-16": ("l.txt", _lines(_NAMES).decode().encode("utf-16"), "not UTF-8 text"),
    "Latin-1": ("l.txt", "é.png\n".encode("latin-1"), "not UTF-8 text"),
    "zeros": ("l.txt", bytes(64), "not UTF-8 text"),
    "nothing": ("l.txt", b"\n\n", "names no images"),
    "a header alone": ("l.csv", b"path,label\n", "names no images"),
    "other images": ("l.txt", b"x.png\ny.png\n", "is found below"),
    "no object": ("l.jsonl", b"[1]\n", "line 1 of .* is not a JSON object"),
    "no text": ("l.jsonl", b'{"path": 3}\n', "line 1 of .* names no file"),
    "another ending": ("l.lst", _lines(_NAMES), "neither a folder nor a .tar"),
    "no Parquet": ("l.parquet", _lines(_NAMES), "l.parquet"),
    "no tar": ("l.tar", _lines(_NAMES), "l.tar"),
    "outside": ("l.txt", b"/etc/x.png\na b/0.png\n", "lies outside the root folder"),
}
_BAD_TABLES = {
    "no columns": ("a,b\n1,2\n", "needs the columns image and label"),
    "no label": ("image,label\nc/2.png,\n", "row 1 of .* has no label"),
    "two labels": ("image,label\nc/2.png,a\nc/2.png,b\n", "names c/2.png twice"),
    "other images": ("image,label\nx,a\n", "has a label for none of the images"),
    "semicolons": ("image;label\nc/2.png;a\n", "needs the columns image and label"),
    "empty": ("", "needs the columns image and label"),
}


def _table(text, folder):
    (folder / "t.csv").write_text(text)
    return lambda: read_label_table(folder / "t.csv", _NAMES)


def _pool(name, content, folder):
    """A list that names half of its images wrongly is no pool."""
    make_image_folder(folder / "p", 4, classes=())
    (folder / name).write_bytes(content)
    return lambda: list_images(folder / name)[1]


def record_cases():
    """Yields the cases."""
    kind = "damaged files"
    for what, (make, names) in _MADE.items():
        for name in names:
            for damage, change in _DAMAGES.items():
                if damage == "an empty object" and name == "quarantine.json":
                    continue
                call = functools.partial(_damaged, make, name, change, False)
                words = re.escape(name)
                heavy = what == "search" or damage in ("null", "zeros")
                yield Case(kind, f"{what}: {name}, {damage}", call, words, heavy=heavy)
    kind = "hand-edited files"
    for (what, name), edits in _EDITS.items():
        make, _ = _MADE[what]
        for key, value in edits:
            change = _edited(key, value)
            call = functools.partial(_damaged, make, name, change, True)
            words = f"{re.escape(name)}|made"
            yield Case(kind, f"{what}: {key} = {value!r}, no record", call, words)
    kind = "lists and tables"
    for name, (file, content) in _GOOD_LISTS.items():
        yield Case(
            *(kind, f"good: {name}", functools.partial(_list, file, content), "", True),
            lambda folder, ids: ids == _NAMES,
        )
    for name, (file, content, words) in _BAD_LISTS.items():
        yield Case(kind, name, functools.partial(_list, file, content), words)
    for name, (text, words) in _BAD_TABLES.items():
        yield Case(kind, f"labels: {name}", functools.partial(_table, text), words)
