"""Gradients of an elastic algorithm, and how they are compared."""

import copy

import torch

from tests.test_models.test_algorithms._elastic import RecordingSGD


def recording_optimizer(model, **options):
    return RecordingSGD(trained(model), lr=0.1, momentum=0.9, **options)


def trained(model):
    return [p for p in model.parameters() if p.requires_grad]


def separate_gradients(model, inputs, weights=None):
    """One model per sub-net, the whole loss in one ordinary graph, then the sum."""
    sums = [None] * len(trained(model))
    for i, subnet in enumerate(model.subnets_of_step()):
        alone = copy.deepcopy(model)
        with torch.no_grad():
            shared = alone.prepare(inputs)
        losses = alone.subnet_loss(inputs, shared, subnet)
        loss = (losses["loss"] + losses["loss_l1"]) * (weights[i] if weights else 1)
        loss.backward()
        for place, parameter in enumerate(trained(alone)):
            if parameter.grad is not None:
                known = 0 if sums[place] is None else sums[place]
                sums[place] = known + parameter.grad
    return sums


def assert_close(got, expected, **tolerance):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, **tolerance)


def flat(gradients):
    return torch.cat([g.flatten() for g in gradients if g is not None])
