"""Whatever stands in a file or behind a flag: a value, or one sentence.

Each parser gets texts, bytes and documents that hypothesis draws, most of them near to
what is right: one part of a good document is another value.
"""

import functools
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.options import parse_tree
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.config.dumped_config import parse_dumped_config
from mmtaskssl.config.export_info import ExportInfo
from mmtaskssl.customize.inspection.masks import indices_of, read_masks
from mmtaskssl.customize.inspection.reading import read_target
from mmtaskssl.customize.settings import read_time
from mmtaskssl.datasets.annotations.coco import CocoFile, read_coco_json
from mmtaskssl.datasets.annotations.label_maps import look_at_masks
from mmtaskssl.datasets.annotations.voc import read_voc_xml
from mmtaskssl.datasets.images import list_images
from mmtaskssl.datasets.label_table import read_label_table
from mmtaskssl.datasets.selected import read_selection
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.layout import read_id_file
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.models.backbones import DynamicResNet
from mmtaskssl.runs import RECORD
from mmtaskssl.selection.inputs import read_sources
from mmtaskssl.selection.select import select
from mmtaskssl.selection.selected import Selected
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.budgets import Budget, count_bytes, count_images
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.inputs import parse_yaml
from tests._annotation_faults import make_coco, make_masks, make_voc

fuzzed = settings(
    max_examples=80,
    derandomize=True,  # the same in each run
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Values and texts that somebody may have written.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, 1, -1, 2, 1e308, float("nan"), float("inf"), -0.5]),
    st.sampled_from(
        ["", " ", "nan", "0", "../x", "a/b", "\0", "\ud800", "é", "x" * 300]
    ),
    st.text(max_size=6),
)
JSON = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner)
    ),
    max_leaves=6,
)
TEXTS = st.text(
    st.sampled_from("ab01.,;:/\\\"'-_ \t\r\n\0\ufeff\u2028%xeKMGTms{}[]")
    | st.characters(),
    max_size=60,
)
FILES = st.one_of(
    st.binary(max_size=60),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@st.composite
def edited(draw, document):
    """A document with one value replaced, removed or doubled, mostly deep within."""
    document = json.loads(json.dumps(document))
    node, depth = document, draw(st.integers(0, 4))
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return document
        key = draw(st.sampled_from(keys))
        if depth == 0 or not isinstance(node[key], dict | list):
            break
        node, depth = node[key], depth - 1
    kind = draw(st.integers(0, 4))
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, list):
        node.insert(key, node[key])
    else:
        node[key] = draw(JSON)
    return document


def as_json(document):
    return json.dumps(document).encode("utf-8", "surrogatepass")


def a_value_or_a_sentence(call):
    """Calls a parser; returns its value, or None after one sentence."""
    try:
        return call()
    except UserError as error:
        assert str(error).strip()
        return None


# Lists and tables.
NAMES = ["a b/0.png", "c/1.png", "2.png"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"an image")
    return folder


@st.composite
def lists(draw, ending):
    lines = draw(st.lists(st.sampled_from(NAMES) | TEXTS, max_size=5))
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n", "\r"]))
    if ending == ".jsonl":
        lines = [draw(st.just(json.dumps({"path": x})) | JSON.map(str)) for x in lines]
    elif ending == ".csv":
        head = draw(st.sampled_from(["path,label", "path", "image;label", "x,y"]))
        lines = [
            head,
            *(f"{x}{draw(st.sampled_from(['', ',1', ';1', ',']))}" for x in lines),
        ]
    mark = draw(st.sampled_from(["", "\ufeff"]))
    text = mark + end.join(lines)
    return draw(st.just(text.encode("utf-8", "surrogatepass")) | FILES)


@pytest.mark.parametrize("ending", [".txt", ".csv", ".jsonl"])
def test_lists_of_images(pool, ending):
    @fuzzed
    @given(lists(ending))
    def check(content):
        path = pool / f"list{ending}"
        path.write_bytes(content)
        found = a_value_or_a_sentence(lambda: list_images(path))
        assert found is None or all(isinstance(image, str) for image in found[1])

    check()


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_tables_of_labels_and_of_sources(pool, ending):
    @fuzzed
    @given(lists(ending), st.sampled_from(["label", "labels", "source"]))
    def check(content, column):
        path = pool / f"table{ending}"
        path.write_bytes(
            content.replace(b"path", b"image").replace(b"label", column.encode())
        )
        a_value_or_a_sentence(lambda: read_label_table(path, NAMES))
        a_value_or_a_sentence(lambda: read_sources(str(path), NAMES))
        a_value_or_a_sentence(lambda: read_target(path, None, "auto"))

    check()


def test_lists_of_ids(pool):
    @fuzzed
    @given(lists(".txt"))
    def check(content):
        path = pool / "ids.txt"
        path.write_bytes(content)
        a_value_or_a_sentence(lambda: read_id_file(path))
        a_value_or_a_sentence(lambda: read_selection(str(path)))

    check()


# Annotations.
def test_coco(tmp_path):
    good = json.loads((make_coco(tmp_path) / "coco.json").read_text())

    @fuzzed
    @given(edited(good).map(as_json) | JSON.map(as_json) | FILES, st.booleans())
    @example(b"[" * 99_999, False)
    def check(content, masks):
        path = tmp_path / "coco.json"
        path.write_bytes(content)

        def read():
            return CocoFile(path, read_coco_json(path)).judge(masks)

        a_value_or_a_sentence(read)
        a_value_or_a_sentence(lambda: read_target(path, None, "auto"))

    check()


def test_voc(tmp_path):
    path = make_voc(tmp_path) / "Annotations" / "0.xml"
    good = path.read_text()
    words = ["64", "48", "cell", "0", "xmin", "object", "size", "annotation", "<", "/>"]

    @fuzzed
    @given(
        st.tuples(st.sampled_from(words), TEXTS | ODD.map(str)).map(
            lambda pair: good.replace(*pair).encode("utf-8", "surrogatepass")
        )
        | FILES
    )
    @example(good.replace("64", "inf").encode())
    @example(f'<?xml version="1.0" encoding="nonsense"?>{good}'.encode())
    @example(f'<?xml version="1.0" encoding="utf-32"?>{good}'.encode())
    def check(content):
        path.write_bytes(content)
        a_value_or_a_sentence(lambda: read_voc_xml(path))
        a_value_or_a_sentence(lambda: read_target(tmp_path, None, "auto"))

    check()


def png(pixels, mode=None):
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


@st.composite
def masks(draw):
    side = draw(st.integers(1, 5))
    top = draw(st.sampled_from([1, 2, 9, 255, 65535]))
    values = draw(st.lists(st.integers(0, top), min_size=side, max_size=side))
    dtype = np.uint16 if top > 255 else np.uint8
    shape = draw(st.sampled_from([(1, side), (side, 1)]))
    pixels = np.array(values, dtype).reshape(shape)
    if draw(st.booleans()) and dtype is np.uint8:
        pixels = np.stack([pixels] * draw(st.sampled_from([3, 4])), -1)
    data = png(pixels)
    return data[: draw(st.integers(0, len(data)) | st.just(len(data)))]


def test_masks_and_names_of_classes(tmp_path):
    folder = make_masks(tmp_path, 2)
    pair = ("img", "ann")

    @fuzzed
    @given(masks() | FILES, TEXTS, st.none() | st.integers(0, 255))
    def check(content, classes, void):
        (folder / "ann" / "001.png").write_bytes(content)
        (folder / "classes.txt").write_text(classes, "utf-8", "surrogatepass")
        paths = sorted((folder / "ann").iterdir())
        found = a_value_or_a_sentence(lambda: look_at_masks(paths))
        read = a_value_or_a_sentence(lambda: read_masks(folder, pair))
        if found is None or read is None:
            return
        usable = [mask for mask in found if "broken" not in mask]
        names = read.class_names
        a_value_or_a_sentence(lambda: indices_of({"ann": usable}, names, void))

    check()


# What the tools have written, without the record that would say that it was edited.
def _store(folder):
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    np.save(folder / "x.npy", rows)
    ids = [f"{n}.png" for n in range(6)]
    return import_features(
        folder / "x.npy", ids, folder / "made", labels=["a", "b"] * 3
    )


def _read_store(folder):
    store = FeatureStore.open(folder)
    return store.read(), store.image_ids, store.labels, store.bad_rows, store.root


def _selection(folder):
    store = _store(folder)
    store.path.rename(folder / "store")
    store = FeatureStore.open(folder / "store")
    select(store, store, budget=3).save(folder / "made", report=False)


def _clusters(folder):
    leaf = np.arange(12, dtype=np.int32) % 4
    ids = [f"{n}.png" for n in range(12)]
    made = Clusters((2, 2), ids, "/pool", leaf, make_paths((2, 2)), {"seed": 0})
    made.save(folder / "made", report=False)


def _export(folder):
    space = {
        "kind": "list",
        "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 7},
        "subnets": ["s8-w8.8.8.8-d1.1.1.1"],
    }
    network = DynamicResNet(space)
    made = write_bundle(network, network.resolve("MAX"), folder / "export", {})
    shutil.move(next((folder / "export").iterdir()), folder / "made")
    return made


@pytest.mark.parametrize(
    ("make", "name", "read"),
    [
        (_store, "manifest.json", _read_store),
        (_store, "quarantine.json", _read_store),
        (_selection, "summary.json", Selected.open),
        (_clusters, "manifest.json", Clusters.open),
        (_export, "meta.json", lambda f: ExportInfo.read(f).network_config()),
    ],
    ids=["store", "quarantine", "selection", "clusters", "export"],
)
def test_documents_that_somebody_edited(tmp_path, make, name, read):
    make(tmp_path)
    path = tmp_path / "made" / name
    (path.parent / RECORD).unlink()
    good = (
        json.loads(path.read_text())
        if path.exists()
        else [{"row": 1, "image": "1.png", "reason": "x"}]
    )
    read(path.parent)

    @fuzzed
    @given(edited(good).map(as_json) | JSON.map(as_json) | FILES)
    def check(content):
        path.write_bytes(content)
        a_value_or_a_sentence(functools.partial(read, path.parent))

    check()


# What stands behind a flag.
FLAGS = st.one_of(
    TEXTS,
    st.from_regex(r"\A[0-9.e_%KMGTmus:a-z-]{0,14}\Z"),
    st.from_regex(r"\A[0-9]{1,3}[KMG]?-[0-9]{1,3}[KMG]?(:params)?\Z"),
    st.from_regex(r"\A[swdp0-9.x-]{0,20}\Z"),
)


@pytest.mark.parametrize(
    "parse",
    [
        Budget.parse,
        functools.partial(count_images, pool_size=200),
        functools.partial(count_bytes, "memory"),
        read_time,
        Subnet.parse,
        parse_tree,
    ],
    ids=["budget", "images", "bytes", "time", "sub-net", "tree"],
)
def test_what_is_typed(parse):
    @fuzzed
    @given(FLAGS)
    @example("9" * 5000)
    @example("1e999-2e999")
    @example("1e999s")
    def check(text):
        a_value_or_a_sentence(lambda: parse(text))

    check()


def test_configs_that_are_data():
    @fuzzed
    @given(TEXTS | JSON.map(repr))
    def check(text):
        a_value_or_a_sentence(lambda: parse_dumped_config(f"x = {text}", "x.py"))
        try:
            parse_yaml(text)
        except ValueError as error:  # which its caller knows the file of
            assert str(error)

    check()
