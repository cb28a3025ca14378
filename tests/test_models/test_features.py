"""What a network's feature is: every kind of output has one, and a mask has none."""

import pytest
import torch

from mmtaskssl.models.features import last_map, pooled_feature
from mmtaskssl.utils.errors import UserError

MAP = torch.arange(48.0).view(2, 6, 2, 2)
TOKENS = torch.arange(60.0).view(2, 5, 6)
VECTOR = torch.arange(12.0).view(2, 6)
INDICES = torch.tensor([[1, 0, 2], [2, 1, 0]])


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (MAP, MAP.mean((2, 3))),
        (TOKENS, TOKENS.mean(1)),
        (VECTOR, VECTOR),
        ((MAP[:, :3], MAP), MAP.mean((2, 3))),
        ([TOKENS, 2 * TOKENS], 2 * TOKENS.mean(1)),
        (([MAP, VECTOR],), VECTOR),
        ((MAP, [MAP, VECTOR]), VECTOR),
        (([MAP, VECTOR], [MAP, 3 * VECTOR]), 3 * VECTOR),
        ({"feature": MAP}, MAP.mean((2, 3))),
        ({"last_hidden_state": TOKENS, "pooler_output": VECTOR}, VECTOR),
        ({"last_hidden_state": TOKENS, "hidden_states": None}, TOKENS.mean(1)),
        (({"out": [MAP]},), MAP.mean((2, 3))),
        (MAP.bfloat16(), MAP.bfloat16().float().mean((2, 3))),
    ],
)
def test_each_kind_of_output_has_its_feature(output, expected):
    feature = pooled_feature(output, count=2)
    assert feature.dtype == torch.float32
    assert torch.equal(feature, expected)


def test_tokens_may_begin_with_a_class_token():
    assert torch.equal(pooled_feature(TOKENS, class_token=True), TOKENS[:, 0])


@pytest.mark.parametrize(
    "output",
    [
        (TOKENS, torch.ones(2, 4), INDICES),  # MAE's: tokens, mask, order
        (TOKENS, torch.ones(2, 4)),
        (TOKENS, torch.ones(1, 5, 1)),  # MixMIM's: tokens, one mask for all
        (MAP, torch.ones(2, 5)),  # a vector of another width is no class token
        (MAP, MAP[:1]),
        INDICES,
        torch.ones(2, 5, 6) > 0,
        torch.ones(2, 1),
        torch.ones(2, 3, 4, 2, 2),
        torch.ones(3),
        {"mask": VECTOR, "logits": VECTOR},
        (),
        None,
        "features",
    ],
)
def test_what_is_no_feature_is_an_error(output):
    with pytest.raises(UserError, match="feature"):
        pooled_feature(output)


def test_a_feature_of_other_images_is_an_error():
    with pytest.raises(UserError, match="for 4 images"):
        pooled_feature(MAP, count=4)


def test_the_last_map():
    assert last_map((MAP[:, :3], MAP)) is MAP
    assert last_map(([MAP, VECTOR],)) is MAP
    for output in (VECTOR, TOKENS, (MAP, VECTOR[:, :2]), ()):
        with pytest.raises(UserError):
            last_map(output)
