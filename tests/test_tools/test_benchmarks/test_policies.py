"""Selections by each policy, of a pool whose sources are known."""

import csv

from studies.policies import POLICIES, WISHES, PolicyStudy, own_share, slug
from tests._images import make_image_folder


def test_names_of_files_have_no_folders():
    assert slug("80@timm:tf_efficientnet_lite0=/a/lite0.pth") == (
        "80@timm-tf_efficientnet_lite0-lite0"
    )
    assert slug("/a/b/net.py=/c/iter_10.pth") == "net.py-iter_10"
    assert slug("40@torchvision:resnet18") == "40@torchvision-resnet18"


def test_own_share():
    sources = {"a": "x", "b": "y", "c": "x", "d": "y"}
    assert own_share(sources, ["a", "b", "c"], "x") == 2 / 3


def test_every_policy_on_every_target(tmp_path, monkeypatch):
    wishes = {name: how for name, how in WISHES.items() if "auto" not in name}
    monkeypatch.setattr("studies.policies.WISHES", wishes)
    pool = make_image_folder(tmp_path / "data" / "pool" / "images", 12, ("p", "q"))
    make_image_folder(
        tmp_path / "data" / "classification" / "p" / "train", 5, ("a", "b")
    )
    names = sorted(p.relative_to(pool).as_posix() for p in pool.rglob("*.png"))
    with open(tmp_path / "data" / "pool" / "sources.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerows([("image", "source"), *((n, n.split("/")[0]) for n in names)])
    network = "32@timm:test_efficientnet"
    study = PolicyStudy(tmp_path / "data", tmp_path / "out", [network], 10)
    study.store = _stores(study, network)
    study.run()
    lines = study.tables().splitlines()
    assert lines[0] == "32@timm-test_efficientnet: own source %, classes served"
    names = [line.split(" | ")[0].strip("| ") for line in lines[4:]]
    assert names[: len(POLICIES)] == [*POLICIES]
    assert names[-len(wishes) :] == [*wishes] and "--unlike" in names[-len(wishes)]
    assert lines[-1].startswith(f"| {names[-1]} | 10: ")
    assert len({*POLICIES}) > 6 and "random_by_source" not in POLICIES
    before = [
        p.stat().st_mtime_ns for p in (tmp_path / "out" / "seed0").rglob("*.json")
    ]
    study.run()
    after = [p.stat().st_mtime_ns for p in (tmp_path / "out" / "seed0").rglob("*.json")]
    assert before == after


def _stores(study, network):
    """Returns features of a network that is drawn, in memory."""
    from mmtaskssl.apis import extract

    found = {}

    def store(name, target):
        assert name == network
        if target not in found:
            folder = study.data / "pool" / "images"
            if target:
                folder = study.data / "classification" / target / "train"
            found[target] = extract(
                ("timm:test_efficientnet", "random"),
                str(folder),
                image_size=32,
                labels="folder" if target else None,
                workers=0,
            )
        return found[target]

    return store
