"""One pass for all scores: that of the search, and of each sub-net by itself."""

import pytest
import torch

from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.panel import Panel
from mmtaskssl.search.scorer import Scorer
from mmtaskssl.search.scores import Score, build_scores
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._files import MIDDLE
from .test_scorer import _maps_and_embeddings

METRICS = ["global", "dense"]


class _Spy(Score):
    name = "spy"

    def __init__(self):
        self.calls = []

    def __call__(self, seen, reference):
        self.calls.append((seen, reference))
        return 0.0


@pytest.fixture
def parts(encoders, sample, images):
    generator = torch.Generator().manual_seed(0)
    views = [
        images + 0.1 * torch.randn(images.shape, generator=generator) for _ in "ab"
    ]
    return {"views": views, "pool": images[:9].flip(3), "teacher": images.mean((2, 3))}


def _panel(encoders, sample, scores, **parts):
    scorer = Scorer(encoders, sample, get_metrics(METRICS), 16)
    return Panel(scorer, scores, batch_size=7, **parts)


def test_the_metrics_are_the_searchs_to_the_last_bit(encoders, sample, parts):
    space = encoders.student.backbone.space
    subnets = [Subnet.parse(MIDDLE), space.max, *space.sample_distinct(6, seed=1)]
    panel = _panel(encoders, sample, build_scores({"type": "EffectiveRank"}), **parts)
    found = dict(panel.score(subnets))
    alone = Scorer(encoders, sample, get_metrics(METRICS), 16)
    for subnet, values in alone.score(subnets):
        for name in METRICS:
            assert found[subnet][name] == float(values[name].mean())
    assert panel.runner.steps_shared > 0


def test_scores_see_the_pooled_features_of_all_images(encoders, sample, images, parts):
    spy, subnet = _Spy(), Subnet.parse(MIDDLE)
    panel = _panel(encoders, sample, [spy], **parts)
    assert dict(panel.score([subnet]))[subnet]["spy"] == 0
    ((seen, reference),) = spy.calls
    everything = torch.cat([images, *parts["views"], parts["pool"]])
    student = encoders.student
    maps, embedded = _maps_and_embeddings(student, subnet, everything, 16)
    pooled = maps.mean((2, 3))
    n = len(images)
    close = {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(seen.plain, pooled[:n], **close)
    torch.testing.assert_close(seen.views[:, 0], pooled[n : 2 * n], **close)
    torch.testing.assert_close(seen.views[:, 1], pooled[2 * n : 3 * n], **close)
    torch.testing.assert_close(seen.pool, pooled[3 * n :], **close)
    torch.testing.assert_close(seen.embedded, embedded[:n], **close)
    largest = encoders.teacher.backbone.space.max
    maps, _ = _maps_and_embeddings(encoders.teacher, largest, images, 16)
    torch.testing.assert_close(reference.largest, maps.mean((2, 3)), **close)
    assert reference.teacher is parts["teacher"] and reference.pool is None


def test_parts_of_other_images_are_refused(encoders, sample, images, parts):
    with pytest.raises(UserError, match="teacher are not of the 24 images"):
        _panel(encoders, sample, [], teacher=images[:5].mean((2, 3)))
    with pytest.raises(UserError, match="do not fit a pool of 9"):
        _panel(encoders, sample, [], **parts, pool_teacher=torch.zeros(3, 2))
