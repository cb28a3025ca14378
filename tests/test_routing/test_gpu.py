"""Calibration and features of paths on a CUDA device."""

import pytest
import torch

from mmtaskssl.export.paths import calibrate_paths
from mmtaskssl.routing.shared import SharedPaths

from ._routed import make_net
from .test_shared import sample  # noqa: F401  a fixture

pytestmark = pytest.mark.gpu


def test_features_are_those_of_the_cpu(sample, monkeypatch):  # noqa: F811
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    images = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    found = {}
    for device in ("cpu", "cuda"):
        net = make_net().to(device)
        subnets = list(net.space)
        for name, value in calibrate_paths(net, subnets, sample).items():
            net.subnet_statistics.set(name, value)
        features = SharedPaths(net, [net.space.max, *subnets]).features([images], 5)
        found[device] = features.cpu()
    torch.testing.assert_close(found["cuda"], found["cpu"], rtol=1e-3, atol=1e-3)
