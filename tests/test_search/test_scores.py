"""Each score against a slow, plain version of itself."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Seen, build_scores
from mmtaskssl.search.scores.cluster_agreement import cluster_rows
from mmtaskssl.utils.errors import UserError

N, V, M = 12, 3, 30
# Of the largest, of the teacher, and of the teacher's of the pool.
SHAPES = [(N, 7), (N, 5), (M, 5)]


def _draw(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def seen():
    plain = _draw(N, 6, seed=0) + 1
    views = plain[:, None] + 0.8 * _draw(N, V, 6, seed=1)
    pool = _draw(M, 5, seed=6) @ _draw(5, 6, seed=2) + _draw(M, 6, seed=7)
    return Seen(plain, views, pool, _draw(N, 5, seed=3))


@pytest.fixture(scope="module")
def reference():
    return Reference(*(_draw(*s, seed=i) for i, s in enumerate(SHAPES, 4)))


def _cosine(a, b):
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def _singular(x):
    return torch.linalg.svdvals(x.double())


def _entropy_rank(values):
    p = values / values.sum()
    return math.exp(-float((p * p.log()).sum()))


def _pairs(count):
    return [(i, j) for i in range(count) for j in range(count) if i != j]


def _slow_rank(seen, reference):
    return _entropy_rank(_singular(seen.plain))


def _slow_alpha(seen, reference):
    x = (seen.plain - seen.plain.mean(0)).double()
    values = (_singular(x) ** 2)[:3].numpy()
    rank = np.arange(1, 4)
    slope, _ = np.polyfit(np.log(rank), np.log(values), 1, w=np.sqrt(1 / rank))
    return -abs(-slope - 1)


def _slow_uniformity(seen, reference):
    x = F.normalize(seen.plain.double(), dim=1)
    terms = [math.exp(-2 * float((x[i] - x[j]).square().sum())) for i, j in _pairs(N)]
    return -math.log(sum(terms) / len(terms))


def _slow_alignment(seen, reference):
    x = F.normalize(seen.views.double(), dim=2)
    terms = [float((one[a] - one[b]).square().sum()) for one in x for a, b in _pairs(V)]
    return -sum(terms) / len(terms)


def _slow_lidar(seen, reference):
    x = seen.views.double()
    within = torch.zeros(6, 6, dtype=torch.float64)
    between = torch.zeros(6, 6, dtype=torch.float64)
    mean = x.mean((0, 1))
    for one in x:
        between += torch.outer(one.mean(0) - mean, one.mean(0) - mean) / N
        for view in one:
            within += torch.outer(view - one.mean(0), view - one.mean(0)) / (N * V)
    within += 0.01 * within.trace() / 6 * torch.eye(6)
    values = torch.linalg.eigvals(torch.linalg.inv(within) @ between).real
    return _entropy_rank(values)


def _slow_views(seen, reference):
    hits = 0
    for i in range(N):
        found = [_cosine(seen.views[i, 0], seen.views[j, 1]) for j in range(N)]
        hits += found.index(max(found)) == i
    assert 0 < hits < N
    return hits / N


def _slow_cka(theirs):
    def score(seen, reference):
        centre = torch.eye(N, dtype=torch.float64) - 1 / N
        grams = [
            centre @ (x.double() @ x.double().T) @ centre
            for x in (seen.plain, theirs(reference))
        ]

        def hsic(a, b):
            return float((a @ b).trace())

        return hsic(*grams) / math.sqrt(
            hsic(grams[0], grams[0]) * hsic(grams[1], grams[1])
        )

    return score


def _slow_affinity(theirs):
    def score(seen, reference):
        rows = []
        for x in (seen.plain.double(), theirs(reference).double()):
            x = x - x.mean(0)
            rows.append(torch.tensor([[_cosine(a, b) for b in x] for a in x]))
        return sum(_cosine(*pair) for pair in zip(*rows, strict=True)) / N

    return score


def _slow_neighbours(seen, reference):
    sets = []
    for x in (seen.plain, reference.teacher):
        x = x - x.mean(0)
        sets.append(
            [
                set(
                    sorted(
                        (j for j in range(N) if j != i),
                        key=lambda j, i=i, x=x: -_cosine(x[i], x[j]),
                    )[:4]
                )
                for i in range(N)
            ]
        )
    return sum(len(a & b) / 4 for a, b in zip(*sets, strict=True)) / N


def _slow_clusters(seen, reference):
    a, b = (cluster_rows(x, 3, 0) for x in (seen.plain, reference.teacher))
    both = [(int(x), int(y)) for x, y in zip(a, b, strict=True)]

    def entropy(values):
        shares = [values.count(v) / N for v in set(values)]
        return -sum(p * math.log(p) for p in shares)

    one, two = entropy([*a.tolist()]), entropy([*b.tolist()])
    return 2 * (one + two - entropy(both)) / (one + two)


def _slow_pseudo(seen, reference):
    labels = cluster_rows(reference.pool, 4, 0)
    hits = 0
    for i in range(1, M, 2):
        near = sorted(
            ((_cosine(seen.pool[i], seen.pool[j]), j) for j in range(0, M, 2)),
            reverse=True,
        )[:5]
        votes = [0.0] * 4
        for cosine, j in near:
            votes[labels[j]] += math.exp(cosine / 0.07)
        hits += votes.index(max(votes)) == labels[i]
    assert 0 < hits < M // 2
    return hits / (M // 2)


def _slow_cosine(seen, reference):
    pairs = zip(seen.embedded, reference.teacher, strict=True)
    return sum(_cosine(*pair) for pair in pairs) / N


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


def _slow_votes(seen, reference):
    ours, theirs = (x - x.mean(0) for x in (seen.plain, reference.teacher))
    theirs = theirs.double() / theirs.double().norm(dim=1, keepdim=True)
    found = 0.0
    for i in range(N):
        near = sorted(
            ((_cosine(ours[i], ours[j]), j) for j in range(N) if j != i), reverse=True
        )[:3]
        voted = sum(math.exp(cosine / 0.5) * theirs[j] for cosine, j in near)
        found += _cosine(voted, theirs[i])
    return found / N


def _largest(reference):
    return reference.largest


def _teacher(reference):
    return reference.teacher


CASES = [
    ({"type": "EffectiveRank"}, "rank", _slow_rank),
    ({"type": "SpectrumDecay"}, "alpha-req", _slow_alpha),
    ({"type": "Uniformity"}, "uniformity", _slow_uniformity),
    ({"type": "Alignment"}, "alignment", _slow_alignment),
    ({"type": "Lidar"}, "lidar", _slow_lidar),
    ({"type": "ViewConsistency"}, "views", _slow_views),
    ({"type": "LinearCKA"}, "cka-largest", _slow_cka(_largest)),
    ({"type": "LinearCKA", "against": "teacher"}, "cka-teacher", _slow_cka(_teacher)),
    ({"type": "AffinityLikeness"}, "affinity-teacher", _slow_affinity(_teacher)),
    ({"type": "NeighbourOverlap", "k": 4}, "neighbours-teacher", _slow_neighbours),
    ({"type": "ClusterAgreement", "clusters": 3}, "clusters-teacher", _slow_clusters),
    (
        {"type": "PseudoClasses", "clusters": 4, "k": 5},
        "pseudo-classes",
        _slow_pseudo,
    ),
    ({"type": "TeacherCosine"}, "cosine-teacher", _slow_cosine),
    ({"type": "TeacherRidge"}, "ridge-teacher", _slow_ridge),
    (
        {"type": "TeacherNeighbours", "k": 3, "temperature": 0.5},
        "votes-teacher",
        _slow_votes,
    ),
]


@pytest.mark.parametrize(("config", "name", "slow"), CASES)
def test_a_score_is_that_of_the_slow_version(config, name, slow, seen, reference):
    (score,) = build_scores(config)
    assert score.name == name
    value = score(seen, reference)
    assert value == pytest.approx(slow(seen, reference), rel=1e-4, abs=1e-6)
    assert score(seen, reference) == value


def test_every_registered_score_has_a_case():
    assert {config["type"] for config, *_ in CASES} == set(SEARCH_SCORES.module_dict)


def test_cka_of_few_channels_is_that_of_many_images():
    x, y = _draw(40, 3, seed=0), _draw(40, 4, seed=1)
    (score,) = build_scores({"type": "LinearCKA"})
    wide = torch.zeros(40, 50)
    wide[:, :4] = y
    narrow = score(Seen(x), Reference(y))
    assert narrow == pytest.approx(score(Seen(x), Reference(wide)))
    assert score(Seen(x), Reference(2 * x)) == pytest.approx(1)


def test_ridge_tells_what_is_linear_from_what_is_not():
    x = _draw(60, 8, seed=0)
    (score,) = build_scores({"type": "TeacherRidge"})
    linear = score(Seen(x), Reference(x, x @ _draw(8, 5, seed=1) + 3))
    noise = score(Seen(x), Reference(x, _draw(60, 5, seed=2)))
    assert linear > 0.99 and noise < 0.1
    # More features than images, some of them the same: no division by zero.
    wide = x[:, [0] * 40 + [*range(8)] * 5]
    assert 0.9 < score(Seen(wide), Reference(x, x @ _draw(8, 5, seed=1))) < 1


def test_neighbours_of_copies_are_k_others():
    x = _draw(2, 4, seed=0).repeat(4, 1)
    (score,) = build_scores({"type": "NeighbourOverlap", "k": 2})
    assert score(Seen(x), Reference(x, x)) == 1


@pytest.mark.parametrize("kind", ["Alignment", "LinearCKA", "PseudoClasses"])
def test_what_a_score_lacks_is_named(kind, seen, reference):
    options = {"against": "teacher"} if kind == "LinearCKA" else {}
    (score,) = build_scores({"type": kind, **options})
    with pytest.raises(UserError, match=f"the score {score.name} needs"):
        score(Seen(seen.plain), Reference(reference.largest))
    with pytest.raises(UserError, match="against"):
        build_scores({"type": "LinearCKA", "against": "everyone"})
