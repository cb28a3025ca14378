"""KNNHook on the sub-nets of an elastic network."""

import copy

import pytest
import torch

from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_hooks import _LABELLED, _scalars, _with_knn
from tests.test_engine.test_resume import _assert_identical, _state
from tests.test_models.test_algorithms._elastic import SPACE, model_config

BN = {"type": "BN"}
SUBNET = "s4-w4.12.16-d1.1.2"


def elastic_config(work_dir, subnets=None, norm_cfg=BN, backbone=None, **options):
    cfg = debug_config("mocov2", work_dir)
    cfg.model = model_config(norm_cfg=norm_cfg, backbone=backbone)
    cfg.model.data_preprocessor = {"type": "TwoViewPreprocessor", "view_size": 16}
    cfg.optim_wrapper = {"optimizer": {"type": "SafeSGD", "lr": 0.05}}
    return cfg if subnets is None else _with_knn(cfg, subnets=subnets, **options)


def test_measuring_subnets_leaves_the_training_alone(tmp_path):
    plain = run(elastic_config(tmp_path / "plain"))
    random_state = torch.get_rng_state()
    names = ["MAX", "MIN", 0, SUBNET]
    watched = run(elastic_config(tmp_path / "watched", names, interval=6))
    assert torch.equal(random_state, torch.get_rng_state())
    _assert_identical(_state(plain), _state(watched))
    for name in ("max", "min", "rand0", SUBNET):
        measured = _scalars(tmp_path / "watched", f"{name}/knn_top1")
        assert [step for step, _ in measured] == [6, 12]


def test_a_subnet_is_calibrated_on_the_hooks_training_images(tmp_path):
    runner = run(elastic_config(tmp_path, [SUBNET], k=3))
    hook = next(h for h in runner.hooks if type(h).__name__ == "KNNHook")
    (_, measured) = _scalars(tmp_path, f"{SUBNET}/knn_top1")[-1]
    net = copy.deepcopy(runner.model.backbone).eval()
    prepare = runner.model.data_preprocessor

    def images(data):
        inputs = [data[i]["inputs"] for i in range(len(data))]
        return prepare({"inputs": inputs}, False)["inputs"][0]

    train, test = images(hook.train_set), images(hook.test_set)
    order = torch.randperm(len(train), generator=torch.Generator())
    calibrate(net, SUBNET, train[order].split(10))
    with torch.no_grad():
        train_x, test_x = (net(x, SUBNET)[-1].mean((2, 3)) for x in (train, test))
    labels = torch.tensor(hook.train_set.labels)
    votes = weighted_knn(train_x, labels, test_x, 3, k=3).argmax(1)
    right = votes == torch.tensor(hook.test_set.labels)
    assert measured == pytest.approx(100 * right.float().mean().item())


@pytest.mark.parametrize("subnets", ["all", "auto"])
def test_all_subnets_of_a_list(tmp_path, subnets):
    space = {"kind": "list", "arch": SPACE["arch"]}
    space["subnets"] = ["s8-w8.12.16-d1.1.2", SUBNET]
    norm = {"type": "SwitchableBN"}
    cfg = elastic_config(tmp_path, subnets, norm, {"space": space}, test=_LABELLED, k=1)
    run(cfg)
    for name in ("max", "min"):
        # The data's own images: each is its own nearest neighbour.
        measured = _scalars(tmp_path, f"{name}/knn_top1")
        assert {value for _, value in measured} == {100.0}


def test_some_subnets_of_a_large_space(tmp_path):
    run(elastic_config(tmp_path, "auto", interval=12))
    for name in ("max", "min", "rand0", "rand1"):
        assert len(_scalars(tmp_path, f"{name}/knn_top1")) == 1


def test_refuses_what_it_cannot_measure(tmp_path):
    with pytest.raises(UserError, match="ResNet has none"):
        run(_with_knn(debug_config("mocov2", tmp_path), subnets=["MIN"]))
    with pytest.raises(UserError, match="nonsense"):
        run(elastic_config(tmp_path, ["nonsense"]))
    with pytest.raises(UserError, match="a list of names, not 'MIN'"):
        run(elastic_config(tmp_path, "MIN"))
    large = {"space": "data_basic", "strides": [1, 2, 2, 2], "dilations": [1] * 4}
    with pytest.raises(UserError, match="all 5832 sub-nets of this space; name some"):
        run(elastic_config(tmp_path, "all", backbone=large))
