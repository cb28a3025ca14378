"""A small network, and what two of them have in common."""

import torch

from mmtaskssl.models.backbones import DynamicResNet

from ._nets import TINY_BOTTLENECK, randomize


def tiny(**options):
    return randomize(DynamicResNet(TINY_BOTTLENECK, **options))


def buffers(net):
    return {name: buffer.clone() for name, buffer in net.named_buffers()}


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
