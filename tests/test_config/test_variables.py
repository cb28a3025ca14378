"""Variables at the top of a config reach their places, wherever they are set."""

import itertools

import pytest
from mmengine.config import Config

from mmtaskssl.config import load_config
from mmtaskssl.config.variables import child_values
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config
from tests._images import make_image_folder

BASE = """
images, selection = 'base_images', None
max_iters, max_epochs, batch_size, num_workers = 1000, 10, 32, 2
clusters = 'base_clusters'
train_cfg = dict(type='X', max_iters=max_iters, max_epochs=max_epochs)
train_dataloader = dict(
    batch_size=batch_size, num_workers=num_workers, persistent_workers=True,
    dataset=dict(
        type='ClusteredImages', clusters=clusters, data_root='base_root',
        dataset=dict(type='UnlabeledImages', source=images)))
data_root = 'base_root'
param_scheduler = [
    dict(type='LinearLR', begin=0, end=200, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=200, by_epoch=False)]
default_hooks = dict()
model = dict(type='Anything')
"""
PLACES = {
    "max_iters": "train_cfg.max_iters",
    "max_epochs": "train_cfg.max_epochs",
    "batch_size": "train_dataloader.batch_size",
    "num_workers": "train_dataloader.num_workers",
    "clusters": "train_dataloader.dataset.clusters",
    "images": "train_dataloader.dataset.dataset.source",
    "data_root": "train_dataloader.dataset.data_root",
}
# Leaf's value, command line's value.
VALUES = {
    "max_iters": (300, 50),
    "max_epochs": (3, 5),
    "batch_size": (8, 4),
    "num_workers": (0, 1),
    "clusters": ("leaf", "line"),
    "images": ("leaf", "line"),
    "data_root": ("leaf", "line"),
}
_NAMES = itertools.count()


@pytest.fixture
def files(tmp_path):
    def write(text, *bases):
        path = tmp_path / f"config{next(_NAMES)}.py"
        head = f"_base_ = {[base.rpartition('/')[2] for base in bases]}\n"
        path.write_text((head if bases else "") + text)
        return str(path)

    return write


@pytest.fixture
def base(files):
    return files(BASE)


def _at(cfg, place):
    for key in place.split("."):
        cfg = cfg[key]
    return cfg


def _nested(place, value):
    for key in reversed(place.split(".")):
        value = {key: value}
    return "\n".join(f"{key} = {inner!r}" for key, inner in value.items())


@pytest.mark.parametrize("name", PLACES)
def test_leaf_before_base_and_command_line_before_leaf(name, files, base):
    place, (of_leaf, of_line) = PLACES[name], VALUES[name]
    leaf = files(f"{name} = {of_leaf!r}", base)
    assert _at(load_config(leaf), place) == of_leaf
    for key in (name, place):
        cfg = load_config(leaf, {key: of_line})
        assert _at(cfg, place) == of_line, key
    unchanged = load_config(files("", base))
    assert _at(unchanged, place) == _at(Config.fromfile(base), place)
    assert load_config(leaf)[name] == of_leaf  # what print_config shows


@pytest.mark.parametrize("name", PLACES)
def test_a_place_set_by_hand_goes_before_variables(name, files, base):
    place, (value, other) = PLACES[name], VALUES[name]
    leaf = files(_nested(place, value), base)  # the base's variable has another value
    assert _at(load_config(leaf), place) == value
    both = files(f"{name} = {other!r}\n{_nested(place, value)}", base)
    assert _at(load_config(both), place) == value
    below = files(f"{name} = {other!r}", leaf)  # a child's child
    assert _at(load_config(below), place) == other
    again = files(_nested(place, value), files(f"{name} = {other!r}", base))
    assert _at(load_config(again), place) == value


@pytest.mark.parametrize("name", PLACES)
def test_a_value_is_inherited_from_a_config_in_between(name, files, base):
    value = VALUES[name][0]
    leaf = files("work_dir = 'x'", files(f"{name} = {value!r}", base))
    assert _at(load_config(leaf), PLACES[name]) == value


@pytest.mark.parametrize("place", ["dict(max_iters=1000)", "{'max_iters': 1000}"])
def test_a_place_goes_before_a_variable_in_between_though_bases_agree(
    place, files, base
):
    middle = files("max_iters = 300", base)
    assert load_config(middle).train_cfg.max_iters == 300
    leaf = files(f"train_cfg = {place}", middle)
    assert load_config(leaf).train_cfg.max_iters == 1000
    assert load_config(files("batch_size = 4", leaf)).train_cfg.max_iters == 1000
    assert load_config(files("max_iters = 50", leaf)).train_cfg.max_iters == 50
    assert load_config(leaf, {"max_iters": 20}).train_cfg.max_iters == 20


def test_a_base_of_variables_alone(files):
    whole = files(
        BASE.replace(
            "batch_size, num_workers = 1000, 10, 32, 2", "b = 1, 2, 3"
        ).replace("batch_size=batch_size, num_workers=num_workers", "batch_size=7")
    )
    leaf = files("", whole, files("batch_size = 5"))
    assert load_config(leaf).train_dataloader.batch_size == 5


def test_printed_configs_have_everything_in_its_place(files, base, tmp_path):
    leaf = files("selection = 'chosen.txt'\nmax_iters = 300\nimages = 'mine'", base)
    cfg = load_config(leaf)
    printed = files(cfg.pretty_text)
    assert child_values(printed) == {}
    assert load_config(printed).to_dict() == cfg.to_dict()
    child = load_config(files("max_iters = 100", printed))
    assert child.train_cfg.max_iters == 100
    assert child.train_dataloader.to_dict() == cfg.train_dataloader.to_dict()


def test_selection(files, base):
    leaf = files("selection = 'leaf.txt'", base)
    data = load_config(leaf).train_dataloader.dataset
    assert data.type == "mmtaskssl.SelectedImages"
    assert data.selection == "leaf.txt" and data.dataset.type == "ClusteredImages"
    data = load_config(leaf, {"selection": "line.txt", "images": "mine"})
    data = data.train_dataloader.dataset
    assert data.selection == "line.txt" and data.dataset.type == "ClusteredImages"
    assert data.dataset.dataset.source == "mine"
    below = load_config(files("selection = 'other.txt'", leaf))
    assert below.train_dataloader.dataset.selection == "other.txt"
    off = load_config(leaf, {"selection": None}).train_dataloader.dataset
    assert off.type == "ClusteredImages"
    # an option inside the data set is meant as the config writes it
    inside = {"train_dataloader.dataset.clusters": "line"}
    data = load_config(leaf, inside).train_dataloader.dataset
    assert data.dataset.clusters == "line"


def test_target_of_a_pretraining_and_of_a_classifier(files, base, tmp_path):
    leaf = files("target = 'leaf'\nmax_iters = 300", base)
    knn = load_config(leaf).default_hooks.knn
    assert knn.train.source == "leaf/train"
    assert load_config(leaf, {"target": "line"}).default_hooks.knn.test.source == (
        "line/test"
    )
    assert "knn" not in load_config(leaf, {"target": None}).default_hooks
    for name in ("leaf", "line"):
        for part in ("train", "test"):
            make_image_folder(tmp_path / name / part, 2, classes=("a", "b", "c"))
    data = "dict(type='LabeledImages', source='x')"
    classifier = files(
        "target = 'x'\n"
        f"train_dataloader = dict(batch_size=2, dataset={data})\n"
        f"val_dataloader = dict(dataset={data})\n"
        "model = dict(head=dict(num_classes=10))\n"
    )
    leaf = files(f"target = {str(tmp_path / 'leaf')!r}", classifier)
    cfg = load_config(leaf)
    assert cfg.train_dataloader.dataset.source == str(tmp_path / "leaf" / "train")
    assert cfg.model.head.num_classes == 3
    line = load_config(leaf, {"target": str(tmp_path / "line")})
    assert line.val_dataloader.dataset.source == str(tmp_path / "line" / "test")
    assert load_config(classifier).model.head.num_classes == 10


def test_a_target_goes_before_that_of_a_printed_config(files, base, tmp_path):
    leaf = files("target = 'leaf'\ndefault_hooks = dict(knn=dict(k=5))", base)
    printed = str(tmp_path / "printed.py")
    load_config(leaf).dump(printed)
    for cfg in (
        load_config(printed, {"target": "line"}),
        load_config(files("target = 'line'", printed)),
    ):
        knn = cfg.default_hooks.knn
        assert (knn.train.source, knn.test.source) == ("line/train", "line/test")
        assert knn.k == 5
    # Images that are named in their place hold, wherever a variable would put others.
    own = "target = 'leaf'\ndefault_hooks = dict(knn=dict(train=dict(source='own')))"
    assert load_config(files(own, base)).default_hooks.knn.train.source == "own"
    options = {"target": "line", "default_hooks.knn.train.source": "own"}
    knn = load_config(printed, options).default_hooks.knn
    assert knn.train.source == "own"


def test_public_set(files):
    name = "finetune_resnet50_1xb64-coslr-5k_public-224px.py"
    base = resolve_config(f"configs/transfer/classification/{name}").resolve()
    leaf = files(f"dataset = 'pets'\n_base_ = {str(base)!r}")
    options = {"dataset": "aircraft"}
    assert load_config(leaf).model.head.num_classes == 37
    assert load_config(leaf, options).model.head.num_classes == 100


def test_schedules_follow_a_variable_but_not_over_their_own(files, base):
    def ends(cfg):
        return [cfg.param_scheduler[0].end, cfg.param_scheduler[1].begin]

    assert ends(load_config(files("max_iters = 300", base))) == [30, 30]
    own = "param_scheduler = [dict(type='LinearLR', end=90, by_epoch=False),"
    own += "dict(type='CosineAnnealingLR', begin=90, by_epoch=False)]\n"
    leaf = files(own + "max_iters = 300", base)
    assert ends(load_config(leaf)) == [90, 90]
    assert ends(load_config(leaf, {"max_iters": 100})) == [10, 10]
    place = files("train_cfg = dict(max_iters=300)", base)
    assert ends(load_config(place)) == [200, 200]


def test_no_workers_persist_where_there_are_none(files, base):
    loader = load_config(files("num_workers = 0", base)).train_dataloader
    assert not loader.persistent_workers
    assert load_config(base).train_dataloader.persistent_workers


def test_images_of_a_data_set_without_a_source_are_refused(files):
    base = files("train_dataloader = dict(dataset=dict(type='SyntheticImages'))")
    with pytest.raises(UserError, match="needs a data set of image files"):
        load_config(files("images = 'mine'", base))


def test_configs_of_other_packages_keep_their_meaning(monkeypatch, files, base):
    from mmtaskssl.config import load as config

    leaf = files("max_iters = 300", base)
    monkeypatch.setattr(config, "_installed", lambda *_: leaf)
    assert load_config("mmdet::x.py").train_cfg.max_iters == 1000
    assert load_config("mmdet::x.py", {"max_iters": 9}).train_cfg.max_iters == 9
