import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmtaskssl.registry import DATASETS, MODELS
from mmtaskssl.utils.errors import UserError

HEADS = {
    "mocov2": {
        "type": "mmselfsup.MoCo",
        "queue_len": 16,
        "feat_dim": 8,
        "head": {
            "type": "mmselfsup.ContrastiveHead",
            "loss": {"type": "mmcls.CrossEntropyLoss"},
        },
        "neck": {
            "type": "mmselfsup.MoCoV2Neck",
            "in_channels": 512,
            "hid_channels": 16,
            "out_channels": 8,
            "with_avg_pool": True,
        },
    },
}


def _runner(work_dir, workers=0, iters=2):
    model = {
        "backbone": {
            "type": "mmselfsup.ResNet",
            "depth": 18,
            "norm_cfg": {"type": "BN"},
        },
        "data_preprocessor": {
            "type": "mmtaskssl.TwoViewPreprocessor",
            "preset": "mocov2",
            "view_size": 32,
        },
        **HEADS["mocov2"],
    }
    loader = {
        "batch_size": 4,
        "num_workers": workers,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "dataset": {"type": "mmtaskssl.SyntheticImages", "num_images": 12, "size": 36},
        "drop_last": True,
    }
    return Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg={"type": "IterBasedTrainLoop", "max_iters": iters},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.01}},
        default_scope="mmtaskssl",
        randomness={"seed": 0},
        log_level="ERROR",
    )


def _batch(n=4, **kwargs):
    data = DATASETS.build({"type": "SyntheticImages", "num_images": n, **kwargs})
    return next(iter(DataLoader(data, n, collate_fn=pseudo_collate)))


def test_trains_a_host_algorithm(tmp_path):
    runner = _runner(tmp_path)
    runner.train()
    assert runner.model.data_preprocessor.step == 2


@pytest.mark.parametrize("preset", ["mocov2", "byol", "simsiam"])
def test_training_gives_two_views_and_else_one(preset):
    preprocessor = MODELS.build(
        {"type": "TwoViewPreprocessor", "preset": preset, "view_size": 24}
    )
    out = preprocessor(_batch(), training=True)
    assert [tuple(view.shape) for view in out["inputs"]] == [(4, 3, 24, 24)] * 2
    assert not torch.equal(*out["inputs"])
    assert [sample.label for sample in out["data_samples"]] == [0, 1, 2, 3]
    out = preprocessor(_batch(), training=False)
    assert [tuple(view.shape) for view in out["inputs"]] == [(4, 3, 24, 24)]


def test_unknown_preset_is_a_user_error():
    with pytest.raises(UserError, match="preset"):
        MODELS.build({"type": "TwoViewPreprocessor", "preset": "mocov9"})
