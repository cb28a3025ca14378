"""Slimmable algorithms: targets, losses, weights, and their plain relatives."""

import pytest
import torch

from tests.test_models.test_algorithms._elastic import fresh_hub
from tests.test_models.test_algorithms._slimmable import (
    NAMES,
    build,
    build_alone,
    losses,
)

KINDS = ["BYOL", "MoCo", "SimSiam"]


@pytest.fixture(autouse=True)
def hub():
    return fresh_hub()


@pytest.mark.parametrize("norm", ["SwitchableBN", "BN"])
@pytest.mark.parametrize("kind", KINDS)
def test_with_one_width_it_is_the_plain_algorithm_bit_for_bit(kind, norm):
    slimmable = losses(build(kind, NAMES[:1], norm))
    plain = losses(build_alone(kind, NAMES[:1], norm))
    assert torch.stack(slimmable).equal(torch.stack(plain))
    assert len(set(map(float, slimmable))) > 1
