"""Several networks of one shape as one."""

import pytest

from mmtaskssl.specialists.mix import gates


def test_gates_divide_a_target_among_those_who_know_its_clusters():
    shares = gates([0.5, 0.3, 0.15, 0.05], {"a": (0, 1), "b": (1,)})
    assert shares == pytest.approx({"a": 0.65, "b": 0.15, "generic": 0.2})


def test_gates_of_a_target_that_lies_elsewhere_leave_it_to_the_generic_network():
    assert gates([0.0, 1.0], {"a": (0,)}) == {"a": 0.0, "generic": 1.0}
