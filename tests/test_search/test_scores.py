"""Each score against a slow, plain version of itself."""

import pytest
import torch

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search import scores
from mmtaskssl.search.scores import Reference, Seen, build_scores
from mmtaskssl.utils.errors import UserError

from ._scores import N, cosine, draw, entropy_rank, make_reference, make_seen, singular


@pytest.fixture(scope="module")
def seen():
    return make_seen()


@pytest.fixture(scope="module")
def reference():
    return make_reference()


def _slow_rank(seen, reference):
    return entropy_rank(singular(seen.plain))


def _slow_neighbours(seen, reference):
    sets = []
    for x in (seen.plain, reference.teacher):
        x = x - x.mean(0)
        sets.append(
            [
                set(
                    sorted(
                        (j for j in range(N) if j != i),
                        key=lambda j, i=i, x=x: -cosine(x[i], x[j]),
                    )[:4]
                )
                for i in range(N)
            ]
        )
    return sum(len(a & b) / 4 for a, b in zip(*sets, strict=True)) / N


def _slow_ridge(seen, reference):
    x, y = seen.plain.double(), reference.teacher.double()
    scale = float((x - x.mean(0)).square().sum()) / x.shape[1]
    errors, alone = {}, 0.0
    for i in range(N):
        rest = [j for j in range(N) if j != i]
        mean = y[rest].mean(0)
        alone += float((y[i] - mean).square().sum())
        own = x[rest].mean(0)
        a, b = x[rest] - own, y[rest] - mean
        for power in range(-4, 3):
            penalty = 10.0**power * scale * torch.eye(x.shape[1], dtype=x.dtype)
            weights = torch.linalg.solve(a.T @ a + penalty, a.T @ b)
            said = mean + (x[i] - own) @ weights
            error = float((y[i] - said).square().sum())
            errors[power] = errors.get(power, 0.0) + error
    return 1 - min(errors.values()) / alone


CASES = [
    ({"type": "EffectiveRank"}, "rank", _slow_rank),
    ({"type": "NeighbourOverlap", "k": 4}, "neighbours-teacher", _slow_neighbours),
    ({"type": "TeacherRidge"}, "ridge-teacher", _slow_ridge),
]


@pytest.mark.parametrize(("config", "name", "slow"), CASES)
def test_a_score_is_that_of_the_slow_version(config, name, slow, seen, reference):
    (score,) = build_scores(config)
    assert score.name == name
    value = score(seen, reference)
    assert value == pytest.approx(slow(seen, reference), rel=1e-4, abs=1e-6)
    assert score(seen, reference) == value


def test_every_score_has_a_case():
    kinds = SEARCH_SCORES.module_dict.items()
    own = {name for name, kind in kinds if kind.__module__.startswith(scores.__name__)}
    assert {config["type"] for config, *_ in CASES} == own


def test_ridge_tells_what_is_linear_from_what_is_not():
    x = draw(60, 8, seed=0)
    (score,) = build_scores({"type": "TeacherRidge"})
    linear = score(Seen(x), Reference(x, x @ draw(8, 5, seed=1) + 3))
    noise = score(Seen(x), Reference(x, draw(60, 5, seed=2)))
    assert linear > 0.99 and noise < 0.1
    # More features than images, some of them the same: no division by zero.
    wide = x[:, [0] * 40 + [*range(8)] * 5]
    assert 0.9 < score(Seen(wide), Reference(x, x @ draw(8, 5, seed=1))) < 1


def test_neighbours_of_copies_are_k_others():
    x = draw(2, 4, seed=0).repeat(4, 1)
    (score,) = build_scores({"type": "NeighbourOverlap", "k": 2})
    assert score(Seen(x), Reference(x, x)) == 1


@pytest.mark.parametrize("kind", ["NeighbourOverlap", "TeacherRidge"])
def test_what_a_score_lacks_is_named(kind, seen, reference):
    (score,) = build_scores({"type": kind, "against": "teacher"})
    with pytest.raises(UserError, match=f"the score {score.name} needs"):
        score(Seen(seen.plain), Reference(reference.largest))
    with pytest.raises(UserError, match="against"):
        build_scores({"type": kind, "against": "everyone"})


def test_of_few_images_not_all_are_the_nearest(seen, reference):
    """Halves of 16 images would agree to the last one, whatever the networks do."""
    (score,) = build_scores({"type": "NeighbourOverlap"})
    for count in (6, 8, 11):
        rows = torch.arange(count)
        assert score(seen.take(rows), reference.take(rows)) < 1
    two = torch.arange(2)
    assert score(seen.take(two), reference.take(two)) == 1
    # Of more it is k.
    (few,) = build_scores({"type": "NeighbourOverlap", "k": 5})
    assert score(seen, reference) == few(seen, reference)
