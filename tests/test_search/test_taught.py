"""Metrics of a set of images, and the teacher that one of them compares with."""

import shutil

import numpy as np
import pytest
import torch

from mmtaskssl.apis import extract, search
from mmtaskssl.evaluation.spectrum import effective_rank
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.search import taught
from mmtaskssl.search.scores import NeighbourOverlap, Reference, Seen
from mmtaskssl.search.taught import teacher_features
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._files import MIDDLE
from .test_scorer import _maps_and_embeddings

SMALL = {"bn_images": 16, "shape": (16, 16)}


@pytest.fixture(scope="module")
def store(files):
    """Another network's features of the images."""
    return extract((files[0], "random"), files[2], seed=3, workers=0)


def _row(found, metric, subnet=MIDDLE):
    return next(r for r in found.rows if (r["subnet"], r["metric"]) == (subnet, metric))


def test_they_are_of_the_features_that_a_search_sees(files, encoders, images, store):
    found = search(
        *(files[:2], files[2]),
        subnets=[MIDDLE, "MAX"],
        metrics=("neighbours", "rank", "global"),
        teacher=store,
        **SMALL,
    )
    assert found.metrics == ("neighbours", "rank", "global")
    maps, _ = _maps_and_embeddings(encoders.student, Subnet.parse(MIDDLE), images, 16)
    plain = maps.mean((2, 3))
    row = _row(found, "rank")
    assert row["similarity"] == pytest.approx(effective_rank(plain), rel=1e-4)
    # Rows of the store are in its own order, those of a search are drawn.
    order = [store.image_ids.index(name) for name in _drawn(files)]
    taught = torch.from_numpy(store.read(order)).float()
    expected = NeighbourOverlap()(Seen(plain), Reference(plain, taught))
    assert _row(found, "neighbours")["similarity"] == pytest.approx(expected, abs=0.01)
    assert 0.2 < expected < 1
    for metric in ("neighbours", "rank"):
        row = _row(found, metric)
        assert row["ci"][0] < row["similarity"] < row["ci"][1]
        assert len({*row["draws"]}) > 5
        assert np.mean(row["draws"]) == pytest.approx(row["similarity"], rel=1e-5)
    assert "overlap of neighbours, 2 scored" in found.table()
    assert "effective rank" in found.page()


def _drawn(files):
    from mmtaskssl.config import load_config
    from mmtaskssl.datasets.image_sample import draw_images
    from mmtaskssl.networks import preprocessing_of

    transform = preprocessing_of(load_config(files[0]))
    return draw_images(files[2], transform).ids


def test_a_published_metric_is_the_same_beside_them(files):
    alone = search(files[:2], files[2], subnets=[MIDDLE], **SMALL)
    beside = search(
        files[:2], files[2], subnets=[MIDDLE], metrics=("rank", "global"), **SMALL
    )
    assert _row(beside, "global") == _row(alone, "global")


def test_a_metric_that_is_named_twice_is_one(files, tmp_path):
    options = {"subnets": [MIDDLE], "folder": tmp_path / "out", **SMALL}
    for metrics in (("rank", "rank"), ("rank",), ("rank", "rank")):
        found = search(*(files[:2], files[2]), metrics=metrics, **options)
    assert found.metrics == ("rank",) and len(found.rows) == 1


def test_a_killed_search_goes_on_with_them(files, tmp_path, store):
    options = {"metrics": ("rank", "neighbours"), "teacher": store, **SMALL}
    whole = search(files[:2], files[2], subnets=[MIDDLE, "MAX"], **options)
    for subnets in (["MAX"], [MIDDLE, "MAX"]):
        found = search(
            files[:2], files[2], subnets=subnets, folder=tmp_path / "out", **options
        )
    assert [*found.rows] == [_row(whole, r["metric"], r["subnet"]) for r in found.rows]
    assert len(found.rows) == 4
    # Another teacher's scores are others.
    other = extract((files[0], "random"), files[2], seed=4, workers=0)
    with pytest.raises(UserError, match="teacher"):
        search(
            *(files[:2], files[2]),
            subnets=[MIDDLE],
            folder=tmp_path / "out",
            **{**options, "teacher": other},
        )


def test_a_network_is_a_teacher_as_its_store_is(files, store):
    """With the store's rows, whose order and extent are others."""
    ids = store.image_ids[5:15][::-1]
    kept, of_store = teacher_features(store, files[2], ids, None, "cpu")
    ran, of_network = teacher_features((files[0], "random"), files[2], ids, None, "cpu")
    named = f"{files[0]}={files[1]}"
    other, _ = teacher_features(named, files[2], ids, None, "cpu")
    assert other.shape == ran.shape and not torch.allclose(other, ran)
    assert kept.shape == ran.shape and abs(kept.mean(0)).max() < 1e-6
    assert [*of_store] == ["store"] and [*of_network] == ["extractor", "transform"]
    expected = torch.from_numpy(store.read([store.image_ids.index(i) for i in ids]))
    torch.testing.assert_close(kept, expected - expected.mean(0))


def test_images_without_a_feature_are_named(files, store):
    ids = store.image_ids
    partial = MemoryStore(store.read(), ids, broken={3: "no image"}, name="kept")
    with pytest.raises(UserError, match=rf"1 of the .* kept, the first: {ids[3]}"):
        teacher_features(partial, files[2], ids, None, "cpu")
    with pytest.raises(UserError, match=r"the first: elsewhere\.png"):
        teacher_features(store, files[2], [ids[0], "elsewhere.png"], None, "cpu")


def test_a_teacher_without_variance_is_refused(files, store):
    """What rounding leaves of it would be neighbours like any."""
    ids, flat = store.image_ids, np.ones_like(store.read())
    flat += np.random.default_rng(0).uniform(0, 1e-3, flat.shape).astype(flat.dtype)
    teacher = MemoryStore(flat, ids, name="flat")
    with pytest.raises(UserError, match=rf"same features of all {len(ids)} images"):
        teacher_features(teacher, files[2], ids, None, "cpu")


def test_a_store_of_other_images_by_the_same_names_is_refused(files, store, tmp_path):
    same, other = (shutil.copytree(files[2], tmp_path / name) for name in "so")
    paths = sorted(other.iterdir())
    for path, data in zip(paths, [p.read_bytes() for p in paths[::-1]], strict=True):
        path.write_bytes(data)
    ids = store.image_ids
    kept, _ = teacher_features(store, same, ids, None, "cpu")
    assert torch.equal(kept, teacher_features(store, files[2], ids, None, "cpu")[0])
    with pytest.raises(UserError, match=f"{ids[0]} is another one than in"):
        teacher_features(store, other, ids, None, "cpu")


def test_a_folder_of_hugging_face_is_no_address(files, monkeypatch):
    opened = []

    def stop(folder):
        opened.append(folder)
        raise UserError("enough")

    monkeypatch.setattr(taught, "open_hugging_face", stop)
    monkeypatch.setattr(taught, "is_store", lambda _: pytest.fail("it was looked up"))
    with pytest.raises(UserError, match="enough"):
        taught.teacher_features("hf:/my/dino", files[2], ["000.png"], None, "cpu")
    assert opened == ["/my/dino"]


def test_a_teacher_is_asked_for_or_not_wanted(files, store):
    with pytest.raises(UserError, match="neighbours compares with another network"):
        search(files[:2], files[2], subnets=[MIDDLE], metrics="neighbours")
    words = "`metrics` neighbours, ridge, mean-rank or auto"
    with pytest.raises(UserError, match=words):
        search(files[:2], files[2], subnets=[MIDDLE], metrics="rank", teacher=store)
