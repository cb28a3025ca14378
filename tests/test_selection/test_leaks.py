import numpy as np

from mmtaskssl.selection.leaks import Leak, find_leaks, merge

from ._reference import make_store, random_features


def leaks_of(tmp_path, threshold, noise=0.0, mirrored=None, **kwargs):
    rng = np.random.default_rng(0)
    features = random_features(rng, 60)
    test = random_features(rng, 10)
    features[[5, 40]] = test[[3, 8]]
    features[20] = test[1] + noise * rng.standard_normal(16)
    if mirrored is not None:
        features[30] = mirrored[6]
    pool = make_store(tmp_path / "pool", features, **kwargs)
    held_out = make_store(tmp_path / "test", test, prefix="t", **kwargs)
    return find_leaks(pool, held_out, threshold, mirrored=mirrored, pool_root=pool.root)


def test_near_duplicates_are_found_with_their_pair(tmp_path):
    leaks = leaks_of(tmp_path, 0.99, noise=0.05)
    assert [leak.row for leak in leaks] == [5, 20, 40]
    assert [leak.match for leak in leaks] == ["t00003.png", "t00001.png", "t00008.png"]
    assert {leak.reason for leak in leaks} == {"near-duplicate"}
    assert 0.99 < leaks[1].score < 0.99999


def test_threshold_is_obeyed(tmp_path):
    assert [leak.row for leak in leaks_of(tmp_path, 0.9999, noise=0.2)] == [5, 40]


def test_mirrored_copies_are_found_by_their_own_features(tmp_path):
    mirrored = random_features(np.random.default_rng(1), 10)
    mirrored /= np.linalg.norm(mirrored, axis=1, keepdims=True)
    leaks = leaks_of(tmp_path, 0.999, mirrored=mirrored)
    assert [leak.row for leak in leaks] == [5, 20, 30, 40]
    assert leaks[2].match == "t00006.png" and leaks[2].transform == "mirrored"
    assert leaks[0].transform == ""


def test_equal_files_below_the_threshold_are_leaks(tmp_path):
    root = tmp_path / "images"
    root.mkdir()
    for name in ("p00020.png", "t00001.png"):
        (root / name).write_bytes(b"same")
    (root / "p00005.png").write_bytes(b"left")
    (root / "t00003.png").write_bytes(b"righ")
    leaks = leaks_of(tmp_path, 1.1, noise=0.05, root=str(root))
    assert [(leak.row, leak.reason) for leak in leaks] == [(20, "identical file")]


def test_the_best_evidence_of_a_row_is_kept():
    weak = Leak(3, "p", "near-duplicate", "t1", "a", 0.99)
    seen = Leak(3, "p", "same pixels", "t2", "b", 0.7, 0.95, "mirrored")
    other = Leak(1, "q", "near-duplicate", "t1", "a", 0.98)
    assert merge([weak, seen, other]) == [other, seen]
