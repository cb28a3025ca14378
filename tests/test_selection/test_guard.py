import json

import numpy as np
import pytest
from PIL import Image

from mmtaskssl.features.copies import KINDS, copy_names, make_copy
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.layout import COPIES
from mmtaskssl.selection import guard as guard_module
from mmtaskssl.selection import pixel_guard
from mmtaskssl.selection.guard import guard, method_for
from mmtaskssl.utils.errors import set_flags

from ._pictures import picture

EXCLUDED, OTHERS, DIM = 12, 60, 16
FLAT = ["0.png", "1.png", "2.png"]


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def store_of(path, root, ids, features, **kwargs):
    np.save(path.with_suffix(".npy"), features.astype(np.float32))
    return import_features(
        path.with_suffix(".npy"), ids, path, root=str(root), extractor="e", **kwargs
    )


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A pool of bursts of the held-out scenes, with five copies; features see scenes.

    Every pool image shows the layout of a held-out image, so that features, which see
    the layout alone, take all of them for copies.
    """
    folder = tmp_path_factory.mktemp("guard")
    rng = np.random.default_rng(0)
    scenes = rng.standard_normal((EXCLUDED, DIM))
    test_ids = [f"t{i:02d}.png" for i in range(EXCLUDED)]
    for i, name in enumerate(test_ids):
        save(folder / "test" / name, picture(i))
    pool_ids = [f"p{i:02d}.png" for i in range(OTHERS)]
    for i, name in enumerate(pool_ids):
        save(folder / "pool" / name, picture(i % EXCLUDED, details=100 + i))
    pool = [scenes[i % EXCLUDED] for i in range(OTHERS)]
    for i, kind in enumerate(KINDS):
        pool_ids.append(f"q-{kind}.png")
        save(folder / "pool" / pool_ids[-1], make_copy(picture(i), kind, rng))
        pool.append(scenes[i])
    pool = np.array(pool) + 0.08 * rng.standard_normal((len(pool), DIM))
    held_out = store_of(folder / "test_store", folder / "test", test_ids, scenes)
    return store_of(folder / "pool_store", folder / "pool", pool_ids, pool), held_out


def guarded(stores, method, **kwargs):
    pool, held_out = stores
    skip = np.zeros(len(pool), dtype=bool)
    return guard(pool, [held_out], [method], pool_root=pool.root, skip=skip, **kwargs)


def test_pixels_tell_copies_from_other_pictures_of_the_scene(stores):
    found = guarded(stores, "pixels")
    assert [leak.image for leak in found.leaks] == [f"q-{kind}.png" for kind in KINDS]
    assert [leak.match for leak in found.leaks] == [f"t{i:02d}.png" for i in range(5)]
    assert {leak.reason for leak in found.leaks} == {"same pixels"}
    assert found.leaks[0].transform == "mirrored"
    assert found.leaks[1].transform.startswith("cropped")
    (facts,) = found.facts
    assert facts["method"] == "pixels" and facts["compared"] == OTHERS + 5
    assert set(facts["recall"]) == set(KINDS) and min(facts["recall"].values()) > 0.9
    assert facts["look_alikes_taken"] == 0 and facts["look_alikes"] > 10
    assert json.dumps(facts)
    assert "finds of known copies flip 100%" in found.notes[0]


def test_pixels_are_compared_the_same_way_twice(stores):
    assert guarded(stores, "pixels") == guarded(stores, "pixels")


def test_a_large_pool_is_compared_as_far_as_features_are_similar(stores, monkeypatch):
    monkeypatch.setattr(pixel_guard, "MOST_READ", 20)
    monkeypatch.setattr(guard_module, "MOST_READ", 20)
    found = guarded(stores, "pixels")
    assert found.facts[0]["compared"] == 20
    assert any("compared only the 20 pool images" in note for note in found.notes)


def test_images_that_cannot_be_read_are_judged_by_their_features(stores, tmp_path):
    pool, held_out = stores
    root = tmp_path / "images"
    for image in pool.image_ids:
        save(root / image, picture(500 + pool.image_ids.index(image)))
    (root / "p03.png").write_bytes(b"broken")
    found = guard(
        *(pool, [held_out], ["pixels"]),
        pool_root=str(root),
        skip=np.zeros(len(pool), dtype=bool),
    )
    assert [leak.image for leak in found.leaks] == ["p03.png"]
    assert found.leaks[0].agreement is None
    assert any("1 images could not be read" in note for note in found.notes)


def test_features_drop_no_more_than_the_pool_s_own_neighbours_allow(stores):
    found = guarded(stores, "features")
    # By the constant 0.98 all of the bursts would go.
    assert len(guarded(stores, "features", threshold=0.98).leaks) > 30
    (facts,) = found.facts
    assert facts["threshold"] > 0.98 and facts["recall"] is None
    assert facts["pool_images_as_similar"] <= 0.05
    assert any("not calibrated" in note for note in found.notes)


def test_many_dropped_images_are_a_warning(stores):
    set_flags(["--pool-root"])  # as the tool does
    found = guarded(stores, "features", threshold=0.98)
    set_flags()
    warning = next(n for n in found.notes if "of the pool;" in n)
    assert warning.startswith("warning") and "--pool-root" in warning


def test_features_learn_from_copies_how_similar_these_are(stores, tmp_path):
    pool, held_out = stores
    rng = np.random.default_rng(1)
    held_out = store_of(
        tmp_path / "test", held_out.root, held_out.image_ids, held_out.read()
    )
    names = copy_names(held_out.image_ids)
    assert len(names) == len(set(names)) == EXCLUDED * len(KINDS)
    row = {image: i for i, image in enumerate(held_out.image_ids)}
    noise = {"flip": 5.0, "crop": 0.5, "jpeg": 0.01, "resize": 0.01, "grey": 0.1}
    features = []
    for image, _, kind in (name.rpartition("@") for name in names):
        draw = noise[kind] * rng.standard_normal(DIM) / DIM**0.5
        features.append(held_out.read([row[image]])[0] + draw)
    store_of(held_out.path / COPIES, held_out.root, names, np.array(features))
    (facts,) = guarded((pool, held_out), "features").facts
    assert facts["recall"]["flip"] == 1.0  # a mirror image is looked for as such
    assert facts["recall"]["crop"] < 0.5 < facts["recall"]["jpeg"]


def test_images_without_detail_are_found_by_their_bytes_and_warned_of(tmp_path):
    flat = [np.full((32, 32, 3), level, np.uint8) for level in (60, 128, 200)]
    for name, images in (("pool", flat), ("test", flat[1:2])):
        for i, image in enumerate(images):
            save(tmp_path / name / f"{i}.png", image)
    features = np.eye(3, 8)
    pool = store_of(tmp_path / "p", tmp_path / "pool", FLAT, features)
    test = store_of(tmp_path / "t", tmp_path / "test", FLAT[:1], features[1:2])
    root, skip = str(tmp_path / "pool"), np.zeros(3, bool)
    found = guard(pool, [test], ["pixels"], pool_root=root, skip=skip)
    assert [(leak.row, leak.reason) for leak in found.leaks] == [(1, "identical file")]
    assert set(found.facts[0]["recall"].values()) == {0.0}
    assert found.notes[0].startswith("warning") and "little detail" in found.notes[0]


def test_the_method_follows_from_what_is_there(stores, tmp_path):
    pool, held_out = stores
    assert method_for(held_out, pool, pool.root) == "pixels"
    assert method_for(held_out, pool, pool.root, "features") == "features"
    assert method_for(held_out, pool, str(tmp_path)) == "features"
    assert method_for(held_out, pool, "") == "features"


def test_copies_in_real_images_are_found(data_root, tmp_path):
    rng = np.random.default_rng(0)
    target = data_root / "classification" / "signdigits"
    tests = sorted((target / "test").glob("*/*.jpg"))[::12]
    others = sorted((target / "train").glob("*/*.jpg"))[:60]
    pool_ids = []
    for path in others:
        pool_ids.append(f"{path.parent.name}-{path.name}")
        save(tmp_path / "pool" / pool_ids[-1], np.array(Image.open(path)))
    for i, kind in enumerate(KINDS):
        pool_ids.append(f"q-{kind}.png")
        image = np.array(Image.open(tests[i]))
        save(tmp_path / "pool" / pool_ids[-1], make_copy(image, kind, rng))
    same = np.ones((len(pool_ids), 4))  # features that see nothing
    pool = store_of(tmp_path / "p", tmp_path / "pool", pool_ids, same)
    ids = [p.relative_to(target).as_posix() for p in tests]
    held_out = store_of(tmp_path / "t", target, ids, same[: len(ids)])
    found = guarded((pool, held_out), "pixels")
    assert [leak.image for leak in found.leaks] == pool_ids[len(others) :]
