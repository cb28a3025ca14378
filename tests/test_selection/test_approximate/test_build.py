"""An index is made once, goes on where it was stopped, and fits its store or is not."""

import json
import shutil

import numpy as np
import pytest

from mmtaskssl.apis import MemoryStore, SearchIndex, build_index, remove_images
from mmtaskssl.selection.approximate import build, planned
from mmtaskssl.utils.errors import UserError

from ._pools import make_pool, rows_of

pytest.importorskip("faiss")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(planned, "PART_ROWS", 600)


@pytest.fixture
def pool(tmp_path):
    return make_pool(tmp_path / "pool", rows_of(1500))


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix == ".npy"}


def test_is_made_of_parts_and_found_again(tmp_path, pool, monkeypatch):
    index = build_index(tmp_path / "pool", tmp_path / "index")
    assert [part["rows"] for part in index.manifest["parts"]] == [600, 600, 300]
    assert len(index) == 1500 and index.manifest["lists"] == 93  # 1500 // 16
    assert "1,500" in index.table() and "93" in index.table()
    assert json.dumps(index.to_dict())
    monkeypatch.setattr(build, "_grow", None)  # which would fail
    again = build_index(pool, tmp_path / "index")
    assert again.manifest == index.manifest


def test_one_seed_makes_one_index(tmp_path, pool):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        build_index(pool, tmp_path / name, seed=seed)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a") != content(tmp_path / "c")


@pytest.mark.parametrize("calls", [0, 1, 5, 6, 7])
def test_a_build_that_was_stopped_goes_on(tmp_path, pool, monkeypatch, calls):
    whole = build_index(pool, tmp_path / "whole")
    write, count = build._write, [0]

    def stopped(*args):
        if count[0] == calls:
            raise KeyboardInterrupt
        count[0] += 1
        write(*args)

    monkeypatch.setattr(build, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        build_index(pool, tmp_path / "index")
    with pytest.raises(UserError, match="unfinished"):
        SearchIndex.open(tmp_path / "index")
    count[0], done = -1000, []
    monkeypatch.setattr(
        build, "_write", lambda *args: (done.append(args[2]), write(*args))
    )
    index = build_index(pool, tmp_path / "index")
    assert index.manifest == whole.manifest
    assert content(tmp_path / "index") == content(tmp_path / "whole")
    # The lists are fitted again where they were not all there; parts never are.
    assert len(done) == (8 if calls < 5 else 8 - calls)


def test_what_a_stop_left_damaged_is_made_again(tmp_path, pool, monkeypatch):
    whole = build_index(pool, tmp_path / "whole")
    write = build._write

    def stopped(growing, manifest, name, array):
        if name == planned.files.part_name(2):
            raise KeyboardInterrupt
        write(growing, manifest, name, array)

    monkeypatch.setattr(build, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        build_index(pool, tmp_path / "index")
    monkeypatch.setattr(build, "_write", write)
    part = tmp_path / "index" / planned.files.part_name(1)
    part.write_bytes(part.read_bytes()[:-5] + b"wrong")
    assert build_index(pool, tmp_path / "index").manifest == whole.manifest
    assert content(tmp_path / "index") == content(tmp_path / "whole")


def test_of_an_appended_store_the_new_rows_alone_are_put_in(tmp_path, pool):
    before = build_index(pool, tmp_path / "index")
    old = content(tmp_path / "index")
    store = make_pool(tmp_path / "pool", rows_of(400, 1), first=1500)
    with pytest.raises(UserError, match=r"has rows that the index in .* lacks"):
        before.search(store.read([0]), store, 3)
    index = build_index(store, tmp_path / "index")
    assert len(index) == 1900
    assert {**content(tmp_path / "index"), **old} == content(tmp_path / "index")
    query = store.read([1700])
    assert index.search(query, store, 1, probes=94).rows.tolist() == [[1700]]


def test_removed_images_leave_the_index_as_it_is(tmp_path, pool):
    build_index(pool, tmp_path / "index")
    old = content(tmp_path / "index")
    query = pool.read([7])
    store = remove_images(tmp_path / "pool", ["00007.png"])
    index = build_index(store, tmp_path / "index")
    assert content(tmp_path / "index") == old
    assert 7 not in index.search(query, store, 50, probes=94).rows


def test_an_index_of_other_features_is_refused(tmp_path, pool):
    build_index(pool, tmp_path / "index")
    old = content(tmp_path / "index")
    for name, other in (
        ("rows", rows_of(1500, 8)),
        ("dim", rows_of(1500, dim=8)),
        ("fewer", rows_of(900)),
    ):
        store = make_pool(tmp_path / name, other)
        with pytest.raises(UserError, match="made from other features") as raised:
            build_index(store, tmp_path / "index")
        assert str(tmp_path / "index") in str(raised.value)
        assert str(tmp_path / name) in str(raised.value)
    store = make_pool(tmp_path / "extractor", rows_of(1500), extractor="other")
    with pytest.raises(UserError, match="made from other features"):
        build_index(store, tmp_path / "index")
    assert content(tmp_path / "index") == old


def test_another_form_is_refused(tmp_path, pool):
    build_index(pool, tmp_path / "index", lists=20, code_bytes=8)
    build_index(pool, tmp_path / "index", lists=20)
    for how, words in (
        ({"lists": 21}, "`lists` 20, not 21"),
        ({"code_bytes": 4}, "`code_bytes` 8, not 4"),
    ):
        with pytest.raises(UserError, match=words):
            build_index(pool, tmp_path / "index", **how)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"lists": 0}, "`lists`"),
        ({"lists": 1501}, "`lists` must be a whole number from 1 to 1500"),
        ({"code_bytes": 17}, "`code_bytes` must be a whole number from 1 to 16"),
        ({"memory": "1MB"}, "`memory` of 1 MiB does not suffice .* at least"),
        ({"memory": "much"}, "`memory` must be bytes"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path, pool, how, words
):
    with pytest.raises(UserError, match=words):
        build_index(pool, tmp_path / "index", **how)
    assert not (tmp_path / "index" / "manifest.json").exists()


def test_folders_of_others_stay(tmp_path, pool):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match=r"letter.txt"):
        build_index(pool, tmp_path / "mine")
    with pytest.raises(UserError, match="holds no index"):
        build_index(pool, tmp_path / "pool")
    with pytest.raises(UserError, match="lies in the store"):
        build_index(pool, tmp_path / "pool" / "index")
    assert not (tmp_path / "pool" / "index").exists()
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
    pool.verify()


def test_stores_in_memory_and_odd_sizes_have_indices(tmp_path):
    rows = rows_of(37, dim=7)
    store = MemoryStore(rows, [str(i) for i in range(37)])
    index = build_index(store, tmp_path / "index", lists=3, code_bytes=3)
    found = index.search(store.read(), store, 1, probes=3)
    assert found.rows[:, 0].tolist() == list(range(37))


def test_an_index_is_copied_whole(tmp_path, pool):
    index = build_index(pool, tmp_path / "index")
    index.save(tmp_path / "copy")
    shutil.rmtree(tmp_path / "index")
    copy = SearchIndex.open(tmp_path / "copy")
    query = pool.read([3])
    assert copy.search(query, pool, 1).rows.tolist() == [[3]]
    assert np.isclose(copy.search(query, pool, 1).scores, 1, atol=1e-3).all()


def test_without_faiss_one_sentence_says_what_to_install(tmp_path, pool, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UserError, match="pip install faiss-cpu"):
        build_index(pool, tmp_path / "index")
