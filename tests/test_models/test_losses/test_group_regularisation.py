import pytest
import torch
from torch import nn

from mmtaskssl.models.losses import GroupRegularisation
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._elastic import fresh_hub
from tests.test_models.test_algorithms._slimmable import batch, build, optimizer


def test_each_group_of_outputs_has_its_factor():
    fresh_hub().runtime_info.clear()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 10, 3), nn.BatchNorm2d(10), nn.Linear(2, 2))
    nn.init.normal_(net[1].weight)
    nn.init.normal_(net[1].bias)
    # Four groups of two channels; the last takes the two that are left, too.
    factors = [1, 1, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7]
    expected = 0.0
    for channel, factor in enumerate(factors):
        squares = net[0].weight[channel].square().sum()
        squares = squares + net[1].weight[channel] ** 2 + net[1].bias[channel] ** 2
        expected = expected + 0.01 * factor * squares
    found = GroupRegularisation(0.01, slope=0.1, groups=4)(net)
    torch.testing.assert_close(found, expected)


def test_the_slope_rises_over_the_first_half():
    loss, hub = GroupRegularisation(1.0, slope=0.08), fresh_hub(100)
    slopes = []
    for step in (0, 25, 50, 99):
        hub.update_info("iter", step)
        slopes.append(loss.current_slope())
    assert slopes == pytest.approx([0, 0.04, 0.08, 0.08])
    late, slopes = GroupRegularisation(1.0, slope=0.08, warmup=0.2), []
    for step in (0, 20, 35, 50, 99):
        hub.update_info("iter", step)
        slopes.append(late.current_slope())
    assert slopes == pytest.approx([0, 0, 0.04, 0.08, 0.08])


def test_it_is_weight_decay_where_the_slope_is_zero():
    fresh_hub()
    conv = nn.Conv2d(3, 4, 1, bias=False)
    GroupRegularisation(0.25, slope=0)(conv).backward()
    torch.testing.assert_close(conv.weight.grad, 0.5 * conv.weight)


def test_the_base_pays_it_and_no_other_width():
    fresh_hub()
    model = build(group_regularisation={"strength": 1e-3})
    expected = model.group_regularisation(model.backbone).detach()
    logs = model.train_step({"inputs": batch(0)}, optimizer(model))
    torch.testing.assert_close(logs["max/loss_groups"], expected)
    assert [key for key in logs if "groups" in key] == ["max/loss_groups"]


def test_a_slope_that_would_turn_decay_into_growth():
    with pytest.raises(UserError, match="leaves the range"):
        GroupRegularisation(1e-4, slope=0.2, groups=8)
    with pytest.raises(UserError, match=r"below 0\.5"):
        GroupRegularisation(1e-4, warmup=0.5)
