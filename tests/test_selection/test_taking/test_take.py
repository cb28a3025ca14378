"""Selected images out of their pool: as they were, where they are wanted."""

import csv
import json
import os
import shutil
import tarfile
from collections import namedtuple

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.cli.take import main
from mmtaskssl.datasets.images import list_images, read_image
from mmtaskssl.selection.taking import take as module
from mmtaskssl.selection.taking.items import Item, parts, selected_items
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests._shards import pack

_FORMS = ("shards", "parquet", "folder")


def _selected(pool, folder):
    """Saves a selection from a pool of images by features of their names."""
    root, ids = list_images(pool)
    rng = np.random.default_rng(0)
    features = rng.standard_normal((len(ids), 8)).astype("f")
    store = apis.import_features(features, ids, root=str(root))
    target = apis.import_features(features[:2] + 0.01, ["a", "b"], labels=["x", "y"])
    store = apis.FeatureStore.open(store.save(folder / "pool-store"))
    target = apis.FeatureStore.open(target.save(folder / "target-store"))
    return apis.select(store, target, 5).save(folder / "selection", report=False)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A pool and a selection from it."""
    folder = tmp_path_factory.mktemp("taking")
    make_image_folder(folder / "pool", n_per_class=4, size=24)
    return folder / "pool", _selected(folder / "pool", folder)


@pytest.mark.parametrize("form", _FORMS)
def test_the_copies_are_the_images_in_their_order(given, tmp_path, form):
    pool, selection = given
    taken = apis.take(selection, tmp_path / "out", form=form, shard_bytes=3000)
    wanted = (selection / "selection.txt").read_text().split()
    assert taken.sources == wanted and len(taken) == 5
    root, ids = list_images(tmp_path / "out")
    assert sorted(ids) == sorted(taken.image_ids)
    if form != "folder":
        assert ids == taken.image_ids and len(taken.files) > 1
    for copy, source in zip(taken.image_ids, wanted, strict=True):
        assert np.array_equal(read_image(root / copy), read_image(pool / source))
    # A verb takes the value, too.
    assert list_images(taken) == (tmp_path / "out", taken.image_ids)
    with open(tmp_path / "out" / "taken.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["image"] for line in lines] == taken.image_ids
    assert [line["source"] for line in lines] == wanted
    assert all(abs(float(line["score"])) <= 1.1 and line["query"] for line in lines)


def test_a_shard_says_of_each_image_where_it_is_from(given, tmp_path):
    _, selection = given
    taken = apis.take(selection, tmp_path / "out")
    with tarfile.open(tmp_path / "out" / taken.files[0]) as tar:
        names = tar.getnames()
        told = json.load(tar.extractfile("000000000.json"))
    assert names[:2] == ["000000000.png", "000000000.json"] and len(names) == 10
    assert (told["image"], told["rank"]) == (taken.sources[0], 1)
    assert isinstance(told["score"], float)


@pytest.mark.parametrize("form", _FORMS)
def test_an_interrupted_call_goes_on_with_the_same_bytes(
    given, tmp_path, form, monkeypatch
):
    _, selection = given
    options = {"form": form, "shard_bytes": 3000}
    whole = apis.take(selection, tmp_path / "whole", **options)
    real, made = module.write, []

    def breaks(path, items, form):
        if len(made) == 1:
            raise KeyboardInterrupt
        made.append(path)
        real(path, items, form)

    monkeypatch.setattr(module, "write", breaks)
    with pytest.raises(KeyboardInterrupt):
        apis.take(selection, tmp_path / "cut", **options)
    monkeypatch.setattr(module, "write", lambda *a: (made.append(a[0]), real(*a)))
    apis.take(selection, tmp_path / "cut", **options)
    assert len(made) == len(set(made)) == len(whole.files)  # none was made twice
    for name in (*whole.files, "taken.csv"):
        cut, other = tmp_path / "cut" / name, tmp_path / "whole" / name
        assert cut.read_bytes() == other.read_bytes()
    made.clear()
    again = apis.take(selection, tmp_path / "cut", **options)
    assert not made and again.image_ids == whole.image_ids


@pytest.mark.parametrize("source", ["tars", "parquet"])
def test_images_are_taken_out_of_shards(given, tmp_path, source):
    pool, selection = given
    if source == "tars":
        pack(pool, tmp_path / "pool")
    else:
        apis.take(selection, tmp_path / "pool", form="parquet")
    _, ids = list_images(tmp_path / "pool")
    file = tmp_path / "chosen.txt"
    file.write_text("".join(f"{image}\n" for image in ids[3:0:-1]))
    for form in _FORMS:
        out = tmp_path / form
        taken = apis.take(file, out, tmp_path / "pool", form=form)
        assert taken.sources == ids[3:0:-1]
        for copy, image in zip(taken.image_ids, taken.sources, strict=True):
            assert copy.endswith(".png") or form == "parquet"
            same = read_image(out / copy), read_image(tmp_path / "pool" / image)
            assert np.array_equal(*same)


def test_what_cannot_be_taken_is_said_before_anything_is_written(
    given, tmp_path, monkeypatch
):
    pool, selection = given
    out = tmp_path / "out"
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("absent.png\n")
    with pytest.raises(UserError, match="does not say where its images lie"):
        apis.take(chosen, out)
    with pytest.raises(UserError, match=r"1 of the 1 images of .* are not in the"):
        apis.take(chosen, out, pool)
    moved = tmp_path / "selection"
    shutil.copytree(selection, moved)
    (moved / "selection.txt").write_text("absent.png\n")
    with pytest.raises(UserError, match="is not what was written"):
        apis.take(moved, out)
    with pytest.raises(UserError, match="`form` must be one of"):
        apis.take(selection, out, form="zip")
    usage = namedtuple("usage", "free")(10)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match="has 10 B left"):
        apis.take(selection, out)
    assert not out.exists()


def test_another_selection_does_not_replace_what_was_taken(given, tmp_path):
    pool, selection = given
    apis.take(selection, tmp_path / "out")
    one = tmp_path / "one.txt"
    one.write_text((selection / "selection.txt").read_text().split()[0] + "\n")
    with pytest.raises(UserError, match="not made from the same inputs"):
        apis.take(one, tmp_path / "out", pool)
    assert len(apis.take(one, tmp_path / "out", pool, overwrite=True)) == 1


def test_names_that_lead_out_of_a_folder_do_not(given, tmp_path):
    pool, _ = given
    _, ids = list_images(pool)
    (tmp_path / "below").mkdir()
    shutil.copytree(pool, tmp_path / "pool")
    file = tmp_path / "list.txt"
    file.write_text(f"../pool/{ids[0]}\n")
    images = tmp_path / "below" / "images.txt"
    images.write_text(f"../pool/{ids[0]}\n")
    taken = apis.take(file, tmp_path / "out", images, form="folder")
    assert taken.image_ids == [f"images/pool/{ids[0]}"]


@pytest.mark.parametrize("packed", [False, True])
def test_an_image_that_changed_at_its_size_is_noticed(tmp_path, packed):
    pool = make_image_folder(tmp_path / "pool", n_per_class=4, size=24)
    if packed:
        (tmp_path / "tars").mkdir()
        pack(pool, tmp_path / "tars")
        pool = tmp_path / "tars"
    selection = _selected(pool, tmp_path)
    taken = apis.take(selection, tmp_path / "out", form="folder")
    again = apis.take(selection, tmp_path / "out", form="folder")
    assert again.image_ids == taken.image_ids
    path = pool / taken.sources[0].partition("#")[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    with pytest.raises(UserError, match="an image of the pool has changed, or its"):
        apis.take(selection, tmp_path / "out", form="folder")
    apis.take(selection, tmp_path / "out", form="folder", overwrite=True)
    apis.take(selection, tmp_path / "out", form="folder")


def test_an_image_that_changes_while_it_is_taken_is_noticed(tmp_path):
    pool = make_image_folder(tmp_path / "pool", n_per_class=4, size=24)
    (item, *_) = selected_items(_selected(pool, tmp_path), None, False)
    assert item.read()
    os.utime(item.path, ns=(1, 1))
    with pytest.raises(UserError, match="has changed since the work began"):
        item.read()


def test_what_an_older_version_took_is_known_again(given, tmp_path):
    _, selection = given
    apis.take(selection, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    del record["inputs"]["sources"]
    (tmp_path / "out" / "record.json").write_text(json.dumps(record))
    before = (tmp_path / "out" / "taken.csv").stat().st_mtime_ns
    assert len(apis.take(selection, tmp_path / "out")) == 5
    assert (tmp_path / "out" / "taken.csv").stat().st_mtime_ns == before


def test_an_image_larger_than_a_part_is_its_own():
    items = [Item(n, str(n), "", size, "") for n, size in enumerate((3, 9, 1, 2, 2), 1)]
    found = [[item.size for item in part] for part in parts(items, 4)]
    assert found == [[3], [9], [1, 2], [2]]


def test_the_tool(given, tmp_path, capsys):
    _, selection = given
    main([str(selection), "--out", str(tmp_path / "out"), "--shard-size", "1"])
    told = capsys.readouterr().out
    assert "5 images, " in told and "selected-00000.tar" in told
    assert f"images={tmp_path / 'out'}" in told


def test_a_table_of_somebody_else_is_not_read(given, tmp_path):
    pool, selection = given
    chosen = tmp_path / "chosen.txt"
    chosen.write_text((selection / "selection.txt").read_text())
    (tmp_path / "selection.csv").write_text("image,price\na,1\n")
    assert len(apis.take(chosen, tmp_path / "out", pool)) == 5
