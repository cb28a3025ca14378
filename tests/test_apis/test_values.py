"""Values that no verb takes: one sentence each, of the option, before any work."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmtaskssl import apis
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder
from ..test_export._files import OTHER, STOCK, write_files

NAN, INF = float("nan"), float("inf")


def _store(name, count=12):
    rng = np.random.default_rng(len(name))
    return apis.import_features(
        rng.standard_normal((count, 8)).astype("f"),
        [f"{name}{i}" for i in range(count)],
        labels=["a", "b"] * (count // 2),
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What verbs are given: stores, and a config, its checkpoint and images."""
    folder = tmp_path_factory.mktemp("values")
    config, checkpoint, _ = write_files(folder)
    for split in ("train", "test"):
        make_image_folder(folder / "task" / split, n_per_class=2, size=40)
    return {
        "pool": _store("pool", 20),
        "tr": _store("tr"),
        "te": _store("te"),
        "config": config,
        "pair": (config, checkpoint),
        "task": folder / "task",
        "images": folder / "task" / "train",
        "network": apis.open_network(config, checkpoint, subnets=True),
    }


# Verb, its positional arguments (a name stands for what is given), options, the option
# that the sentence names, or other words.
POOL = ("pool", "tr", 4)
STORES = (("tr", "te"),)
_FEATURES = np.ones((2, 3), "f")
_BAD = [
    *[("select", (x, "tr", 4), {}, "feature store") for x in (None, 3, _FEATURES)],
    *[("select", ("pool", x, 4), {}, "target") for x in (None, 3)],
    ("select", ("pool", [None], 4), {}, "feature store"),
    *[("select", POOL, {"seed": x}, "`seed`") for x in (None, -1, NAN, "x", 2**70)],
    *[("select", POOL, {"exclude": x}, "`exclude`") for x in (None, 3)],
    ("select", POOL, {"exclude": "/nope"}, "/nope does not exist"),
    *[("select", POOL, {"threshold": x}, "`threshold`") for x in ("x", NAN, 2)],
    ("select", POOL, {"policy": "rond_robin"}, "did you mean 'round_robin'"),
    ("select", POOL, {"pool_root": 3}, "`pool_root`"),
    ("select", POOL, {"sources": 99}, "`sources`"),
    ("select", POOL, {"device": None}, "`device`"),
    ("select", POOL, {"progress": 3}, "`progress`"),
    *[
        ("select", ("pool", "tr", x), {}, "whole pool, 100%")
        for x in ("200%", "100.5%")
    ],
    ("select", POOL, {"network": 5}, "`network` is of use only"),
    *[("cluster", (x, "2x2"), {}, "feature store") for x in (None, _FEATURES)],
    *[("cluster", ("pool", x), {}, "`tree`") for x in (None, 4)],
    *[("cluster", ("pool", "2x2"), {"upper": x}, "`upper`") for x in (INF, NAN, "x")],
    ("cluster", ("pool", "2x2"), {"lower": None}, "`lower`"),
    *[("cluster", ("pool", "2x2"), {"sample": x}, "`sample`") for x in (1.5, None, 0)],
    *[("cluster", ("pool", "2x2"), {"seed": x}, "`seed`") for x in (None, NAN, -1)],
    ("cluster", ("pool", "2x2"), {"labels": "foldr"}, "did you mean 'folder'"),
    *[("cluster", ("pool", "2x2"), {"random": x}, "`random`") for x in ("x", None, 3)],
    ("cluster", ("pool", "2x2"), {"pool_root": 3}, "`pool_root`"),
    *[("evaluate", STORES, {"k": x}, "`k`") for x in (1.5, None, 0, True)],
    *[("evaluate", STORES, {"shots": x}, "`shots`") for x in (1.5, NAN, 0)],
    *[("evaluate", STORES, {"shots": 2, "seeds": x}, "`seeds`") for x in ("3", 1.5)],
    *[("evaluate", STORES, {"temperature": x}, "`temperature`") for x in (NAN, INF, 0)],
    *[
        ("evaluate", STORES, {"probe": "linear", "weight_decays": x}, "`weight_decays`")
        for x in ([NAN], [-1], 1e-3, None, ["x"])
    ],
    *[("evaluate", STORES, {"probe": x}, "`probe`") for x in (3, None, "knnn")],
    ("evaluate", STORES, {"train_labels": 3}, "`train_labels`"),
    *[("evaluate", STORES, {"keep": x}, "`keep`") for x in (3, "")],
    ("evaluate", STORES, {"cache": "c"}, "`cache` is of use only"),
    *[
        ("evaluate", STORES, {name: x}, f"`{name}` is of use only")
        for name, x in [
            ("image_size", 32),
            ("batch_size", 7),
            ("source", "ema"),
            ("seed", 0),
            ("trust", True),
        ]
    ],
    ("evaluate", STORES, {"weight_decays": []}, "`weight_decays`"),
    ("evaluate", STORES, {"amp": "x"}, "`amp` must be True or False"),
    ("evaluate", STORES, {"log": 3}, "`log`"),
    ("evaluate", STORES, {"devise": "cpu"}, "did you mean 'device'"),
    ("evaluate", STORES, {"batch_size": -4}, "`batch_size`"),
    ("evaluate", (("tr", None),), {}, "feature store"),
    ("evaluate", ("pair", 3), {}, "`target`"),
    ("evaluate", ("pair", "task"), {"image_size": 0}, "`image_size`"),
    ("import_features", (_FEATURES, 4), {}, "`ids`"),
    ("import_features", (_FEATURES, None), {}, "`ids`"),
    ("import_features", (_FEATURES, [1, 2]), {}, "image id"),
    *[
        ("import_features", (_FEATURES, ["a", "b"]), {name: x}, f"`{name}`")
        for name, x in [
            ("labels", "xx"),
            ("labels", [1, 2]),
            ("extractor", None),
            ("extractor", 3),
            ("root", None),
            ("out", 3),
            ("out", ""),
            ("rows_per_shard", 1.5),
            ("overwrite", True),
        ]
    ],
    *[("extract", ("network", x), {}, "`images`") for x in (None, 3, [None], "")],
    *[
        ("extract", ("network", "images"), {name: x}, f"`{name}`")
        for name, x in [
            ("batch_size", 1.5),
            ("image_size", 0),
            ("image_size", NAN),
            ("workers", "x"),
            ("labels", "foldr"),
            ("overwrite", True),
            ("source", "emma"),
            ("device", None),
            ("column", "nope"),
            ("leak_copies", "x"),
            ("append", "yes"),
            ("trust", 1),
            ("log", 3),
        ]
    ],
    ("extract", ("network", "images"), {"batchsize": 3}, "batchsize"),
    *[("open_network", (x,), {}, "a network is") for x in (None, 3, ["a", "b"], "")],
    ("open_network", ("pool",), {}, "a network is"),
    *[("open_network", (x,), {}, "a pair") for x in ((), ("a", "b", "c"))],
    ("open_network", ("config", 3), {}, "`checkpoint`"),
    *[("open_network", ("config", "random"), {"seed": x}, "`seed`") for x in (NAN, -1)],
    ("open_network", ("config", "random"), {"cfg_options": ["x"]}, "`cfg_options`"),
    *[("calibrate", ("network", STOCK, x), {}, "`images`") for x in (3, [None])],
    *[
        ("calibrate", ("network", STOCK, "images"), {name: x}, f"`{name}`")
        for name, x in [
            ("num_images", NAN),
            ("num_images", 1.5),
            ("image_size", 1),
            ("seed", -1),
            ("seed", None),
            ("device", None),
        ]
    ],
    ("calibrate", ("network", 3, "images"), {}, "`subnets`"),
    ("export", ("network", 5), {}, "`subnets`"),
    *[("export", ("network",), {"image_size": x}, "`image_size`") for x in (NAN, 40.5)],
    *[("search", ("pair", "images", x), {}, "`budgets`") for x in (None, 3.5, [None])],
    *[
        ("search", ("pair", "images", "1M-2M"), {name: x}, f"`{name}`")
        for name, x in [
            ("shape", "x"),
            ("shape", (1, 2, 3)),
            ("shape", NAN),
            ("metrics", "globl"),
            ("metrics", []),
            ("trust", "x"),
            ("strategy", "no"),
            ("num_images", NAN),
            ("candidates", 1.5),
            ("overwrite", True),
        ]
    ],
    *[("route", ("pair", x), {}, "`target`") for x in (None, 3)],
    ("route", ("pair", "task"), {"router": "short"}, "`router`"),
    ("route", ("pair", "task"), {"beam": 0}, "`beam`"),
    ("route", ("pair", "task"), {"router": "beam", "shortlist": 3}, "`shortlist`"),
    ("route", ("pair", "task"), {"router": "overlap", "beam": 3}, "`beam`"),
    ("route", ("pair", "task"), {"progress": 3}, "`progress`"),
    *[("list_costs", (x,), {}, "`config`") for x in (None, 3)],
    ("list_costs", ("config",), {"shape": 0}, "`shape`"),
    ("list_costs", ("config",), {"latency": "x"}, "`latency` must be"),
    *[
        ("list_costs", ("config",), {name: x}, f"`{name}` is of use only with `lat")
        for name, x in [("device", "x"), ("repeats", 3), ("batch_size", 2)]
    ],
    *[
        ("line_search", ("network", "network", "task"), {name: x}, f"`{name}`")
        for name, x in [
            *[("points", x) for x in (NAN, "a", None, True, 1, [])],
            *[("points", [x]) for x in (NAN, "a", 2, None)],
            *[("folds", x) for x in (NAN, None, 1.5, 1, 100)],
            *[("seed", x) for x in (None, NAN, -1)],
            ("probe", "x"),
            ("norms", None),
            ("batch_size", 0),
            ("trust", "x"),
            ("log", 3),
        ]
    ],
    *[("line_search", ("network",) * 2 + (x,), {}, "`target`") for x in (3, None)],
    *[("controls", (x,), {}, "`run`") for x in (3, None, [])],
    *[
        ("controls", ("config",), {name: x}, f"`{name}`")
        for name, x in [
            *[("kinds", x) for x in (3, [], "untrained")],
            *[
                ("seeds", x)
                for x in (NAN, None, 1.5, True, "1", ["a"], [-1], [2**40], 0)
            ],
            *[(f, x) for f in ("public", "weights") for x in (3, "/nope", "timm:x=/n")],
            ("images", 3),
            ("selection", 3),
            ("iters", 0),
            ("cfg_options", 3),
        ]
    ],
    *[
        ("paired_difference", (x, x), {}, "an arm of a comparison")
        for x in ("ab", "1", b"1", [None, "x"], {"a": "x"})
    ],
    ("paired_difference", ([1], [2]), {"level": None}, "`level`"),
    ("measure_latency", (3,), {}, "`call`"),
    ("step_memory", ("config",), {}, "is no training config: it has no"),
    ("step_memory", ("config", 0), {}, "`processes`"),
    ("measure_latency", (print,), {"repeats": 1.5}, "`repeats`"),
    *[("evaluate_transfer", ("network", x), {}, "`root`") for x in (3, None)],
    ("evaluate_transfer", ("network", "task"), {"overwrite": 1}, "`overwrite`"),
    ("pretrain", (None,), {}, "`config`"),
    *[
        ("pretrain", ("config",), {name: x}, f"`{name}`")
        for name, x in [
            ("seed", -1),
            ("seed", 2**40),
            ("selection", 3),
            ("clusters", 3),
            ("images", 3),
            ("target", 3),
            ("work_dir", 3),
            ("work_dir", ""),
            ("resume", 3),
            ("iters", NAN),
            ("cfg_options", ["a=1"]),
            ("launcher", "mpii"),
        ]
    ],
]


def _named(given, value):
    if isinstance(value, tuple):
        return tuple(_named(given, part) for part in value)
    return given.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("verb", "arguments", "options", "words"), _BAD)
def test_bad_values_are_one_sentence(given, verb, arguments, options, words):
    arguments = [_named(given, value) for value in arguments]
    options = {name: _named(given, value) for name, value in options.items()}
    with pytest.raises(UserError, match=words) as caught:
        getattr(apis, verb)(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [None, 3, "", "a\0b", b"x"])
def test_results_are_saved_to_places(given, place):
    found = apis.evaluate((given["tr"], given["te"]))
    for write in (found.save, found.report, given["pool"].save):
        with pytest.raises(UserError, match="must be a path"):
            write(place)


def test_a_tilde_is_the_home_folder(given, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = apis.evaluate((given["tr"], given["te"]))
    assert found.save("~/out") == tmp_path / "out"
    assert found.report("~/page.html").is_file()
    assert (tmp_path / "page.html").is_file()


def test_one_store_is_excluded_as_one_is_a_target(given):
    one = apis.select(given["pool"], given["tr"], 4, exclude=given["te"])
    several = apis.select(given["pool"], given["tr"], 4, exclude=[given["te"]])
    assert one.image_ids == several.image_ids


def test_labels_are_those_of_a_table(given, tmp_path):
    table = tmp_path / "my_table.csv"
    table.write_text("image,label\n1.png,emu\n0.png,cat\n")
    names = ["0.png", "1.png", "2.png"]
    store = apis.import_features(np.eye(3, dtype="f"), names, labels=table)
    assert store.class_names == ["cat", "emu"]
    assert store.labels.tolist() == [0, 1, -1]
    store = apis.extract(given["network"], given["images"], workers=0, device="cpu")
    rows = "".join(f"{image},x{i % 2}\n" for i, image in enumerate(store.image_ids))
    table.write_text("image,label\n" + rows)
    labelled = apis.extract(
        given["network"], given["images"], workers=0, labels=str(table), device="cpu"
    )
    assert labelled.class_names == ["x0", "x1"]
    assert labelled.labels.tolist() == [i % 2 for i in range(len(store))]


def test_a_store_says_what_it_is(given):
    assert repr(given["pool"]) == "MemoryStore('memory', 20 x 8)"


def test_what_is_said_of_an_open_network_agrees(given, tmp_path):
    network, (config, checkpoint) = given["network"], given["pair"]
    online = apis.open_network(config, checkpoint)
    assert apis.open_network(online) is online
    assert apis.open_network((online, checkpoint)) is online
    assert apis.open_network(online, str(checkpoint), source="online") is online
    for more in (
        {"checkpoint": "/nope.pth"},
        {"weights": "random"},
        {"source": "ema"},
        {"cfg_options": {"model.backbone.depth": 18}},
    ):
        with pytest.raises(UserError, match="is open already"):
            apis.open_network(online, **more)
    with pytest.raises(UserError, match="is open already"):
        apis.open_network((online, "/nope.pth"))
    for verb in (
        lambda: apis.evaluate(online, given["task"], source="ema"),
        lambda: apis.export(network, STOCK, source="ema"),
        lambda: apis.extract(online, given["images"], source="ema"),
    ):
        with pytest.raises(UserError, match="`source` 'ema' is for opening one"):
            verb()
    drawn = apis.open_network(config, "random", seed=3)
    assert apis.open_network(drawn, seed=3) is apis.open_network(drawn) is drawn
    with pytest.raises(UserError, match="drawn with seed 3"):
        apis.open_network(drawn, seed=4)
    with pytest.raises(UserError, match="no averaged encoder"):
        apis.open_network(config, "random", source="ema")


def test_facts_say_which_network_was_measured(given):
    config, checkpoint = given["pair"]
    averaged = apis.open_network(config, checkpoint, source="ema")
    options = {"workers": 0, "device": "cpu"}
    value = apis.evaluate(averaged, given["task"], **options)
    named = apis.evaluate((config, checkpoint), given["task"], source="ema", **options)
    online = apis.evaluate((config, checkpoint), given["task"], **options)
    assert value.facts == named.facts
    assert value.facts["source"] == "ema"
    assert value.facts["extractor"] == [str(config), str(checkpoint)]
    assert online.facts["source"] == "online"
    assert online.facts["weights_sha256"] != value.facts["weights_sha256"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("model.backbne.x", "did you mean 'backbone'"),
        ("model.nothing_like_it.x", "no 'nothing_like_it'"),
        ("model.backbone.init_cfg.type", None),
        ("model.backbone.new_cfg.x", None),
    ],
)
def test_options_of_parts_that_are_not_there(tmp_path, key, words):
    from mmtaskssl.config import load_config

    cfg = Config({"model": {"type": "A", "backbone": {"type": "B"}}})
    if words is None:
        assert load_config(cfg, {key: 1}).get(key.split(".")[0])
        return
    with pytest.raises(UserError, match=words):
        load_config(cfg, {key: 1})


def test_results_go_into_the_next_verb(given):
    files = sorted(given["images"].rglob("*.png"))[:2]
    names = [str(file.relative_to(given["images"])) for file in files]
    images = apis.import_features(_FEATURES, names, root=given["images"])
    calibrated = apis.calibrate(given["network"], [STOCK, OTHER], images, device="cpu")
    paths = [given["images"] / image for image in images.image_ids]
    same = apis.calibrate(given["network"], STOCK, paths, device="cpu")
    assert calibrated.images == same.images == 2
    exports = apis.export(calibrated, [STOCK, OTHER])
    alone = exports[STOCK]
    options = {"workers": 0, "device": "cpu"}
    found = apis.evaluate(alone, given["task"], **options)
    only = apis.export(calibrated, STOCK)
    assert found.results == apis.evaluate(only, given["task"], **options).results
    with pytest.raises(UserError, match="several networks"):
        apis.evaluate(exports, given["task"], **options)
    with pytest.raises(UserError, match="needs a RoutedResNet"):
        apis.route(calibrated, given["task"])
    costs = apis.list_costs(given["network"])
    of_config = apis.list_costs(given["config"], shape=32)
    assert costs.to_dict()["rows"] == of_config.to_dict()["rows"]
    assert len(apis.list_costs(calibrated, [STOCK])) == 1


def test_random_states_and_scopes_are_the_callers(given):
    # By name: mmengine puts copies back of those that were there.
    before, scopes = torch.get_rng_state(), [*DefaultScope._instance_dict]
    options = {"workers": 0, "device": "cpu"}
    apis.extract(given["network"], given["images"], **options)
    apis.evaluate(given["network"], given["task"], **options)
    network = apis.open_runner(given["network"], **options)
    apis.select(given["images"], given["images"], 1, network=network, device="cpu")
    apis.open_network(given["config"], "random")
    apis.list_costs(given["config"], [STOCK], latency=True, repeats=1, device="cpu")
    some = {"images": given["images"], "num_images": 2, "device": "cpu"}
    plain = apis.export(apis.calibrate(given["network"], STOCK, **some), STOCK)
    apis.calibrate(plain, "MAX", **some)
    with pytest.raises(UserError, match="no sub-nets to choose from"):
        apis.search(plain, given["images"], subnets=[STOCK], device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
    assert [*DefaultScope._instance_dict] == scopes


def test_types_know_every_public_name_and_no_other():
    tree = ast.parse(Path(apis.__file__).read_text(encoding="utf-8"))
    defined = {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}
    assert "__getattr__" not in defined  # by which any name would be there, of type Any
    branches = [part for part in tree.body if isinstance(part, ast.If)]
    typed = {
        alias.name
        for part in branches[0].body
        if isinstance(part, ast.ImportFrom)
        for alias in part.names
    }
    assert ast.unparse(branches[0].test) == "TYPE_CHECKING"
    assert typed == set(apis.__all__) == set(apis._HOMES)
    with pytest.raises(AttributeError):
        getattr(apis, "exprot")  # noqa: B009
