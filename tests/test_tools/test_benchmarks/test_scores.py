"""Each score that the evidence compares against a slow, plain version of itself."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Seen, build_scores
from mmtaskssl.utils.errors import UserError
from studies import scores
from studies.scores.cluster_agreement import cluster_rows

from ...test_search._scores import (
    M,
    N,
    V,
    cosine,
    draw,
    entropy_rank,
    make_reference,
    make_seen,
    pairs,
    singular,
)


@pytest.fixture(scope="module")
def seen():
    return make_seen()


@pytest.fixture(scope="module")
def reference():
    return make_reference()


def _slow_alpha(seen, reference):
    x = (seen.plain - seen.plain.mean(0)).double()
    values = (singular(x) ** 2)[:3].numpy()
    rank = np.arange(1, 4)
    slope, _ = np.polyfit(np.log(rank), np.log(values), 1, w=np.sqrt(1 / rank))
    return -abs(-slope - 1)


def _slow_uniformity(seen, reference):
    x = F.normalize(seen.plain.double(), dim=1)
    terms = [math.exp(-2 * float((x[i] - x[j]).square().sum())) for i, j in pairs(N)]
    return -math.log(sum(terms) / len(terms))


def _slow_alignment(seen, reference):
    x = F.normalize(seen.views.double(), dim=2)
    terms = [float((one[a] - one[b]).square().sum()) for one in x for a, b in pairs(V)]
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
    return entropy_rank(values)


def _slow_views(seen, reference):
    hits = 0
    for i in range(N):
        found = [cosine(seen.views[i, 0], seen.views[j, 1]) for j in range(N)]
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
            rows.append(torch.tensor([[cosine(a, b) for b in x] for a in x]))
        return sum(cosine(*pair) for pair in zip(*rows, strict=True)) / N

    return score


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
            ((cosine(seen.pool[i], seen.pool[j]), j) for j in range(0, M, 2)),
            reverse=True,
        )[:5]
        votes = [0.0] * 4
        for near_by, j in near:
            votes[labels[j]] += math.exp(near_by / 0.07)
        hits += votes.index(max(votes)) == labels[i]
    assert 0 < hits < M // 2
    return hits / (M // 2)


def _slow_cosine(seen, reference):
    pairs = zip(seen.embedded, reference.teacher, strict=True)
    return sum(cosine(*pair) for pair in pairs) / N


def _slow_votes(seen, reference):
    ours, theirs = (x - x.mean(0) for x in (seen.plain, reference.teacher))
    theirs = theirs.double() / theirs.double().norm(dim=1, keepdim=True)
    found = 0.0
    for i in range(N):
        near = sorted(
            ((cosine(ours[i], ours[j]), j) for j in range(N) if j != i), reverse=True
        )[:3]
        voted = sum(math.exp(near_by / 0.5) * theirs[j] for near_by, j in near)
        found += cosine(voted, theirs[i])
    return found / N


def _largest(reference):
    return reference.largest


def _teacher(reference):
    return reference.teacher


CASES = [
    ({"type": "SpectrumDecay"}, "alpha-req", _slow_alpha),
    ({"type": "Uniformity"}, "uniformity", _slow_uniformity),
    ({"type": "Alignment"}, "alignment", _slow_alignment),
    ({"type": "Lidar"}, "lidar", _slow_lidar),
    ({"type": "ViewConsistency"}, "views", _slow_views),
    ({"type": "LinearCKA"}, "cka-largest", _slow_cka(_largest)),
    ({"type": "LinearCKA", "against": "teacher"}, "cka-teacher", _slow_cka(_teacher)),
    ({"type": "AffinityLikeness"}, "affinity-teacher", _slow_affinity(_teacher)),
    ({"type": "ClusterAgreement", "clusters": 3}, "clusters-teacher", _slow_clusters),
    (
        {"type": "PseudoClasses", "clusters": 4, "k": 5},
        "pseudo-classes",
        _slow_pseudo,
    ),
    ({"type": "TeacherCosine"}, "cosine-teacher", _slow_cosine),
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


def test_every_score_has_a_case():
    kinds = SEARCH_SCORES.module_dict.items()
    own = {name for name, kind in kinds if kind.__module__.startswith(scores.__name__)}
    assert {config["type"] for config, *_ in CASES} == own


def test_cka_of_few_channels_is_that_of_many_images():
    x, y = draw(40, 3, seed=0), draw(40, 4, seed=1)
    (score,) = build_scores({"type": "LinearCKA"})
    wide = torch.zeros(40, 50)
    wide[:, :4] = y
    narrow = score(Seen(x), Reference(y))
    assert narrow == pytest.approx(score(Seen(x), Reference(wide)))
    assert score(Seen(x), Reference(2 * x)) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["Alignment", "LinearCKA", "PseudoClasses"])
def test_what_a_score_lacks_is_named(kind, seen, reference):
    options = {"against": "teacher"} if kind == "LinearCKA" else {}
    (score,) = build_scores({"type": kind, **options})
    with pytest.raises(UserError, match=f"the score {score.name} needs"):
        score(Seen(seen.plain), Reference(reference.largest))
    with pytest.raises(UserError, match="against"):
        build_scores({"type": "LinearCKA", "against": "everyone"})
