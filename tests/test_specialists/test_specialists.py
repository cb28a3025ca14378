"""Specialists: what is trained on what, and which network a task gets."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from mmtaskssl import apis
from mmtaskssl.cli.main import run as cli
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.specialists.mix import mixed
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.weights import load_state_dict
from tests._images import make_image_folder

BASE = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
TEXT = """
_base_ = "{base}"
images = "{images}"
max_iters = 2
log_level = "WARNING"
train_dataloader = dict(
    batch_size=4,
    dataset=dict(_delete_=True, type="UnlabeledImages", source=images),
)
default_hooks = dict(checkpoint=dict(interval=2))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A pool in three clusters, a target in one of them, a config, a start."""
    root = tmp_path_factory.mktemp("specialists")
    make_image_folder(root / "pool", 6, ("a", "b", "c"), size=40)
    make_image_folder(root / "mine" / "train", 6, ("x", "y"), size=40, seed=1)
    base = Path(resolve_config(BASE)).resolve()
    (root / "config.py").write_text(TEXT.format(images=root / "pool", base=base))
    start = apis.pretrain(root / "config.py", iters=0, seed=7, work_dir=root / "public")
    (root / "start.pth").write_bytes(start.checkpoint.read_bytes())
    network = (root / "config.py", root / "start.pth")
    pool = apis.extract(network, root / "pool", out=root / "features", workers=0)
    make_image_folder(root / "near", 6, ("a",), size=40)  # its first class
    apis.extract(network, root / "near", out=root / "mine-features", workers=0)
    clusters = apis.cluster(pool, (3, 1), pool_root=root / "pool", upper=1.5)
    clusters.save(root / "clusters")
    return root


def _plan(place, **given):
    given = {
        "target": place / "mine-features",
        "pool": place / "features",
        "weights": place / "start.pth",
        **given,
    }
    return apis.branch(place / "config.py", place / "clusters", **given)


@pytest.fixture(scope="module")
def trained(place):
    lines = []
    done = _plan(place, leaves=[[0], [2, 1]], target=None, pool=None).run(
        place / "out", lines.append
    )
    assert [line.split(":")[0] for line in lines] == [
        *("generic seed 0", "start seed 0"),
        *("clusters-0 seed 0", "clusters-1-2 seed 0"),
    ]
    return done


def test_a_target_gets_the_specialist_of_its_clusters(place):
    plan = _plan(place, share=0.9)
    (home,), (arm,) = plan.homes, plan.arms
    clusters = Clusters.open(place / "clusters")
    own = dict(zip(clusters.image_ids, clusters.leaf, strict=True))
    # The target's images are those of the pool's class a.
    expected = {int(own[f"a/{i:03d}.png"]) for i in range(6)}
    assert {*home.leaves} == expected == {*arm.leaves}
    assert sorted(arm.ids) == sorted(n for n, leaf in own.items() if leaf in expected)
    assert arm.iterations == plan.generic.iterations == 2
    assert plan.generic.images == 18 and plan.start.iterations == 0
    assert "mine-features: " in plan.table() and arm.what in plan.table()


def test_without_a_target_every_cluster_has_one(place):
    plan = _plan(place, target=None, pool=None)
    assert sorted(arm.leaves for arm in plan.arms) == [(0,), (1,), (2,)]
    sizes = [arm.images for arm in plan.arms]
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == 18
    assert len(_plan(place, target=None, pool=None, most=1).arms) == 1


def test_a_target_spread_over_the_pool_gets_none(place):
    plan = _plan(place, target=place / "features", share=0.95)
    assert not plan.arms and plan.homes[0].is_diffuse
    assert "no specialist, the generic network" in plan.table()


def test_each_trains_on_its_own_images_from_the_start(trained, place):
    def listed(name):
        return (place / "out" / name / "seed0" / "selection.txt").read_text().split()

    clusters = trained.clusters
    own = {arm.name: arm for arm in trained.arms}
    rows = clusters.rows([1, 2])
    assert sorted(listed("clusters-1-2")) == sorted(
        clusters.image_ids[row] for row in rows
    )
    assert len(listed("generic")) == 18 and own["clusters-0"].images_seen == 8
    start = load_state_dict(str(place / "start.pth"))
    nets = {a.name: trained.network(a.name).backbone for a in trained.all_arms}
    weight = "conv1.weight"
    first = nets["start"].state_dict()[weight]
    assert torch.equal(first, start[f"backbone.{weight}"])
    others = [n.state_dict()[weight] for name, n in nets.items() if name != "start"]
    assert all(0 < (w - first).abs().max() < 1 for w in others)
    assert not torch.equal(others[0], others[1])


def test_what_is_trained_is_not_trained_again(trained, place):
    lines = []
    again = _plan(place, leaves=[[0], [1]], target=None, pool=None)
    again.run(place / "out", lines.append)
    assert [line for line in lines if line.endswith(": done")] == [
        "clusters-1 seed 0: done"
    ]
    kept = json.loads((place / "out" / "specialists.json").read_text())["networks"]
    names = [one["name"] for one in kept]
    assert {*names} == {"generic", "start", "clusters-0", "clusters-1", "clusters-1-2"}
    assert len(names) == len({*names})
    other = _plan(place, leaves=[[0]], target=None, pool=None, iters=3)
    with pytest.raises(UserError, match="another config, start or images"):
        other.run(place / "out")


def test_a_task_is_routed_by_its_training_images(trained, place):
    found = trained.route(place / "mine", workers=0, device="cpu", image_size=32)
    names = [candidate.subnet.name for candidate in found.ranking]
    assert {*names} == {
        *("generic", "start", "clusters-0", "clusters-1-2"),
        *("half-clusters-0", "half-clusters-1-2"),
    }
    assert found.answer.name == names[0] and found.largest.name == "generic"
    best = max(candidate.score for candidate in found.ranking)
    if names[0] != "generic":
        assert found.ranking[0].score == best
    assert "data:image/jpeg" in found.page()
    folder = trained.keep(found, "mine")
    state = load_state_dict(str(folder / "weights.pth"))
    expected = found.chosen.backbone.state_dict()
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    kept = json.loads((folder / "routing.json").read_text())
    assert kept["answer"] == found.answer.name and kept["generic_label"] == "generic"
    assert "<h1>Use network" in (folder / "report.html").read_text()
    opened = apis.open_network((place / "config.py", folder / "weights.pth"))
    assert torch.equal(opened.backbone.conv1.weight, found.chosen.backbone.conv1.weight)


def test_the_specialist_of_a_targets_own_clusters_wins_ties(place):
    """All get everything right: nothing but the clusters tells them apart."""
    done = _plan(place, share=0.9).run(place / "own")
    task = place / "near-task" / "mine-features"  # by the name of its features
    make_image_folder(task / "train", 6, ("x", "y"), size=40, seed=1)
    given = {"workers": 0, "device": "cpu", "image_size": 32}
    (arm,) = done.arms
    lines = []
    found = done.route(task, log=lines.append, **given)
    assert any("is taken for the target mine-features by its name" in x for x in lines)
    scores = {c.subnet.name: c.score for c in found.ranking}
    assert {*scores.values()} == {1.0}, scores
    assert found.answer.name == found.largest.name == arm.name
    assert f"no network is ahead of {arm.name}" in found.notes[0]
    assert done.route(task, favour="generic", **given).answer.name == "generic"
    # A task that the plan does not know has no clusters of its own, and that is said.
    lines = []
    found = done.route(place / "mine", log=lines.append, **given)
    assert found.answer.name == "generic" and "wins ties" in lines[0]
    # One is known by its images, whatever its features' folder is called.
    task = place / "another name"
    make_image_folder(task / "train", 6, ("x", "y"), size=40, seed=1)
    (home,) = done.homes
    moved = dataclasses.replace(home, root=str(task / "train"), target="other")
    known = dataclasses.replace(done, homes=(moved,))
    assert known.route(task, **given).answer.name == arm.name
    assert apis.FeatureStore.open(place / "mine-features").root == home.root


def test_a_mean_of_networks_is_one(trained):
    networks = {name: trained.network(name) for name in ("generic", "clusters-0")}
    one, two = (net.backbone.state_dict() for net in networks.values())
    mean = mixed(networks, {"generic": 0.25, "clusters-0": 0.75})
    for key, value in mean.backbone.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.25 * one[key] + 0.75 * two[key])
    assert mean.changed == {"mixed": {"generic": 0.25, "clusters-0": 0.75}}
    alone = mixed(networks, {"generic": 1.0, "clusters-0": 0.0}).backbone.state_dict()
    assert all(torch.equal(alone[key], one[key]) for key in one)


def test_an_anchor_keeps_features_near_the_start(place):
    plan = _plan(place, anchor=2.0, leaves=[[0]], target=None, pool=None)
    distill = plan.arms[0].config.model.distill
    assert distill["teacher"] == {"type": "StartTeacher", "view_size": 32}
    assert distill["losses"] == [{"type": "CosineRegression", "weight": 2.0}]
    assert "allow" not in plan.arms[0].config
    loaded = {"weights": None, "cfg_options": {"load_from": str(place / "start.pth")}}
    options = {"anchor": 2.0, "leaves": [[0]], "target": None, "pool": None, **loaded}
    assert _plan(place, **options).arms[0].config.allow == [r"distill\."]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": None}, "branch off from a trained network: name its `weights`"),
        ({"pool": None}, "name `pool`, the features that the clusters were made"),
        ({"leaves": [[0]]}, "`leaves` is of use only without"),
        ({"share": 2.0}, "share"),
        ({"anchor": -1.0}, "anchor"),
        ({"target": None}, "`pool` is of use only with"),
        ({"target": None, "pool": None, "leaves": [[7]]}, r"clusters from 0 to 2"),
        ({"images": "{root}/near"}, "12 images of the clusters"),
    ],
)
def test_what_cannot_be(place, given, message):
    given = {
        k: v.format(root=place) if isinstance(v, str) else v for k, v in given.items()
    }
    with pytest.raises(UserError, match=message):
        _plan(place, **given)


def test_the_command(trained, place, capsys):
    command = [
        *("branch", str(place / "config.py"), "--clusters", str(place / "clusters")),
        *("--weights", str(place / "start.pth"), "--out", str(place / "command")),
        *("--pool", str(place / "features"), "--share", "0.9"),
        *("--target", str(place / "mine-features")),
        *("--route", str(place / "mine"), "--device", "cpu", "--no-images"),
    ]
    folder = place / "command" / "routing" / "mine"
    for _ in range(2):  # what is there does not stand in its own way
        code = cli(command)
        said = capsys.readouterr().out
        assert code in (0, None), said
        assert (folder / "weights.pth").is_file() and f"written: {folder}" in said
        assert "next: mmtaskssl export" in said
        name = json.loads((folder / "routing.json").read_text())["answer"]
        assert f"use {name}: " in said
        assert "data:image" not in (folder / "report.html").read_text()
    # Replaced with all that was routed.
    before = (folder / "weights.pth").stat().st_mtime_ns
    assert cli([*command, "--overwrite"]) in (0, None)
    assert (folder / "weights.pth").stat().st_mtime_ns > before
