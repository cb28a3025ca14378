import pytest
import torch

from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.evaluation.logme import logme
from mmtaskssl.routing.overlap import Overlap
from mmtaskssl.routing.probes import Evidence, inner_folds, probe_features
from mmtaskssl.routing.routers import beam, shortlist
from mmtaskssl.routing.soft import combine, soft_choices
from mmtaskssl.subnets.presets import routed_resnet
from mmtaskssl.utils.errors import UserError


def features(spreads, rows=60, classes=3, dim=8):
    """Features that separate the classes the less, the larger the spread."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(rows) % classes
    centres = torch.randn(classes, dim, generator=generator)
    noise = torch.randn(rows, dim, generator=generator)
    return [centres[y] + spread * noise for spread in spreads], y


@pytest.mark.parametrize("probe", ["knn", "linear", "logme"])
def test_better_features_win_with_a_margin(probe):
    x, y = features((3.0, 0.3, 8.0))
    evidence = probe_features(x, y, 3, probe)
    assert int(evidence.scores.argmax()) == 1
    assert not evidence.tied(1, 2) and evidence.margin(1, 2).low > 0
    own = evidence.interval(0)
    assert own.low <= own.score <= own.high and own.low < own.high


def test_equal_features_tie_and_similar_ones_too():
    x, y = features((2.0,))
    jitter = x[0] + 0.05 * torch.randn(
        60, 8, generator=torch.Generator().manual_seed(1)
    )
    evidence = probe_features([x[0], x[0], jitter], y, 3)
    assert evidence.tied(0, 1) and evidence.tied(0, 2)
    assert evidence.margin(0, 1).score == 0


def test_every_row_is_scored_by_the_other_folds():
    x, y = features((1.0,))
    folds = inner_folds(y, seed=3)
    assert torch.cat(folds).sort().values.tolist() == list(range(60))
    right = 0
    for fold in folds:
        rest = torch.tensor([i for i in range(60) if i not in fold.tolist()])
        scores = weighted_knn(x[0][rest], y[rest], x[0][fold], 3)
        right += int((scores.argmax(1) == y[fold]).sum())
    assert probe_features(x, y, 3, seed=3).scores.tolist() == [right / 60]


def test_the_bootstrap_interval_is_that_of_a_mean():
    generator = torch.Generator().manual_seed(0)
    values = (torch.rand(1, 400, generator=generator) < 0.3) * 1.0
    evidence = Evidence(values.mean(1), values)
    found = evidence.interval(0)
    half = 1.96 * float(values.std()) / 20
    assert found.low == pytest.approx(found.score - half, abs=0.006)
    assert found.high == pytest.approx(found.score + half, abs=0.006)


def test_logme_is_that_of_all_rows_and_its_interval_the_jackknife():
    x, y = features((1.0,))
    evidence = probe_features(x, y, 3, "logme")
    unit = torch.nn.functional.normalize(x[0], dim=1)
    assert float(evidence.scores[0]) == pytest.approx(logme(unit, y, 3))
    without = []
    for fold in inner_folds(y, 0):
        rest = torch.tensor([i for i in range(60) if i not in fold.tolist()])
        without.append(logme(unit[rest], y[rest], 3))
    without = torch.tensor(without, dtype=torch.float64)
    half = 1.96 * float((without.var(correction=0) * 4).sqrt())
    own = evidence.interval(0)
    assert own.high - own.low == pytest.approx(2 * half, rel=1e-3)


def test_two_paths_of_unlike_errors_are_better_together():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(80) % 4
    centres = torch.randn(4, 8, generator=generator)
    both = [centres[y] + 1.6 * torch.randn(80, 8, generator=generator) for _ in "ab"]
    alone = probe_features(both, y, 4).scores
    found = soft_choices(both, lambda x: probe_features(x, y, 4))
    assert [(row["first"], row["how"]) for row in found] == [(2, "concat"), (2, "mean")]
    assert found[0]["score"] > float(alone.max())
    assert found[0]["ahead"] == pytest.approx(found[0]["score"] - float(alone[0]))
    assert combine(both, "concat").shape == (80, 16)
    unit = torch.nn.functional.normalize
    mean = (unit(both[0], dim=1) + unit(both[1], dim=1)) / 2
    assert torch.allclose(combine(both, "mean"), mean)


def test_bad_labels_and_probes_are_told():
    x, y = features((1.0,))
    with pytest.raises(UserError, match="none of knn"):
        probe_features(x, y, 3, "svm")
    with pytest.raises(UserError, match="`router` overlap"):
        probe_features([x[0][:3]], y[:3], 3)
    with pytest.raises(UserError, match="`router` overlap"):
        probe_features(x, torch.zeros(60, dtype=torch.long), 1)


def planted_overlap(target_leaves, tree=(2, 2), per_leaf=10, dim=16):
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(dim)
    leaf = torch.arange(4).repeat_interleave(per_leaf)

    def near(leaves):
        return centres[leaves] + 0.05 * torch.randn(
            len(leaves), dim, generator=generator
        )

    return Overlap(near(torch.tensor(target_leaves)), near(leaf), leaf, tree)


def test_overlap_finds_the_cluster_and_its_neighbour():
    overlap = planted_overlap([2] * 8)
    # As many neighbours as a cluster has images: all are of the one.
    assert overlap.scores[2] > 0.99
    # Its sibling shares the coarse level, half of all levels.
    assert overlap.scores[3] == pytest.approx(0.5, abs=0.01)
    assert overlap.scores[0] < 0.01
    assert torch.allclose(overlap.votes.sum(1), torch.ones(8))
    assert overlap.effective_leaves < 1.1 and not overlap.spans_the_pool


def test_a_task_like_the_whole_pool_spans_it():
    assert planted_overlap([0, 1, 2, 3] * 3).spans_the_pool
    assert not planted_overlap([0, 0, 0, 1]).spans_the_pool


def test_the_shortlist_is_the_prior_s_best():
    paths = list(routed_resnet(18, groups=2, base_width=8))
    prior = torch.arange(16.0)
    assert shortlist(paths, prior, 3) == [paths[15], paths[14], paths[13]]


def test_a_beam_climbs_to_the_best_path():
    space = routed_resnet(18, groups=4, base_width=16)
    best = list(space)[137].path

    def score(paths):
        # One hill: the number of stages that agree.
        return [sum(a == b for a, b in zip(p.path, best, strict=True)) for p in paths]

    looked = beam(space, [space[0]], score, width=2)
    assert any(path.path == best for path in looked) and len(looked) < 100
    assert len(set(looked)) == len(looked)
