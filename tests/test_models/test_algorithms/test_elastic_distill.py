"""Distillation in place: sub-nets of a distilled supernet imitate the largest, too."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from mmtaskssl.utils.errors import UserError

from ._distill import distill, elastic, images
from ._elastic import fresh_hub
from ._gradients import trained


def _wrapper(model):
    return OptimWrapper(torch.optim.SGD(trained(model), lr=0.05, momentum=0.9))


def test_sub_nets_imitate_the_largest_ones_answer_in_place():
    fresh_hub()
    model = elastic(distill_weight=0.5, queue_len=8)
    other = copy.deepcopy(model)
    batch = other.data_preprocessor(images(), True)
    views, _ = other.distill.split(batch["inputs"])
    subnets, answers = other.subnets_of_step(), []
    with torch.no_grad():
        for subnet in subnets:
            maps = other.backbone(views[0], subnet)
            head, view = other.distill[0].head, other.backbone.norm_view(subnet)
            answers.append(head(maps, view)[0])
    logs = model.train_step(images(), _wrapper(model))
    names = model.log_names(subnets)
    assert f"{names[0]}/loss_distill" not in logs
    for name, answer in zip(names[1:], answers[1:], strict=True):
        pairs = zip(answer, answers[0], strict=True)
        cosines = [F.cosine_similarity(a, b, dim=0) for a, b in pairs]
        expected = 0.5 * (1 - sum(cosines) / len(cosines))
        torch.testing.assert_close(logs[f"{name}/loss_distill"], expected)
        assert expected > 1e-3


def test_the_largest_ones_answer_gets_no_gradient_from_that():
    gradients = []
    for weight in (0.0, 3.0):
        fresh_hub()
        model = elastic(distill_weight=weight)
        batch = model.data_preprocessor(images(), True)
        with torch.no_grad():
            views, shown = model.distill.split(batch["inputs"])
            taught = model.distill.teach(shown, None)
            shared = model.prepare(views)
        largest, smaller, *_ = model.subnets_of_step()
        model._losses(views, shared, largest, taught)
        assert [x.requires_grad for x in shared] == [False] * bool(weight)
        losses = model._losses(views, shared, smaller, taught)
        gradients.append(set(losses))
    assert gradients[1] - gradients[0] == {"loss_distill"}
    with pytest.raises(UserError, match="runs MAX in every step"):
        model._losses(views, [], smaller, taught)


def test_distillation_in_place_needs_a_head():
    asked = {**distill(), "head": None, "losses": [{"type": "SimilarityMatching"}]}
    with pytest.raises(UserError, match=r"set distill\.head"):
        elastic(distill=asked, distill_weight=1.0)
