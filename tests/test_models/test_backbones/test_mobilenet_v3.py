import pytest
import torch

from mmtaskssl.export.hosts import host_config
from mmtaskssl.models.backbones import SlimmableMobileNetV3, SubnetMobileNetV3
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

from ._nets import batches, randomize

torchvision = pytest.importorskip("torchvision")


def _features(model):
    state = model.state_dict().items()
    return {name: value for name, value in state if name.startswith("features.")}


def test_full_width_is_torchvisions_bit_for_bit():
    static = randomize(torchvision.models.mobilenet_v3_large())
    for options in ({"divisor": 8}, {"norm_cfg": {"type": "BN"}}):
        net = SlimmableMobileNetV3(**options)
        net.load_state_dict(_features(static), strict=True)
        x = torch.randn(2, 3, 64, 64)
        with torch.no_grad():
            assert torch.equal(net.eval()(x)[0], static.eval().features(x))
            assert torch.equal(net.train()(x)[0], static.train().features(x))


@pytest.mark.parametrize("width", [0.75, 0.5, 0.35])
def test_a_width_loads_strictly_into_torchvisions(width):
    net = randomize(SlimmableMobileNetV3((1, width), divisor=8)).eval()
    calibrate(net, f"{width:g}", batches())
    static = torchvision.models.mobilenet_v3_large(width_mult=width)
    state = net.state_dict_of(f"{width:g}")
    missing, unexpected = static.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith("classifier.") for name in missing)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        difference = net(x, f"{width:g}")[0] - static.eval().features(x)
    assert difference.abs().max() < 1e-5


def test_outputs_and_freezing():
    net = SlimmableMobileNetV3(out_indices=(1, 2, 4, 6), frozen_stages=2)
    outs = net(batches(1, 64)[0], "0.5")
    assert [o.shape[-1] for o in outs] == [16, 8, 4, 2]
    assert [o.shape[1] for o in outs] == [12, 20, 56, 480] == [*net.out_channels("0.5")]
    frozen = {n.split(".")[1] for n, p in net.named_parameters() if not p.requires_grad}
    assert frozen == {"0", "1", "2", "3"}
    plain = SubnetMobileNetV3(net.resolve("0.5"), out_indices=(0, 6))
    assert [o.shape[1] for o in plain(batches(1, 64)[0])] == [8, 480]


def test_dilated_is_torchvisions_bit_for_bit():
    static = randomize(torchvision.models.mobilenet_v3_large(dilated=True)).eval()
    options = {"divisor": 8, "norm_cfg": {"type": "BN"}}
    net = SlimmableMobileNetV3(output_stride=16, **options).eval()
    net.load_state_dict(_features(static), strict=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        out, plain = net(x)[0], net.extract()(x)[0]
        assert torch.equal(out, static.features(x)) and torch.equal(plain, out)
    assert out.shape[-1] == 4


def test_output_stride_of_segmentation():
    net = SlimmableMobileNetV3(output_stride=8, out_indices=(1, 2, 4, 6))
    assert [o.shape[-1] for o in net(batches(1, 64)[0])] == [16, 8, 8, 8]
    convs = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    assert sorted({c.dilation[0] for c in convs}) == [1, 2, 4]
    assert host_config(net, net.space.min, "mmseg", None)["output_stride"] == 8
    with pytest.raises(UserError, match="output_stride"):
        SlimmableMobileNetV3(output_stride=4)


def test_activation_checkpointing_changes_nothing():
    x = batches(1, 64)[0]
    nets = [randomize(SlimmableMobileNetV3(with_cp=cp)) for cp in (False, True)]
    for net in nets:
        net(x, "0.5")[0].square().mean().backward()
    for (name, a), (_, b) in zip(*(n.named_buffers() for n in nets), strict=True):
        assert torch.equal(a, b), name
    for (name, a), (_, b) in zip(*(n.named_parameters() for n in nets), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        assert a.grad is None or torch.equal(a.grad, b.grad), name


def test_zero_initialised_shortcuts():
    net = SlimmableMobileNetV3(zero_init_residual=True)
    net.init_weights()
    assert (net.features[3].block[-1][1][0].weight == 0).all()
    assert (net.features[2].block[-1][1][0].weight == 1).all()


def test_bad_options():
    with pytest.raises(UserError, match="not MobileNetV3-Large"):
        SlimmableMobileNetV3()(batches(1)[0], "s64-w64.128.256.512-d3.4.6.3")
    with pytest.raises(UserError, match="out_indices"):
        SlimmableMobileNetV3(out_indices=(7,))
    with pytest.raises(UserError, match="no batch norms of its own"):
        SlimmableMobileNetV3()(
            batches(1)[0], "s16-w16.24.40.80.112.160-d1.2.3.4.2.3-m0.6"
        )
    with pytest.raises(UserError, match="of that kind"):
        SubnetMobileNetV3("s64-w64-d1", arch={"kind": "resnet"})


def test_registered():
    net = MODELS.build({"type": "mmtaskssl.SlimmableMobileNetV3", "widths": (1, 0.5)})
    assert len(net.space) == 2
