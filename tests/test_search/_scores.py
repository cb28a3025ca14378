"""Made-up features, and plain steps of the slow versions of scores."""

import math

import torch

from mmtaskssl.search.scores import Reference, Seen

N, V, M = 12, 3, 30
# Of the largest, of the teacher, and of the teacher's of the pool.
SHAPES = [(N, 7), (N, 5), (M, 5)]


def draw(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def make_seen():
    plain = draw(N, 6, seed=0) + 1
    views = plain[:, None] + 0.8 * draw(N, V, 6, seed=1)
    pool = draw(M, 5, seed=6) @ draw(5, 6, seed=2) + draw(M, 6, seed=7)
    return Seen(plain, views, pool, draw(N, 5, seed=3))


def make_reference():
    return Reference(*(draw(*s, seed=i) for i, s in enumerate(SHAPES, 4)))


def cosine(a, b):
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def singular(x):
    return torch.linalg.svdvals(x.double())


def entropy_rank(values):
    p = values / values.sum()
    return math.exp(-float((p * p.log()).sum()))


def pairs(count):
    return [(i, j) for i in range(count) for j in range(count) if i != j]
