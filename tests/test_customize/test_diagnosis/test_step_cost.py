"""What a step takes, and what a plan says of it."""

import pytest

from mmtaskssl.customize.diagnosis import step_cost
from mmtaskssl.customize.diagnosis.plan import Plan, Stage
from mmtaskssl.customize.diagnosis.step_cost import measure_step
from mmtaskssl.utils.errors import UserError

from ._cases import make

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


def test_a_disk_that_is_too_small_is_said():
    plan = Plan([Stage("training a", 60.0, 10**9, 2 * 10**9, "steps")], 10**9)
    assert "the disk has 1.0 GB free, less than the 2.0 GB" in plan.table()


def test_steps_are_trained(found):
    images = [f"{found.pool_root}/{image}" for image in found.pool_ids]
    cost = measure_step(_MOCO, images, cfg_options=_FILES, apart=False)
    assert cost.batch == 16 and cost.seconds > 0 and cost.begin > 0
    assert cost.checkpoint > 10**5 and cost.bytes > 10**8
    assert cost.of(10) == cost.begin + 10 * cost.seconds


def test_what_cannot_be_trained_is_said_in_its_words(monkeypatch):
    def failed(function, arguments, options, log):
        log.write_text("starting\nerror: the queue is too long\n")
        return 2

    monkeypatch.setattr(step_cost, "call_apart", failed)
    with pytest.raises(UserError, match="cannot be measured: the queue is too long"):
        measure_step(_MOCO, ["a.png"])
