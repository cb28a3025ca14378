"""Widths that a budget pays for."""

import pytest

from mmtaskssl.customize.fit.own import CONFIG, Own, own_within
from mmtaskssl.utils.budgets import Budget


def test_without_a_budget_it_is_the_config():
    own = own_within(CONFIG, None)
    assert own.options == {} and own.side == 40
    assert own.cost.macs == Own(CONFIG).cost.macs


@pytest.mark.parametrize("text", ["18M-23M", "200K-400K:params"])
def test_the_widest_within_a_band(text):
    budget = Budget.parse(text)
    own = own_within(CONFIG, budget)
    assert own.spends(budget.kind) in budget
    width = int(own.options["model.backbone.subnet"].split("-")[1][1:].split(".")[0])
    wider = own.options["model.backbone.subnet"].replace(f"w{width}.", f"w{width + 2}.")
    more = Own(CONFIG, {**own.options, "model.backbone.subnet": wider})
    assert more.spends(budget.kind) > own.spends(budget.kind)
    assert own.channels == 8 * width
    assert own.untrained(0).cost(shape=40) == own.cost


def test_nothing_fits():
    assert own_within(CONFIG, Budget.parse("1K-2K")) is None
