"""Starts at the side that a budget pays for."""

import pytest

from mmtaskssl.customize.fit.body import Body, fitting
from mmtaskssl.customize.starts import Start
from mmtaskssl.utils.budgets import Budget

from .._images import write_start


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return Start.parse(write_start(tmp_path_factory.mktemp("start") / "start.pth"))


def test_the_largest_side_within_a_band(start):
    budget = Budget.parse("3M-6M")
    body = fitting(start, budget, 160)
    assert body.spends("macs") in budget
    assert body.at(body.side + 8).spends("macs") >= budget.high
    assert fitting(start, budget, body.side - 8).side == body.side - 8


def test_nothing_is_within_it(start):
    assert fitting(start, Budget.parse("1K-2K"), 160) is None
    assert fitting(start, Budget.parse("1G-2G"), 160) is None
    assert fitting(start, Budget.parse("1M-2M:params"), 160) is None


def test_parameters_do_not_depend_on_the_side(start):
    params = Body(start, 160).cost.params
    budget = Budget(params, params + 1, "params")
    assert fitting(start, budget, 160).side == 160


def test_what_a_training_needs(start):
    body = Body(start, 48)
    assert body.backbone["type"] == "mmtaskssl.TimmBackbone"
    assert body.output == (256, True)
    assert body.transform.image_size == 48
