"""One pool for two targets."""

import shutil

import pytest

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
    (store,) = (tmp_path / "out" / "shared").iterdir()
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


def test_one_name_for_two(tmp_path):
    with pytest.raises(UserError, match="one twice"):
        customize_several("pool", [tmp_path / "a", tmp_path / "a"], tmp_path / "out")
