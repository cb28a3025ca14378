import pytest
from mmengine.registry import Registry

from mmtaskssl.engine.user_errors import user_errors
from mmtaskssl.utils.errors import UserError

PARTS = Registry("part of a test")


@PARTS.register_module()
class Sided:
    def __init__(self, side):
        if side % 2:
            raise ValueError(f"side {side} must be even")


@pytest.mark.parametrize(
    ("side", "reason"), [(3, "ValueError: side 3 must be even"), ("x", "TypeError: ")]
)
def test_what_cannot_be_built_is_said_with_its_part(side, reason):
    with (
        pytest.raises(UserError, match="config's Sided cannot be built") as refused,
        user_errors(),
    ):
        PARTS.build({"type": "Sided", "side": side})
    assert reason in str(refused.value)


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, RuntimeError])
def test_what_fails_later_is_left_as_it_is(kind):
    with pytest.raises(kind), user_errors():
        raise kind("ours")
