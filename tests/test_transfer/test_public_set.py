"""The option ``dataset`` of classification configs."""

import json

import pytest
import torch
from mmengine.config import Config

from mmtaskssl.config import default_work_dir, load_config
from mmtaskssl.datasets.transfer_sets import ELEVEN_SETS, TransferSet, known_sets
from mmtaskssl.engine.run import train as run_train
from mmtaskssl.evaluation import TransferMetric
from mmtaskssl.evaluation.metrics import classification_metrics
from mmtaskssl.models.losses import PartialBinaryCrossEntropy
from mmtaskssl.registry import METRICS, MODELS
from mmtaskssl.transfer.data_set_checks import check_data_set
from mmtaskssl.utils.errors import UserError
from tests._public_sets import accept_copies, make_public_sets

_FOLDER = "transfer/classification/"
_FULL = f"{_FOLDER}finetune_resnet50_1xb64-coslr-5k_public-224px.py"
_SMALL = f"{_FOLDER}few-shot_resnet10-w32_1xb32-coslr-200i_folder-40px.py"
_DEBUG = f"{_FOLDER}finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
# Kornblith et al., CVPR 2019, table 1, and SDR's two large sets.
_PROTOCOL = {
    "aircraft": (100, "mean_per_class"),
    "caltech101": (102, "mean_per_class"),
    "cars": (196, "top1"),
    "cifar10": (10, "top1"),
    "cifar100": (100, "top1"),
    "dtd": (47, "top1"),
    "flowers102": (102, "mean_per_class"),
    "food101": (101, "top1"),
    "imagenet": (1000, "top1"),
    "pets": (37, "mean_per_class"),
    "places205": (205, "top1"),
    "sun397": (397, "top1"),
    "voc2007": (20, "mAP_11point"),
}


def test_the_configs_hold_the_protocol():
    found = {name: TransferSet.read(name) for name in known_sets()}
    assert {n: (s.num_classes, s.metric) for n, s in found.items()} == _PROTOCOL
    assert set(ELEVEN_SETS) == _PROTOCOL.keys() - {"imagenet", "places205"}


@pytest.mark.parametrize("name", _PROTOCOL)
def test_a_set_takes_the_place_of_a_configs_data(name, resnet_export):
    options = {
        "dataset": name,
        "data_root": "/sets",
        "backbone": str(resnet_export),
        "train_dataloader.dataset.split": "train",
    }
    cfg = load_config(_FULL, options)
    classes, metric = _PROTOCOL[name]
    assert cfg.model.head.num_classes == classes
    assert cfg.model.head.in_channels == 128
    assert cfg.val_evaluator.metric == cfg.test_evaluator.metric == metric
    assert METRICS.get(cfg.val_evaluator.type) is TransferMetric
    splits = []
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert (loader.dataset.name, loader.dataset.data_root) == (name, "/sets")
        splits.append(loader.dataset.split)
    assert splits == ["train", "test", "test"]
    with torch.device("meta"):
        model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
        scores = model(torch.zeros(2, 3, 64, 64))
    assert scores.shape == (2, classes)
    assert default_work_dir(cfg, _FULL).endswith(f"_public-224px_{name}")


def test_the_recipe_keeps_what_it_decides():
    cfg = load_config(_SMALL, {"dataset": "pets"})
    assert cfg.train_dataloader.dataset == {
        "type": "PublicImages",
        "name": "pets",
        "data_root": "data",
        "split": "train+val",
        "store_size": 48,
        "cache": "ram",
        "shots": 5,
    }
    assert cfg.val_dataloader.batch_size == 128 and cfg.train_cfg.max_iters == 200
    assert cfg.model.head.in_channels == 256


def test_bad_options():
    with pytest.raises(UserError, match="no transfer set 'birds'; known are aircraft"):
        load_config(_FULL, {"dataset": "birds"})
    selfsup = "selfsup/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py"
    with pytest.raises(UserError, match="needs a classification config"):
        load_config(selfsup, {"dataset": "dtd"})


@pytest.mark.parametrize(
    "name, metric", [("voc2007", "mAP_11point"), ("aircraft", "mean_per_class")]
)
def test_training_on_a_copy(name, metric, tmp_path, monkeypatch):
    root = make_public_sets(tmp_path / "data", (name,))
    accept_copies(monkeypatch.setattr, root)
    options = {
        "dataset": name,
        "data_root": str(root),
        "num_workers": 0,
        "batch_size": 8,
        "val_dataloader.num_workers": 0,
        "val_dataloader.persistent_workers": False,
        "model.head.num_classes": 3,
        "optim_wrapper.optimizer.lr": 0.2 if name == "voc2007" else 0.05,
    }
    cfg = load_config(_DEBUG, options)
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path / "w"), "none", "WARNING"
    cfg.experiment_name = f"public_{name}"
    run_train(cfg)
    (log,) = tmp_path.rglob("vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    scores = [row[f"transfer/{metric}"] for row in rows if f"transfer/{metric}" in row]
    assert len(scores) == 2 and scores[-1] > 70


@pytest.mark.parametrize("name, number", [("voc2007", 20), ("food101", 1)])
def test_a_head_of_other_classes_is_refused(name, number, tmp_path):
    root = make_public_sets(tmp_path, (name,))
    options = {"dataset": name, "data_root": str(root)}
    cfg = load_config(_DEBUG, {**options, "model.head.num_classes": number})
    data = TransferSet.read(name).images("train", root)
    with pytest.raises(UserError, match=rf"num_classes is {number}, but the training"):
        check_data_set(cfg, data, "training")
    cfg.model.head.num_classes = len(data.class_names)
    check_data_set(cfg, data, "training")


def test_the_metric_is_that_of_frozen_features():
    torch.manual_seed(0)
    scores, labels = torch.randn(12, 3), torch.arange(12) % 3
    several = torch.randint(-1, 2, (12, 3))
    for metric, y in (
        ("top1", labels),
        ("mean_per_class", labels),
        ("mAP", several),
        ("mAP_11point", several),
    ):
        evaluator = TransferMetric(metric)
        key = "label" if y.dim() == 1 else "score"
        for score, label in zip(scores, y, strict=True):
            truth = {key: label.reshape(-1)}
            evaluator.process(
                None, [{"pred_label": {"score": score}, "gt_label": truth}]
            )
        expected = classification_metrics(scores, y)[metric]
        assert evaluator.evaluate(12) == {f"transfer/{metric}": expected}
    with pytest.raises(UserError, match="metric is one of top1"):
        TransferMetric("accuracy")
    wrong = TransferMetric("mAP")
    wrong.process(
        None, [{"pred_label": {"score": scores[0]}, "gt_label": {"label": labels[:1]}}]
    )
    with pytest.raises(UserError, match="mAP does not fit images with one label each"):
        wrong.evaluate(1)


def test_open_labels_have_no_loss():
    loss = PartialBinaryCrossEntropy()
    scores = torch.zeros(2, 3, requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, -1.0], [-1.0, -1.0, -1.0]])
    value = loss(scores, targets, avg_factor=2)
    assert value.item() == pytest.approx(0.6931, abs=1e-4)
    value.backward()
    assert scores.grad[0].tolist() == [-0.25, 0.25, 0.0]
    assert not scores.grad[1].any()
    assert loss(scores, -torch.ones(2, 3)).item() == 0


def test_a_config_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text("value = 1\n")
    with pytest.raises(UserError, match="is none of a transfer set"):
        TransferSet.read(str(tmp_path / "mine.py"))
    (tmp_path / "mine.py").write_text(
        Config.fromfile(TransferSet.read("dtd").cfg.filename).pretty_text
    )
    assert TransferSet.read(str(tmp_path / "mine.py")).num_classes == 47
