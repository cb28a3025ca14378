"""One pool for two targets."""

import shutil

import pytest
from mmengine.config import Config

from mmtaskssl.customize.customized import Customized
from mmtaskssl.customize.several import customize_several
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.errors import UserError

from ._images import write_pool, write_start, write_target


def test_two_targets_share_the_pools_features(tmp_path):
    pool = write_pool(tmp_path / "pool")
    targets = [write_target(tmp_path / name / "x", begin=n) for n, name in
               ((1000, "a"), (2000, "b"))]  # fmt: skip
    # One image of the pool is a test image of the second target.
    copied = sorted((targets[1] / "test").rglob("*.png"))[0]
    (pool / "copy.png").write_bytes(copied.read_bytes())
    start, lines = write_start(tmp_path / "start.pth"), []
    options = {"start": [start], "budget": "3M-6M", "workers": 0, "arms": ["start"]}
    found = customize_several(
        str(pool), targets, tmp_path / "out", log=lines.append, **options
    )
    assert sorted(found) == ["a-x", "b-x"]
    assert all(one.verdict.recommended == "start" for one in found.values())
    (shared,) = (tmp_path / "out" / "shared").iterdir()
    (store,) = (one for one in shared.iterdir() if FeatureStore.is_complete(one))
    assert len(FeatureStore.open(store)) == 81  # the copy, for the first target
    of_pool = [one.record["inputs"]["pool"]["images"] for one in found.values()]
    assert of_pool == [81, 80]
    extracted = [line for line in lines if "81 images to do" in line]
    assert len(extracted) == 1
    assert (
        "copy.png"
        not in (tmp_path / "out" / "b-x" / "selection" / "selection.csv").read_text()
    )
    assert "== b-x" in lines and "a-x\n" in found.table()
    # Seeds are added with the features that are shared.
    more = customize_several(
        str(pool), targets, tmp_path / "out", log=lines.append, seeds=2, **options
    )
    assert [one.record["inputs"]["seeds"] for one in more.values()] == [2, 2]
    assert len([line for line in lines if "81 images to do" in line]) == 1
    shutil.rmtree(tmp_path / "out" / "shared")
    with pytest.raises(UserError, match="are gone: remove that folder"):
        customize_several(str(pool), targets, tmp_path / "out", seeds=3, **options)


def test_what_is_shared_is_of_the_pools_images(tmp_path):
    pool = write_pool(tmp_path / "pool")
    targets = [write_target(tmp_path / name, begin=n) for n, name in
               ((1000, "a"), (2000, "b"))]  # fmt: skip
    start, lines = write_start(tmp_path / "start.pth"), []
    options = {"start": [start], "budget": "3M-6M", "workers": 0, "arms": ["start"]}
    out = tmp_path / "out"
    first = customize_several(str(pool), targets, out, **options)
    for image in pool.iterdir():  # others, of the same names
        image.write_bytes(image.read_bytes() + b" ")
    with pytest.raises(UserError, match="made from other images"):
        customize_several(str(pool), targets, out, **options)
    # Nothing gives way before all targets can be made.
    (tmp_path / "d").mkdir()
    with pytest.raises(UserError):
        both = [targets[0], tmp_path / "d"]
        customize_several(str(pool), both, out, overwrite=True, **options)
    assert Customized.open(out / "a").record == first["a"].record
    log = lines.append
    customize_several(str(pool), targets, out, overwrite=True, log=log, **options)
    assert len([line for line in lines if "80 images to do" in line]) == 1


def test_one_name_for_two(tmp_path):
    with pytest.raises(UserError, match="one twice"):
        customize_several("pool", [tmp_path / "a", tmp_path / "a"], tmp_path / "out")


def test_targets_share_what_sees_nothing_of_them(tmp_path):
    pool = write_pool(tmp_path / "pool")
    targets = [write_target(tmp_path / name, begin=n) for n, name in
               ((1000, "a"), (2000, "b"))]  # fmt: skip
    copied = sorted((targets[1] / "test").rglob("*.png"))[0]
    (pool / "copy.png").write_bytes(copied.read_bytes())
    options = {"select": 64, "scale": 0.002, "workers": 0}
    arms = ["untrained", "generic", "generic-long", "scratch", "branched"]
    out = tmp_path / "out"
    found = customize_several(str(pool), targets, out, arms=arms, **options)
    (shared,) = (out / "shared").iterdir()
    folders = sorted(one.name for one in (shared / "arms").iterdir() if one.is_dir())
    assert [name.rpartition("-")[0] for name in folders] == [
        "generic-2i-seed0",
        "generic-long-8i-seed0",
        "scratch-random-2i-seed0",
    ]
    (ids,) = (shared / "ids").glob("common-*.txt")
    assert "copy.png" not in ids.read_text() and len(ids.read_text().split()) == 80
    (store,) = (shared / "features").iterdir()
    assert store.name == folders[1] and len(FeatureStore.open(store)) == 81
    for one in found.values():
        assert not [*(one.out / "arms").glob("generic*")]
        # Figures are of those very weights, not of their like for other targets.
        assert (one.out / "judged" / f"{folders[0]}.json").is_file()
        assert (one.out / "tested" / f"{folders[0]}.json").is_file()
        spent = one.record["compute"]["training_gmacs"]
        assert spent >= sum(t["gmacs"] for a in one.arms for t in a["trainings"]) > 0
        by_name = {arm["name"]: arm for arm in one.arms}
        generic, more = by_name["generic"], by_name["generic-long"]
        assert str(shared / "arms" / folders[0]) in generic["command"]
        assert [t["shared"] for t in generic["trainings"]] == [True]
        assert [t["shared"] for t in by_name["scratch"]["trainings"]] == [False]
        assert all(t["seconds"] > 0 for t in generic["trainings"])
        assert more["images_seen"] == 4 * generic["images_seen"]
        levers = {(one["arm"], one["without"]) for one in one.record["levers"]}
        assert ("generic-long", "generic") in levers


def test_what_goes_on_from_the_longest_generic_training(tmp_path):
    pool = write_pool(tmp_path / "pool")
    targets = [write_target(tmp_path / name, begin=n) for n, name in
               ((1000, "a"), (2000, "b"))]  # fmt: skip
    options = {"select": 64, "scale": 0.002, "workers": 0, "seeds": 2}
    out, arms = tmp_path / "out", ["generic", "branched-long"]
    found = customize_several(str(pool), targets, out, arms=arms, **options)
    (shared,) = (out / "shared").iterdir()
    trained = {
        path.name.rpartition("-")[0] for path in (shared / "arms").glob("*-????????")
    }
    assert trained == {
        f"{name}-seed{seed}"
        for name in ("generic-2i", "generic-long-8i")
        for seed in (0, 1)
    }
    for one in found.values():
        names = [arm["name"] for arm in one.arms]
        # What it goes on from is there to be compared with.
        assert names == [
            "generic",
            "generic-long",
            "branched-long",
            "branched-long-random",
        ]
        # The longest training there is selects the images, too.
        assert len([*(shared / "features").glob("generic-long-8i-seed0-*")]) == 1
        (cfg,) = (one.out / "configs").glob("branched-long-1i-seed1.py")
        cfg = Config.fromfile(cfg)
        assert "generic-long-8i-seed1" in cfg.load_from
        assert cfg.train_dataloader.dataset.share == 0.3
        controls = [gap.control for gap in one.verdict.differences]
        assert {*controls} == {"generic", "generic-long", "branched-long-random"}
