"""Selection as a value: in memory, without a folder, without a tool."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.datasets.images import list_images
from mmtaskssl.datasets.selected import read_selection
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.names import METHODS, POLICY_NAMES
from mmtaskssl.selection.policies import POLICIES
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


@pytest.fixture
def stores():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(60, 8))
    near = pool[[3, 4, 40]] + 0.05 * rng.normal(size=(3, 8))
    ids = [f"pool/{i:02d}.png" for i in range(60)]
    return (
        MemoryStore(pool, ids, name="pool"),
        MemoryStore(near, ["a", "b", "c"], labels=["x", "x", "y"], name="target"),
    )


def test_values_go_in_and_a_value_comes_out(stores, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    selected = apis.select(*stores, budget=6)
    assert selected.image_ids[:3] == ["pool/03.png", "pool/04.png", "pool/40.png"]
    assert len(selected) == 6 == selected.to_dict()["selected"]
    assert "6 of 60" in selected.table() and "6 of 60" in selected._repr_html_()
    assert json.loads(json.dumps(selected.to_dict()))["images"] == selected.image_ids
    assert not [*tmp_path.iterdir()]  # nothing was written


def test_it_is_saved_when_it_is_asked_to(stores, tmp_path):
    selected = apis.select(*stores, budget="10%", policy="score", exclude=())
    folder = selected.save(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert {"selection.txt", "summary.json", "report.html", "record.json"} <= names
    assert (folder / "selection.txt").read_text().split() == selected.image_ids
    other = apis.select(*stores, budget=7)
    with pytest.raises(UserError, match="same inputs"):
        other.save(folder)
    other.save(folder, overwrite=True)
    assert len((folder / "selection.txt").read_text().split()) == 7
    page = selected.report(tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    selected.report(tmp_path / "page.html")  # an earlier page gives way
    (tmp_path / "page.html").write_text("<!doctype html> mine")
    with pytest.raises(UserError, match="is not a page of mmtaskssl"):
        selected.report(tmp_path / "page.html")


def test_it_is_reopened(stores, tmp_path):
    pool, target = stores
    test = MemoryStore(pool.read([3]), ["test.png"], name="test")
    selected = apis.select(pool, target, 6, exclude=[test], policy="random", seed=3)
    folder = selected.save(tmp_path / "out")
    read = apis.Selected.open(folder, pool, target)
    assert read.image_ids == selected.image_ids and read.table() == selected.table()
    for name in ("rows", "queries", "query_ranks"):
        np.testing.assert_array_equal(
            getattr(read.selection, name), getattr(selected.selection, name)
        )
    np.testing.assert_allclose(
        read.selection.scores, selected.selection.scores, atol=1e-6
    )
    assert [leak.image for leak in read.leaks] == ["pool/03.png"]
    assert read.page() == selected.page()
    again = read.save(tmp_path / "again")
    for name in ("selection.txt", "selection.csv", "dropped.csv"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    with pytest.raises(UserError, match="feature store pool does not exist"):
        apis.Selected.open(folder)
    with pytest.raises(UserError, match="other features"):
        apis.Selected.open(folder, target, target)
    with pytest.raises(UserError, match="no selection"):
        apis.Selected.open(tmp_path)
    chosen = folder / "selection.txt"
    text = chosen.read_text()
    assert read_selection(str(chosen)) == selected.image_ids
    chosen.write_text(text[::-1].strip() + "\n")
    for read in (apis.Selected.open, lambda f: read_selection(str(f / chosen.name))):
        with pytest.raises(UserError, match=r"selection\.txt is not what was written"):
            read(folder)
    with pytest.raises(UserError, match=r"selection\.txt is not what was written"):
        list_images(chosen, root=tmp_path)
    half = selected.image_ids[:3]
    chosen.write_text("".join(f"{image}\n" for image in half))
    with pytest.raises(UserError, match="say `edited_selection`"):
        apis.Selected.open(folder, pool, target)
    kept = apis.Selected.open(folder, pool, target, edited_selection=True)
    assert kept.image_ids == half == read_selection(str(chosen), edited=True)
    np.testing.assert_array_equal(kept.selection.rows, selected.selection.rows[:3])
    chosen.write_text("other.png\n")
    with pytest.raises(UserError, match=r"names other\.png, which selection\.csv doe"):
        apis.Selected.open(folder, pool, target, edited_selection=True)
    chosen.write_text(text)
    (folder / "selection.csv").write_text("short")
    with pytest.raises(UserError, match="cut short or edited"):
        apis.Selected.open(folder, pool, target)


def test_stores_on_disk_are_found_again(stores, tmp_path):
    folders = [s.save(tmp_path / name) for s, name in zip(stores, "pt", strict=True)]
    selected = apis.select(*folders, budget=6)
    read = apis.Selected.open(selected.save(tmp_path / "out"))
    assert read.image_ids == selected.image_ids


def test_folders_are_taken_for_stores(stores, tmp_path):
    folders = [s.save(tmp_path / name) for s, name in zip(stores, "pt", strict=True)]
    from_disk = apis.select(folders[0], str(folders[1]), 6)
    assert from_disk.image_ids == apis.select(*stores, budget=6).image_ids


def test_several_targets_and_kept_out_images(stores):
    pool, target = stores
    test = MemoryStore(pool.read([3]), ["test.png"], name="test")
    selected = apis.select(pool, [target, target], 6, exclude=[test])
    assert "pool/03.png" not in selected.image_ids
    assert [leak.image for leak in selected.leaks] == ["pool/03.png"]
    assert selected.notes


def test_images_are_taken_with_a_network(tmp_path):
    for name, seed in (("pool", 1), ("target", 2)):
        make_image_folder(tmp_path / name, 4, ("a", "b"), size=40, seed=seed)
    network = ("torchvision:resnet18", "random")
    sources = tmp_path / "pool", tmp_path / "target"
    selected = apis.select(*sources, 3, network=network)
    stores = [apis.extract(network, source) for source in sources]
    assert selected.image_ids == apis.select(*stores, 3).image_ids
    mixed = apis.select(stores[0], sources[1], 3, network=network)
    assert mixed.image_ids == selected.image_ids
    assert selected.summary["pool"]["root"] == str(sources[0])
    with pytest.raises(UserError, match="no pool image is left"):
        apis.select(*sources, 3, exclude=[sources[0]], network=network)
    with pytest.raises(UserError, match="not a feature store"):
        apis.select(*sources, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": 0}, "at least one image"),
        ({"policy": "best"}, "round_robin, score"),
        ({"threshold": 7}, "from -1 to 1"),
        ({"leak_guard": "no"}, "auto, pixels, features"),
    ],
)
def test_bad_options(stores, options, words):
    with pytest.raises(UserError, match=words):
        apis.select(*stores, **{"budget": 6, **options})


def test_names_on_the_command_line_are_those_of_the_package():
    assert tuple(POLICIES) == POLICY_NAMES
    assert METHODS[0] == "auto"


def test_the_parser_and_the_package_import_no_torch():
    code = (
        "import sys, mmtaskssl.apis, mmtaskssl.cli.select_data as cli;"
        "cli.make_parser().format_help();"
        "sys.exit('torch' in sys.modules or 'mmengine' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_unknown_names_are_said():
    assert "select" in dir(apis)
    with pytest.raises(AttributeError, match="no attribute"):
        apis.choose  # noqa: B018
