"""Whatever happens to a file: it is read as it was, or refused by its name.

Each reader gets some hundreds of damages of its own file, drawn from a seed: cut,
overwritten, edited by hand. A format with checksums never returns another result; a
list or a table of a user's may, as it can be edited into another one.
"""

import json
import random
import shutil

import numpy as np
import pytest

from mmtaskssl.apis import SearchIndex, build_index
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.datasets.images import list_images
from mmtaskssl.datasets.label_table import read_rows
from mmtaskssl.datasets.selected import read_selection
from mmtaskssl.features.layout import read_id_file
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.routing.output import read_answer
from mmtaskssl.runs import Record
from mmtaskssl.runs.result_file import ResultFile
from mmtaskssl.selection.inputs import read_sources
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.inputs import read_json, reading
from tests.test_clustering._stores import make_store

_DRAWS = 150
_VALUES = (
    None,
    [],
    {},
    -1,
    1e300,
    "",
    "x",
    True,
    [None],
    "a\\b;c\u2028d",
    float("nan"),
)


def _cut(data, rng):
    return data[: rng.randrange(len(data))]


def _flip(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _insert(data, rng):
    bits = (
        b"\0",
        b"\xff",
        b"\n\n",
        b"\r\n",
        b";",
        b"\\",
        b'"',
        b",",
        b" label",
        b"\xe2",
    )
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(bits) + data[at:]


def _lines(data, rng):
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif kind == 1:
        del lines[at]
    else:
        rng.shuffle(lines)
    return b"".join(lines)


def _windows(data, rng):
    return rng.choice((b"", b"\xef\xbb\xbf")) + data.replace(b"\n", b"\r\n")


def _nothing(data, rng):
    return b""


def _edited(data, rng):
    """Changes one value, or removes one key, of a JSON file."""
    try:
        value = json.loads(data)
    except ValueError:
        return _insert(data, rng)
    places = []

    def walk(node):
        keys = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    if not isinstance(value, dict | list) or not value or rng.random() < 0.05:
        return json.dumps(rng.choice(_VALUES)).encode()
    walk(value)
    node, key = rng.choice(places)
    if rng.random() < 0.3:
        del node[key]
    else:
        node[key] = rng.choice(_VALUES)
    return json.dumps(value).encode()


_HARMS = (_cut, _flip, _insert, _lines, _windows, _nothing, _edited)


def _image_list(folder, suffix):
    names = [f"a b/{i}.png" for i in range(9)]
    (folder / "a b").mkdir()
    for name in names:
        (folder / name).write_bytes(b"an image")
    rows = {
        ".txt": names,
        ".csv": ["path,label", *(f"{n},{i % 2}" for i, n in enumerate(names))],
        ".jsonl": [json.dumps({"path": n}) for n in names],
    }
    path = folder / f"list{suffix}"
    path.write_text("\n".join(rows[suffix]) + "\n")
    return path


def _table(folder):
    path = folder / "labels.csv"
    path.write_text("image,labels\n" + "".join(f"{i}.png,a;b\n" for i in range(5)))
    return path


def _sources(folder):
    path = folder / "sources.csv"
    path.write_text("image,source\n" + "".join(f"{i}.png,s{i % 2}\n" for i in range(5)))
    return path


def _ids(folder):
    path = folder / "ids.txt"
    path.write_text("".join(f"a b/{i}.png\n" for i in range(5)))
    return path


def _clusters(folder):
    leaf = np.arange(12, dtype=np.int32) % 4
    ids = [f"{i}.png" for i in range(12)]
    made = Clusters((2, 2), ids, "/pool", leaf, make_paths((2, 2)), {"seed": 0})
    made.save(folder / "clusters", report=False)


def _store(folder):
    rows = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    make_store(folder / "store", rows, rows_per_shard=5)


def _json(name, value):
    def make(folder):
        (folder / name).write_text(json.dumps(value))

    return make


def _opened_clusters(folder):
    found = Clusters.open(folder / "clusters")
    return found.tree, found.image_ids, found.leaf.tolist(), found.paths


def _opened_store(folder):
    found = FeatureStore.open(folder / "store")
    found.verify()
    return found.image_ids, found.read().tolist(), found.quarantine, found.root


def _index(folder):
    pytest.importorskip("faiss")
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    pool = make_store(folder / "pool", rows, rows_per_shard=20)
    build_index(pool, folder / "index", lists=3)


def _opened_index(folder):
    found = SearchIndex.open(folder / "index")
    lists = found.coder.lists
    return found.manifest, lists.centroids.tolist(), found.coder.books.tolist()


def _judged(folder):
    with reading(folder / "judged.json"):
        return Judged.of_dict(read_json(folder / "judged.json"))


def _result(folder):
    return ResultFile(folder / "r.json", "a tally", lambda r: "tally" in r).read()


# Name: what makes it, the files to harm, what reads it, whether it has checksums.
_READERS = {
    "list.txt": (
        lambda d: _image_list(d, ".txt"),
        ["list.txt"],
        lambda d: list_images(d / "list.txt"),
        False,
    ),
    "list.csv": (
        lambda d: _image_list(d, ".csv"),
        ["list.csv"],
        lambda d: list_images(d / "list.csv"),
        False,
    ),
    "list.jsonl": (
        lambda d: _image_list(d, ".jsonl"),
        ["list.jsonl"],
        lambda d: list_images(d / "list.jsonl"),
        False,
    ),
    "selection": (_ids, ["ids.txt"], lambda d: read_selection(d / "ids.txt"), False),
    "ids": (_ids, ["ids.txt"], lambda d: read_id_file(d / "ids.txt"), False),
    "labels": (_table, ["labels.csv"], lambda d: read_rows(d / "labels.csv"), False),
    "sources": (
        _sources,
        ["sources.csv"],
        lambda d: read_sources(d / "sources.csv", ["1.png", "2.png"])[1],
        False,
    ),
    "record": (
        _clusters,
        ["clusters/record.json"],
        lambda d: Record.read(d / "clusters"),
        False,
    ),
    "clusters": (
        _clusters,
        ["clusters/manifest.json", "clusters/ids.txt", "clusters/leaf.npy"],
        _opened_clusters,
        True,
    ),
    "store": (_store, None, _opened_store, True),
    "index": (
        _index,
        [
            f"index/{name}"
            for name in (
                "manifest.json",
                "centroids.npy",
                "books.npy",
                "part-00000.npy",
            )
        ],
        _opened_index,
        True,
    ),
    "result": (_json("r.json", {"tally": 1}), ["r.json"], _result, False),
    "routing": (_json("routing.json", {"a": 1}), ["routing.json"], read_answer, False),
    "judged": (
        _json("judged.json", {"scores": {"knn": [[0.5, 1.0]]}, "folds": [0, 1]}),
        ["judged.json"],
        _judged,
        False,
    ),
}


@pytest.mark.parametrize("name", _READERS)
def test_damage_is_refused_by_the_files_name_or_changes_nothing(name, tmp_path):
    make, files, read, checked = _READERS[name]
    whole = tmp_path / "whole"
    whole.mkdir()
    make(whole)
    before = read(whole) if name != "judged" else None
    places = [whole / f for f in files or ()] or sorted(
        p for p in whole.rglob("*") if p.is_file()
    )
    rng = random.Random(name)
    refused = 0
    for _ in range(_DRAWS):
        place = rng.choice(places)
        harm = rng.choice(_HARMS)
        data = place.read_bytes()
        harmed = harm(data, rng) if data else b"\0"
        place.write_bytes(harmed)
        try:
            found = read(whole)
        except UserError as error:
            refused += 1
            assert str(whole) in str(error), (harm.__name__, harmed)
        except Exception as error:
            raise AssertionError(
                f"{harm.__name__} of {place.name}: {harmed}"
            ) from error
        else:
            same = not checked or found == before
            assert same, f"{harm.__name__} of {place.name}: {harmed[:500]}"
        place.write_bytes(data)
    assert refused
    if before is not None:
        assert read(whole) == before
    shutil.rmtree(whole)
