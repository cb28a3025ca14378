"""``init_cfg=dict(type="Pretrained")`` loads all of a network, or says why not."""

import pytest
import torch
from mmengine.model import BaseModule

from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights.guard import guarded


class Net(BaseModule):
    def __init__(self, **init_cfg):
        super().__init__(init_cfg={"type": "Pretrained", **init_cfg})
        self.conv1 = torch.nn.Conv2d(3, 4, 1)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.register_buffer("queue", torch.zeros(2, 3))


@pytest.fixture
def save(tmp_path):
    def saved(state):
        torch.save({"state_dict": state}, tmp_path / "net.pth")
        return str(tmp_path / "net.pth")

    return saved


def weights(prefix=""):
    torch.manual_seed(0)
    state = {k: torch.rand_like(v.float()) for k, v in Net().state_dict().items()}
    return {prefix + k: v for k, v in state.items() if k != "queue"}


@pytest.mark.parametrize(
    ("behind", "prefix"),
    [("", None), ("module.", None), ("backbone.", "backbone"), ("a.b.", "a.b.")],
)
def test_all_of_it_is_loaded(behind, prefix, save):
    head = {f"{behind}{part}.weight": torch.zeros(2) for part in ("fc", "layer4")}
    path = save(weights(behind) | head)
    net = Net(checkpoint=path, prefix=prefix)
    with guarded():
        net.init_weights()
    for key, value in weights().items():
        assert torch.equal(
            net.state_dict()[key].float(),
            value.to(torch.int64).float() if "tracked" in key else value,
        ), key


@pytest.mark.parametrize(
    ("behind", "prefix", "said"),
    [
        ("backbone.", None, r"loaded 0/8 Net keys: .*: say prefix='backbone\.' in"),
        ("module.encoder_q.", None, r"say prefix='encoder_q\.'"),
        ("backbone.", "model", r"none behind prefix='model': say prefix='backbone\.'"),
        ("", "backbone", "leave the prefix out"),
    ],
)
def test_names_that_do_not_fit(behind, prefix, said, save):
    net = Net(checkpoint=save(weights(behind)), prefix=prefix)
    with guarded(), pytest.raises(UserError, match=said):
        net.init_weights()


@pytest.mark.parametrize(
    ("change", "said", "allow"),
    [
        (lambda s: s.pop("bn1.weight"), r"lacks 1, such as bn1\.weight", ["bn1"]),
        (
            lambda s: s.update({"conv1.weight": torch.zeros(4, 3, 3, 3)}),
            r"1 differ in shape, the first is conv1\.weight with \(4, 3, 3, 3\)",
            ["conv1.w"],
        ),
        (
            lambda s: s.update({"conv1.deeper": torch.zeros(1)}),
            r"1 that the network lacks, such as conv1\.deeper",
            ["conv1.d"],
        ),
    ],
)
def test_a_part_is_refused_or_named(change, said, allow, save):
    state = weights()
    change(state)
    path = save(state)
    with guarded(), pytest.raises(UserError, match=said + r".*\(`allow` names what"):
        Net(checkpoint=path).init_weights()
    net = Net(checkpoint=path)
    with guarded(allow=allow):
        net.init_weights()
    assert torch.equal(net.conv1.bias, state["conv1.bias"])


def test_nan_names_tensor_and_file(save):
    state = weights()
    state["bn1.running_var"][2] = float("inf")
    with guarded(), pytest.raises(UserError, match=r"net\.pth .* bn1\.running_var"):
        Net(checkpoint=save(state)).init_weights()


def test_outside_mmengine_does_as_it_does(save):
    path = save(weights("backbone."))
    with guarded():
        pass
    Net(checkpoint=path).init_weights()
