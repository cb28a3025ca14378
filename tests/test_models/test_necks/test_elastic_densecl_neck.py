import pytest
import torch

from mmtaskssl.models.elastic import NormView
from mmtaskssl.models.necks import ElasticDenseCLNeck
from mmtaskssl.registry import MODELS

_WIDTHS = {"in_channels": 8, "hid_channels": 6, "out_channels": 4}


def _maps(channels=8, n=3):
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(n, channels, 4, 5, generator=generator),)


def _as_host(neck, **options):
    host = MODELS.build({"type": "mmselfsup.DenseCLNeck", **_WIDTHS, **options})
    for mine, theirs in ((neck.single, host.mlp), (neck.dense, host.mlp2)):
        for place, layer in enumerate((theirs[0], theirs[2])):
            weight = mine.layers[place].weight
            layer.weight.data.copy_(weight.view_as(layer.weight))
            layer.bias.data.copy_(mine.layers[place].bias)
    return host


@pytest.mark.parametrize("num_grid", [None, 2])
def test_largest_is_the_hosts_neck(num_grid):
    torch.manual_seed(0)
    neck = ElasticDenseCLNeck(**_WIDTHS, num_grid=num_grid)
    host = _as_host(neck, num_grid=num_grid)
    for mine, theirs in zip(neck(_maps()), host(_maps()), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_narrow_maps_use_the_first_columns():
    torch.manual_seed(0)
    neck = ElasticDenseCLNeck(**_WIDTHS, norm="BN")
    narrow = _maps(5)
    padded = (torch.cat([narrow[0], torch.zeros(3, 3, 4, 5)], dim=1),)
    view = NormView(tracked=False)
    for mine, theirs in zip(neck(narrow, view), neck(padded, view), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_extract_is_the_global_projection():
    torch.manual_seed(0)
    neck = ElasticDenseCLNeck(**_WIDTHS)
    plain = neck.extract(5)
    maps = _maps(5)
    torch.testing.assert_close(plain(maps[0]), neck(maps)[0])
