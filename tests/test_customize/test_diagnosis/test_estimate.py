"""The plan: what follows, from what a few images took."""

import types

import pytest

from mmtaskssl.customize.diagnosis import estimate as module
from mmtaskssl.customize.diagnosis import step_cost
from mmtaskssl.customize.diagnosis.estimate import estimate
from mmtaskssl.customize.diagnosis.plan import Plan, Stage
from mmtaskssl.customize.diagnosis.step_cost import StepCost, measure_step
from mmtaskssl.utils.errors import UserError

from ._cases import CONFIG, make

_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
# Its own images are generated; those of files are what is measured.
_FILES = {
    "train_dataloader.dataset": {
        "_delete_": True,
        "type": "UnlabeledImages",
        "source": "x",
        "store_size": 32,
    }
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return make(tmp_path_factory.mktemp("images"))


def test_a_plan_is_what_was_measured_times_what_is_to_do(found, monkeypatch, tmp_path):
    asked = {}

    def measured(config, images, **options):
        asked[config] = len(images)
        return StepCost(2.0, 10.0, 3 * 10**9, 10**6, 64)

    monkeypatch.setattr(module, "measure_step", measured)
    clock = types.SimpleNamespace(perf_counter=iter(range(4)).__next__)
    monkeypatch.setattr(module, "time", clock)
    plan = estimate(
        found,
        {"continued": ("a.py", 200), "scratch": ("b.py", 1000)},
        pool_by=((CONFIG, "random"), 16),
        judged_by=((CONFIG, "random"), 16),
        judging=5.0,
        seeds=2,
        out=tmp_path / "not" / "there",
        workers=0,
    )
    assert asked == {"a.py": 48, "b.py": 48}
    pool, continued, scratch, judging = plan.stages
    assert pool.seconds == pytest.approx(1.0)  # a second for 48 images, and all of them
    assert pool.disk == 48 * 64 * 2 and pool.bytes > 10**6
    assert continued.seconds == 2 * (10 + 200 * 2) and continued.disk == 2 * 10**6
    assert scratch.seconds == 2 * (10 + 1000 * 2) and scratch.bytes == 3 * 10**9
    assert judging.seconds == pytest.approx(2 * 2 * (5 + 13 * 1 / 12))
    assert plan.bytes == 3 * 10**9 and plan.free > 0
    assert "training scratch x 2" in plan.table() and "warning" not in plan.table()
    saved = plan.save(tmp_path / "plan")
    assert (saved / "plan.json").is_file()


def test_a_disk_that_is_too_small_is_said():
    plan = Plan([Stage("training a", 60.0, 10**9, 2 * 10**9, "steps")], 10**9)
    assert "the disk has 1.0 GB free, less than the 2.0 GB" in plan.table()


def test_steps_are_trained(found):
    images = [f"{found.pool_root}/{image}" for image in found.pool_ids]
    cost = measure_step(_MOCO, images, cfg_options=_FILES, apart=False)
    assert cost.batch == 16 and cost.seconds > 0 and cost.begin > 0
    assert cost.checkpoint > 10**5 and cost.bytes > 10**8
    assert cost.of(10) == cost.begin + 10 * cost.seconds


def test_what_cannot_be_trained_is_said_in_its_words(found, monkeypatch):
    def failed(function, arguments, options, log):
        log.write_text("starting\nerror: the queue is too long\n")
        return 2

    monkeypatch.setattr(step_cost, "call_apart", failed)
    with pytest.raises(UserError, match="cannot be measured: the queue is too long"):
        measure_step(_MOCO, ["a.png"])
    with pytest.raises(UserError, match="whole number from 1 on, not 0"):
        estimate(found, {"a": (_MOCO, 0)})
