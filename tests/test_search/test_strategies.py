import itertools

import pytest

from mmtaskssl.search.strategies import (
    NoCandidate,
    draw,
    evolution_strategy,
    grid_strategy,
    random_strategy,
)
from mmtaskssl.subnets import ListSpace, build_space, cost

SPACE = build_space("data_basic")


def _macs(subnet):
    return cost(SPACE.arch, subnet, 64).macs


MEDIAN = sorted(map(_macs, SPACE))[len(SPACE) // 2]


def _inside(subnet):
    return 0.95 * MEDIAN <= _macs(subnet) < 1.05 * MEDIAN


BAND = [subnet for subnet in SPACE if _inside(subnet)]


class Scores:
    """Scores by a function, and remembers what was asked."""

    def __init__(self, function):
        self.function = function
        self.calls = []

    def __call__(self, subnets):
        self.calls.append(list(subnets))
        return {subnet: self.function(subnet) for subnet in subnets}

    @property
    def all(self):
        return [subnet for call in self.calls for subnet in call]


def _depth(subnet):
    return sum(subnet.depths)


def test_random_draws_are_a_function_of_the_seed():
    first, again, other = (draw(SPACE, _inside, 30, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(set(first)) == 30 and all(map(_inside, first))
    assert draw(SPACE, _inside, 10, 0) == first[:10]


def test_a_small_band_is_taken_whole():
    scores = Scores(_depth)
    random_strategy(SPACE, BAND[:7].__contains__, scores, 40, 0)
    assert set(scores.all) == set(BAND[:7])


def test_each_member_has_the_same_chance():
    hits = dict.fromkeys(BAND[:4], 0)
    for seed in range(60):
        (drawn,) = draw(SPACE, hits.__contains__, 1, seed)
        hits[drawn] += 1
    assert min(hits.values()) > 4  # 15 expected


def test_grid_takes_all_or_an_even_part():
    scores = Scores(_depth)
    grid_strategy(SPACE, _inside, scores, None, 0)
    assert scores.all == BAND
    for count in (1, 10, len(BAND), len(BAND) + 5):
        scores = Scores(_depth)
        grid_strategy(SPACE, _inside, scores, count, 0)
        places = [BAND.index(subnet) for subnet in scores.all]
        gaps = {b - a for a, b in itertools.pairwise(places)}
        assert len(places) == min(count, len(BAND)) and len(gaps) <= 2


def test_evolution_finds_better_nets_than_chance():
    found, chance = [], []
    for seed in range(4):
        for strategy, best in ((evolution_strategy, found), (random_strategy, chance)):
            scores = Scores(lambda s: s.widths[3] - 3 * s.widths[1] + s.depths[2])
            strategy(SPACE, _inside, scores, 60, seed)
            assert len(scores.all) == len(set(scores.all)) == 60
            assert all(map(_inside, scores.all))
            values = sorted(map(scores.function, scores.all))
            best.append(sum(values[-10:]) / 10)
    assert sum(found) > sum(chance) and min(found) > min(chance)


def test_evolution_repeats_itself():
    runs = [Scores(_depth) for _ in range(3)]
    for scores, seed in zip(runs, (0, 0, 1), strict=True):
        evolution_strategy(SPACE, _inside, scores, 25, seed)
    assert runs[0].calls == runs[1].calls != runs[2].calls
    assert [len(call) for call in runs[0].calls] == [5] * 5


def test_evolution_ends_with_the_band():
    scores = Scores(_depth)
    evolution_strategy(SPACE, BAND[:6].__contains__, scores, 40, 0)
    assert set(scores.all) == set(BAND[:6]) and len(scores.all) == 6
    single = ListSpace(SPACE.arch, [SPACE.max])
    evolution_strategy(single, lambda s: True, scores, 5, 0)


@pytest.mark.parametrize(
    "strategy", [random_strategy, evolution_strategy, grid_strategy]
)
def test_an_empty_band(strategy):
    with pytest.raises(NoCandidate):
        strategy(SPACE, lambda s: False, Scores(_depth), 5, 0)
