import json
import os
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from mmtaskssl.registry import SUBNET_SAMPLERS
from mmtaskssl.subnets import build_space, cost
from mmtaskssl.utils.errors import UserError

WIDTHS = build_space("slimmable_resnet")
DATA = build_space("data_bottleneck")
PATHS = build_space("routed_resnet")
BASIC = build_space("data_basic")
FINE = build_space(
    {"preset": "slimmable_resnet", "widths": [i / 100 for i in range(25, 101)]}
)


def build(type, space=WIDTHS, **options):
    return SUBNET_SAMPLERS.build(
        {"type": type, **options}, default_args={"space": space}
    )


CASES = [
    ("AllSubnets", WIDTHS, {}),
    ("Sandwich", WIDTHS, {}),
    ("Sandwich", DATA, {"num_random": 3}),
    ("RandomSubnets", DATA, {"num": 2}),
    ("Dynamic", WIDTHS, {}),
    ("Dynamic", DATA, {}),
    ("SlowStart", WIDTHS, {}),
    ("SlowStart", DATA, {"then": {"type": "Sandwich"}}),
    ("Stratified", WIDTHS, {}),
    ("Stratified", BASIC, {"num_random": 3, "strata": 5}),
    ("Biased", WIDTHS, {}),
    ("Biased", DATA, {"num_random": 3}),
    ("Progressive", PATHS, {"num_paths": 2}),
]


@pytest.mark.parametrize(("type", "space", "options"), CASES)
def test_a_pure_function_of_seed_and_step(type, space, options):
    steps = range(60)
    sampler = build(type, space, **options)
    expected = [sampler(step, 60) for step in steps]
    random.seed(1)  # the global generator has no part in it
    resumed = build(type, space, **options)
    assert [resumed(step, 60) for step in reversed(steps)] == expected[::-1]
    for subnets in expected:
        assert len(subnets) == len(set(subnets)) > 0
        assert space.max not in subnets[1:]
        assert all(space.supports(subnet) for subnet in subnets)


@pytest.mark.parametrize(
    "type", ["Sandwich", "RandomSubnets", "Dynamic", "Biased", "SlowStart"]
)
def test_seeds_are_independent(type):
    options = {"then": {"type": "RandomSubnets"}} if type == "SlowStart" else {}
    runs = [
        [
            build(type, DATA, seed=seed, **options)(step, 20)[-1]
            for step in range(10, 20)
        ]
        for seed in (0, 1)
    ]
    assert not set(runs[0]) & set(runs[1])


def test_equal_in_another_process():  # which takes its time to import torch
    code = (
        "import json, sys; from mmtaskssl.registry import SUBNET_SAMPLERS as S\n"
        "kinds = json.loads(sys.argv[1])\n"
        "s = [S.build(dict(type=t, space=p, seed=5)) for t, p in kinds]\n"
        "print(json.dumps([[n.name for n in x(i, 40)] for x in s for i in range(40)]))"
    )
    kinds = [
        ("Sandwich", "data_bottleneck"),
        ("Biased", "data_basic"),
        ("Dynamic", "data_basic"),
        ("Progressive", "routed_resnet"),
    ]
    environment = dict(os.environ, PYTHONHASHSEED="123")
    output = subprocess.run(
        [sys.executable, "-c", code, json.dumps(kinds)],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    here = [
        [net.name for net in build(type, space, seed=5)(step, 40)]
        for type, space in kinds
        for step in range(40)
    ]
    assert json.loads(output.splitlines()[-1]) == here


def test_all_subnets_start_with_the_largest():
    backwards = build_space(
        {**WIDTHS.to_dict(), "subnets": [s.name for s in WIDTHS][::-1]}
    )
    assert build("AllSubnets", backwards)(0, 1)[0] == WIDTHS.max
    assert set(build("AllSubnets", backwards)(0, 1)) == set(WIDTHS)


def test_sandwich():
    sampler = build("Sandwich", DATA, num_random=2)
    for step in range(50):
        subnets = sampler(step, 50)
        assert subnets[:2] == [DATA.max, DATA.min]
        assert len(set(subnets)) == 4
    assert build("Sandwich", DATA, num_random=0)(0, 1) == [DATA.max, DATA.min]
    assert len(build("Sandwich", WIDTHS, num_random=9)(0, 1)) == 4
    drawn = Counter(build("Sandwich")(step, 600)[2] for step in range(600))
    assert set(drawn) == {WIDTHS[1], WIDTHS[2]}
    assert min(drawn.values()) > 240


def test_a_space_of_one_subnet_is_no_problem():
    one = WIDTHS.above(1)
    for type in ("AllSubnets", "Sandwich", "RandomSubnets", "Biased", "Dynamic"):
        assert build(type, one)(3, 4) == [one.max]


def test_random_subnets_have_equal_chances():
    sampler = build("RandomSubnets", num=2)
    counts = Counter(subnet for step in range(600) for subnet in sampler(step, 600))
    assert set(counts) == set(WIDTHS)
    assert min(counts.values()) > 240  # of an expected 300
    assert len(build("RandomSubnets", num=7)(0, 1)) == 4


@pytest.mark.parametrize("max_steps", [4, 10, 13, 101])
def test_dynamic_phases_are_clamped(max_steps):
    sampler = build("Dynamic")
    floors = [WIDTHS[0], WIDTHS[1], WIDTHS[2], WIDTHS[3]]
    seen = []
    for step in range(max_steps + 3):
        phase = sampler.phase(step, max_steps)
        subnets = sampler(step, max_steps)
        assert subnets[0] == WIDTHS.max
        smallest = min(subnets, key=lambda s: s.stem)
        assert smallest == floors[phase]
        seen.append(phase)
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2, 3}
    sizes = Counter(seen[:max_steps])
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_slow_start():
    sampler = build("SlowStart", fraction=0.3)
    counts = [len(sampler(step, 10)) for step in range(10)]
    assert counts == [1] * 3 + [4] * 7
    assert build("SlowStart", fraction=0)(0, 10) == build("AllSubnets")(0, 10)
    assert build("SlowStart", fraction=1.0)(9, 10) == [WIDTHS.max]
    then = {"type": "Sandwich", "num_random": 0}
    assert build("SlowStart", then=then)(9, 10) == [WIDTHS.max, WIDTHS.min]


def test_biased_prefers_small_nets():
    def mean(tournament):
        sampler = build("Biased", DATA, num_random=1, tournament=tournament)
        nets = [sampler(step, 300)[1] for step in range(300)]
        return sum(cost(DATA.arch, net).macs for net in nets) / len(nets)

    assert mean(4) < 0.85 * mean(2) < 0.85 * 0.9 * mean(1)
    sampler = build("Biased", num_random=1, tournament=2)
    counts = Counter(sampler(step, 900)[1] for step in range(900))
    # Of three: 1 - (2/3)^2 = 5/9, then 3/9 and 1/9.
    for net, expected in zip(list(WIDTHS)[:0:-1], (500, 300, 100), strict=True):
        assert abs(counts[net] - expected) < 60
    assert len(build("Biased", num_random=8)(0, 1)) == 4


def saved(type, space, steps=2000):
    """Share of MACs that slimmable BYOL saves against four separate runs.

    A run of one width is 6 forward-equivalents of the online net (two views, forward
    and backward) and 2 of its target; the slimmable target is always MAX.
    """
    macs = {net: cost(space.arch, net).macs for net in space}
    separate = 8 * sum(cost(WIDTHS.arch, net).macs for net in WIDTHS)
    sampler = build(type, space)
    total = sum(
        6 * sum(macs[net] for net in sampler(step, steps)) + 2 * macs[space.max]
        for step in range(steps)
    )
    return round(100 * (1 - total / steps / separate))


@pytest.mark.parametrize(
    ("type", "space", "percent"),
    [
        ("AllSubnets", WIDTHS, 12),
        ("SlowStart", WIDTHS, 30),
        ("Sandwich", FINE, 27),
        ("Dynamic", FINE, 21),
        # With only the four widths to draw from, these two save a little more.
        ("Sandwich", WIDTHS, 28),
        ("Dynamic", WIDTHS, 29),
    ],
)
def test_cost_of_a_training_against_separate_runs(type, space, percent):
    assert abs(saved(type, space) - percent) <= 1


@pytest.mark.parametrize(
    ("type", "space", "options", "message"),
    [
        ("Sandwich", WIDTHS, {"num_random": -1}, "num_random"),
        ("RandomSubnets", WIDTHS, {"num": 0}, "num must be a positive"),
        ("Biased", WIDTHS, {"tournament": 0.5}, "tournament must be a positive"),
        ("SlowStart", WIDTHS, {"fraction": 2}, "fraction"),
        ("Progressive", WIDTHS, {}, "search space of paths"),
        ("Progressive", PATHS, {"shares": (0.5, 0.5)}, "shares must be 5 numbers"),
        ("Progressive", PATHS, {"shares": (0.5, 0.1, 0.1, 0.1, 0.1)}, "add up to 1"),
        ("Sandwich", "nowhere", {}, "not a search space"),
    ],
)
def test_bad_options(type, space, options, message):
    with pytest.raises(UserError, match=message):
        build(type, space, **options)


def test_bad_steps():
    with pytest.raises(UserError, match="step >= 0 and max_steps >= 1"):
        build("Sandwich")(-1, 10)
    with pytest.raises(UserError, match="step >= 0 and max_steps >= 1"):
        build("Sandwich")(0, 0)


def test_strata_of_cost_are_drawn_evenly_and_names_are_not():
    drawn = {}
    for type in ("Sandwich", "Stratified"):
        sampler = build(type, BASIC)
        nets = [sampler(step, 600) for step in range(600)]
        assert all(two == [BASIC.max, BASIC.min] for *two, _ in nets)
        low, high = (cost(BASIC.arch, s).macs for s in (BASIC.min, BASIC.max))
        size = [cost(BASIC.arch, s).macs for *_, s in nets]
        parts = [int(8 * np.log(m / low) / np.log(high / low)) for m in size]
        drawn[type] = [parts.count(part) for part in range(8)]
    assert min(drawn["Stratified"]) > 50  # 75 expected, 8 of standard deviation
    assert min(drawn["Sandwich"]) < 20


def test_a_space_without_others_gives_its_ends():
    ends = build_space({"preset": "slimmable_resnet", "widths": [1, 0.5]})
    assert build("Stratified", ends, num_random=3)(0, 1) == [ends.max, ends.min]
    with pytest.raises(UserError, match="strata"):
        build("Stratified", ends, strata=0)
