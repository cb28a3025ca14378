"""Slow plain-Python versions of the policies, on the full score matrix."""

import fractions

import numpy as np

from mmtaskssl.features.importing import import_features
from mmtaskssl.selection.task import SelectionTask


def make_store(path, features, rows_per_shard=8192, labels=None, root="", prefix="p"):
    """Imports features under ids ``p00000.png``, ... ."""
    file = path.with_suffix(".npy")
    np.save(file, np.asarray(features, dtype=np.float32))
    ids = [f"{prefix}{i:05d}.png" for i in range(len(features))]
    return import_features(
        file,
        ids,
        path,
        labels=labels,
        root=root,
        rows_per_shard=rows_per_shard,
        extractor="test",
    )


def random_features(rng, rows, dim=16, spread=1.0, copies=0):
    """Draws features; the first ``copies`` rows repeat at random places."""
    x = rng.standard_normal((rows, dim)) * spread + 1
    if copies:
        x[rng.integers(0, rows, rows // 3)] = x[rng.integers(0, copies, rows // 3)]
    return x.astype(np.float32)


def make_task(pool, queries, budget, skip=(), **kwargs):
    mask = np.zeros(len(pool), dtype=bool)
    mask[list(skip)] = True
    return SelectionTask(pool, queries, mask, budget, **kwargs)


def exact_matrix(task):
    """(Q, N) similarities in rational arithmetic: no rounding anywhere."""

    def exact(x):
        return [[fractions.Fraction(float(v)) for v in row] for row in x]

    pool = exact(task.pool.read())
    return [
        [sum(a * b for a, b in zip(q, x, strict=True)) for x in pool]
        for q in exact(task.queries)
    ]


def ranked(scores, task):
    """All rows that may be selected, best first."""
    rows = [r for r in range(len(task.pool)) if not task.skip[r]]
    return sorted(rows, key=lambda r: (-scores[r], r))


def round_robin(task):
    matrix = exact_matrix(task)
    lists = [ranked(scores, task) for scores in matrix]
    chosen = []
    for rank in range(len(lists[0])):
        hits = [(-matrix[q][rows[rank]], rows[rank], q) for q, rows in enumerate(lists)]
        for score, row, q in sorted(hits):
            if row not in [c[0] for c in chosen] and len(chosen) < task.budget:
                chosen.append((row, -score, q, rank))
    return chosen


def score(task):
    matrix = exact_matrix(task)
    best = []
    for row in ranked(matrix[0], task):
        column = [scores[row] for scores in matrix]
        best.append((-max(column), row, column.index(max(column))))
    seen = {}
    chosen = []
    for value, row, q in sorted(best)[: task.budget]:
        chosen.append((row, -value, q, seen.get(q, 0)))
        seen[q] = seen.get(q, 0) + 1
    return chosen


def class_balanced(task):
    everything = make_task(
        task.pool, task.queries, task.reachable, np.flatnonzero(task.skip)
    )
    order = round_robin(everything)
    classes = sorted(set(task.labels.tolist()))
    lists = {c: [e for e in order if task.labels[e[2]] == c] for c in classes}
    quota = dict.fromkeys(classes, 0)
    # One at a time to whoever has least; earlier classes first.
    for _ in range(min(task.budget, len(order))):
        open_classes = [c for c in classes if quota[c] < len(lists[c])]
        quota[min(open_classes, key=lambda c: (quota[c], c))] += 1
    keep = {e[0] for c in classes for e in lists[c][: quota[c]]}
    return [e for e in order if e[0] in keep]


def simcore(task, stop=0.95, reference_round=20):
    matrix = exact_matrix(task)
    left = [r for r in range(len(task.pool)) if not task.skip[r]]
    chosen, utilities = [], []
    while left and len(chosen) < task.budget:
        found = {}
        utility = 0
        for q, scores in enumerate(matrix):
            row = min(left, key=lambda r: (-scores[r], r))
            utility += scores[row]
            place = ranked(scores, task).index(row)
            if row not in found or -scores[row] < found[row][0]:
                found[row] = (-scores[row], row, q, place)
        utilities.append(utility)
        if len(utilities) > reference_round and utility < stop * float(
            utilities[reference_round - 1]
        ):
            break
        for value, row, q, place in sorted(found.values()):
            if len(chosen) < task.budget:
                chosen.append((row, -value, q, place))
        left = [r for r in left if r not in found]
    return chosen


def whitened(task, nearest, ridge):
    """Rows by mean Mahalanobis cosine to their nearest queries; no factorisation."""
    allowed = [r for r in range(len(task.pool)) if not task.skip[r]]
    pool = task.pool.read().astype(np.float64)
    mean = pool[allowed].mean(0)
    spread = (pool[allowed] - mean).T @ (pool[allowed] - mean) / len(allowed)
    inverse = np.linalg.inv(
        spread + ridge * np.trace(spread) / len(mean) * np.eye(len(mean))
    )
    queries = list(task.queries.astype(np.float64) - mean)

    def alike(x, y):
        return x @ inverse @ y / np.sqrt((x @ inverse @ x) * (y @ inverse @ y))

    crowding = []
    for i, one in enumerate(queries):
        others = [alike(one, q) for j, q in enumerate(queries) if j != i]
        crowding.append(np.mean(sorted(others)[-nearest:]) / 2)
    scores = {}
    for row in allowed:
        found = [alike(q, pool[row] - mean) for q in queries]
        found = [one - less for one, less in zip(found, crowding, strict=True)]
        scores[row] = np.mean(sorted(found)[-nearest:])
    return sorted(allowed, key=lambda r: (-round(scores[r], 9), r))[: task.budget]
