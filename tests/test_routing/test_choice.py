import pytest
import torch

from mmtaskssl.routing.choice import choose
from mmtaskssl.routing.probes import Evidence


def evidence_of(*right, images=100):
    """Evidence of candidates that classify so many images rightly, each its own."""
    values = torch.zeros(len(right), images)
    for row, count in enumerate(right):
        values[row, torch.arange(count).add(7 * row) % images] = 1
    return Evidence(values.mean(dim=1), values=values)


def unasked(place):
    raise AssertionError("nothing is equal")


def test_max_wins_where_a_path_s_lead_may_be_chance():
    evidence = evidence_of(80, 82, 70)
    assert evidence.tied(1, 0)
    assert choose(evidence, [0, 1, 2], unasked) == 0
    assert choose(evidence, [0, 1, 2], unasked, on_tie="score") == 1


@pytest.mark.parametrize("on_tie", ["max", "score"])
def test_a_path_that_is_surely_better_wins(on_tie):
    evidence = evidence_of(50, 60, 95)
    assert not evidence.tied(2, 0)
    assert choose(evidence, [0, 1, 2], unasked, on_tie) == 2
    assert choose(evidence, [0, 2], unasked, on_tie) == 2


@pytest.mark.parametrize("on_tie", ["max", "score"])
def test_max_wins_equal_scores_whatever_breaks_ties_between_paths(on_tie):
    evidence = evidence_of(90, 90, 90, 20)
    assert choose(evidence, [0, 1, 2, 3], float, on_tie) == 0


def test_equal_paths_are_told_apart_by_the_tie_breaker():
    evidence = evidence_of(10, 95, 95)
    assert choose(evidence, [0, 1, 2], {1: 0.1, 2: 0.2}.get) == 2
    assert choose(evidence, [0, 1, 2], {1: 0.2, 2: 0.1}.get) == 1
