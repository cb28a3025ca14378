"""Values in messages, and the refusals that verbs share."""

import pytest

from mmtaskssl.utils import checks
from mmtaskssl.utils.errors import UserError


def test_kinds_have_their_article():
    assert checks.shown(object()) == "an object" and checks.shown({1}) == "a set"
    assert checks.shown([1]) == "[1]" and checks.shown(None) == "None"


@pytest.mark.parametrize("value", [True, 1.5, float("nan"), "1", None, 0])
def test_what_is_no_whole_number(value):
    with pytest.raises(UserError, match=r"`shots`.*from 1 on"):
        checks.whole("shots", value)
