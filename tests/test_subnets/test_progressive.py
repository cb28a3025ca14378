"""The sampler of routed training."""

from collections import Counter

import pytest

from mmtaskssl.subnets import build_space
from mmtaskssl.utils.errors import UserError

from .test_samplers import PATHS, build


def test_progressive_phases():
    sampler = build("Progressive", PATHS)
    assert sampler.bounds(100) == [0, 30, 40, 50, 60, 100]
    live = [len(sampler.live_paths(phase)) for phase in range(sampler.num_phases)]
    assert live == [1, 4, 16, 64, 256]
    assert sampler.live_paths(0) == [PATHS.max]
    assert set(sampler.live_paths(4)) == set(PATHS)
    # The last stage splits first: it holds the coarse digit.
    assert {net.path for net in sampler.live_paths(1)} == {
        (-1, -1, -1, i) for i in range(4)
    }
    assert {net.path[:2] for net in sampler.live_paths(2)} == {(-1, -1)}
    assert sampler(29, 100) == [PATHS.max]
    for step, phase in [(30, 1), (39, 1), (40, 2), (59, 3), (60, 4), (99, 4), (500, 4)]:
        largest, path = sampler(step, 100)
        assert sampler.phase(step, 100) == phase
        assert largest == PATHS.max
        assert path in sampler.live_paths(phase)


@pytest.mark.parametrize("num_paths", [1, 3])
def test_progressive_runs_every_path_equally_often(num_paths):
    space = build_space({"preset": "routed_resnet", "groups": 2})
    sampler = build("Progressive", space, num_paths=num_paths, shares=(0, 0, 0, 0, 1.0))
    turn = 16 // num_paths
    for start in range(0, 5 * turn, turn):
        paths = [p for i in range(turn) for p in sampler(start + i, 1000)[1:]]
        assert len(set(paths)) == len(paths) == turn * num_paths
    orders = {tuple(sampler(s, 1000)[1] for s in range(t, t + turn)) for t in (0, turn)}
    assert len(orders) == 2  # another order every turn


def test_progressive_of_two_groups():
    space = build_space({"preset": "routed_resnet", "depth": 18, "groups": 2})
    sampler = build("Progressive", space)
    live = [len(sampler.live_paths(phase)) for phase in range(sampler.num_phases)]
    assert live == [1, 2, 4, 8, 16]


def test_progressive_runs_paths_in_proportion_to_their_weight():
    space = build_space(
        {"preset": "routed_resnet", "depth": 10, "groups": [1, 1, 2, 2]}
    )
    weights = {(0, 0): 7, (0, 1): 2, (1, 0): 1, (1, 1): 0}

    def weigh(subnet):
        last = subnet.path[2:]
        return sum(
            weight
            for groups, weight in weights.items()
            if all(a in (-1, b) for a, b in zip(last, groups, strict=True))
        )

    sampler = build("Progressive", space, shares=(0.2, 0.3, 0.5))
    assert [len(sampler.live_paths(phase)) for phase in range(3)] == [1, 2, 4]
    plain = [sampler(step, 1000) for step in range(1000)]
    weighted = sampler.weighted(weigh)
    runs = [weighted(step, 1000) for step in range(1000)]
    assert [sampler(step, 1000) for step in range(1000)] == plain  # a value
    assert runs[:200] == plain[:200]
    coarse = Counter(run[1].path[3] for run in runs[200:500])
    # Of 300 draws; the last group of the last stage is (0, 1) and (1, 1).
    assert coarse[0] == pytest.approx(240, abs=15)
    fine = Counter(run[1].path[2:] for run in runs[500:])
    for groups, weight in weights.items():
        assert fine[groups] == pytest.approx(50 * weight, abs=15)
    # In a turn of four draws: a share of .7 runs twice or three times, never else.
    for start in range(500, 1000, 4):
        turn = Counter(run[1].path[2:] for run in runs[start : start + 4])
        assert turn[(0, 0)] in (2, 3)
        assert turn[(0, 1)] in (0, 1)


def test_progressive_of_several_paths_runs_none_twice_in_a_step():
    space = build_space(
        {"preset": "routed_resnet", "depth": 10, "groups": [1, 1, 2, 2]}
    )
    sampler = build("Progressive", space, num_paths=2, shares=(0, 0, 1))
    heavy = space[0]
    sampler = sampler.weighted(lambda subnet: 8 if subnet == heavy else 1)
    for step in range(50):
        subnets = sampler(step, 50)
        assert heavy in subnets and len(set(subnets)) == len(subnets) <= 3


@pytest.mark.parametrize("weight", [lambda subnet: 0, lambda subnet: -1])
def test_progressive_refuses_bad_weights(weight):
    with pytest.raises(UserError, match="0 or more, and not all 0"):
        build("Progressive", PATHS).weighted(weight)
