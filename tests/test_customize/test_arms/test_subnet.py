"""Arms that train many networks at once, and serve one of them."""

import dataclasses

import pytest

from mmtaskssl.apis import extract, pretrain
from mmtaskssl.customize.arms.arm import Case
from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.fit.body import Body
from mmtaskssl.customize.fit.own import CONFIG, Own, own_within
from mmtaskssl.customize.images import write_lists
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.race.trainings import Training
from mmtaskssl.customize.record import trained_once
from mmtaskssl.customize.starts import Start
from mmtaskssl.utils.budgets import Budget
from tests.test_customize._images import write_pool, write_start, write_target

BUDGETS = ("3M-3.5M", "7M-8.5M")
SUBNETS = ("slimmed", "searched", "routed")


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """A case of each budget, without a start and with one that teaches."""
    base = tmp_path_factory.mktemp("cases")
    found = inspect(write_pool(base / "pool"), write_target(base / "target"))
    teacher = Start.parse(write_start(base / "start.pth"))
    lists, _ = write_lists(found, None, 64, 0, base)
    lists["selected"] = lists["random"]
    paths = [f"{found.pool_root}/{image}" for image in found.pool_ids]
    stores = (
        extract(teacher.open(), paths, root=found.pool_root, image_size=40),
        extract(teacher.open(), found.train.paths, image_size=40),
    )
    owns = {text: own_within(CONFIG, Budget.parse(text)) for text in BUDGETS}
    # The size of the pool is what a network is refused for; it is never read.
    counts = {"pool": 1024, "random": 64, "selected": 64}
    return {
        (text, taught): Case(
            found,
            own,
            None,
            Body(teacher, 40) if taught else None,
            lists,
            counts,
            text,
            tuple(owns[text].name for text in reversed(BUDGETS)),
            stores,
            base / f"taught-{taught}",
        )
        for text, own in owns.items()
        for taught in (False, True)
    }


def test_a_taught_shape_is_searched_by_its_teacher(cases, monkeypatch, tmp_path):
    asked = {}

    class Found:
        best = ("s8",)

    def search(network, images, budget, **options):
        asked.update(options, images=images)
        return Found

    monkeypatch.setattr("mmtaskssl.customize.arms.searched.search", search)
    arm = ARMS["searched"]
    for taught in (True, False):
        case = cases["7M-8.5M", taught]
        assert arm.choose(case, None, tmp_path) == "s8"
        if taught:
            assert asked["metrics"] == "auto" and asked["num_images"] == 64
            assert asked["images"] == str(case.lists["selected"])
            assert asked["teacher"].transform.image_size == case.teacher.side
        else:
            assert asked["metrics"] == "global"
            assert asked["images"] == case.found.train.paths
    assert "agrees most with" in arm.what(cases["7M-8.5M", True])


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("name", SUBNETS)
def test_the_network_is_within_the_budget(name, taught, cases, tmp_path, monkeypatch):
    arm, case = ARMS[name], cases["7M-8.5M", taught]
    assert arm.refuses(case) is None
    config = arm.config(case, 1)
    config.train_dataloader.batch_size = 4
    done = pretrain(config, work_dir=tmp_path / "run")
    network = arm.network(case, config, done.checkpoint, 0)
    side = arm.serves(case).side
    assert side == 40 and network.space is None
    cost = network.cost(shape=side)
    assert cost.macs in Budget.parse("7M-8.5M")
    assert arm.cost(case) in (None, cost)
    # What was found is kept.
    monkeypatch.setattr(type(arm), "choose", None)
    again = arm.network(case, config, done.checkpoint, 0)
    assert again.weights_sha256 == network.weights_sha256


def test_one_slimmable_training_serves_all_budgets(cases, tmp_path):
    arm = ARMS["slimmed"]
    two = [cases[text, True] for text in BUDGETS]
    configs = [arm.config(case, 1) for case in two]
    assert configs[0].pretty_text == configs[1].pretty_text
    one, other = (Training(arm, case, 1, 0) for case in two)
    assert one.name == other.name and one.judged != other.judged
    configs[0].train_dataloader.batch_size = 4
    done = pretrain(configs[0], work_dir=tmp_path)
    costs = [
        arm.network(case, configs[0], done.checkpoint, 0).cost(shape=40).macs
        for case in two
    ]
    assert costs == [case.own.cost.macs for case in two]
    # A routed network's width is that of one budget.
    assert len({Training(ARMS["routed"], case, 1, 0).name for case in two}) == 2


def test_a_shared_training_counts_once():
    one, other, third = ({"name": name, "seconds": 1.0, "gmacs": 2.0} for name in "abc")
    arms = [{"trainings": [one, other]}, {"trainings": []}, {"trainings": [one, third]}]
    assert trained_once(arms) == [one, other, third]


@pytest.mark.parametrize(
    "name, changes, said",
    [
        ("slimmed", {"widths": ("s8-w8.16.32.64-d1.1.1.1",)}, "one width"),
        ("searched", {"budget": ""}, "no budget to search within"),
        ("searched", {"found": "few"}, "by 16 images of the target or more"),
        ("searched", {"budget": "1M-2M"}, "no shape of its supernet is within 1M-2M"),
        ("routed", {"counts": {"pool": 1023}}, "a pool of 1,023 images is too small"),
        ("routed", {"budget": "1K-2K"}, "no width of its paths is within 1K-2K"),
        ("routed", {"own": None}, "no network of ours is within the budget"),
        ("slimmed", {"own": Own("other.py")}, "this run has another one"),
    ],
)
def test_what_it_refuses(name, changes, said, cases):
    case = cases["7M-8.5M", False]
    if "found" in changes:
        train = dataclasses.replace(
            case.found.train,
            image_ids=case.found.train.image_ids[:15],
            labels=case.found.train.labels[:15],
        )
        changes = {"found": dataclasses.replace(case.found, train=train)}
    case = dataclasses.replace(case, **changes)
    assert said in ARMS[name].refuses(case)
