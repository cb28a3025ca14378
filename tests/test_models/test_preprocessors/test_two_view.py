import copy

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmtaskssl.datasets import SyntheticImages, UnlabeledImages, pack_images
from mmtaskssl.models.preprocessors import TwoViewPreprocessor, two_view
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder

NECK = {"in_channels": 64, "hid_channels": 16, "out_channels": 8}
HOSTS = {
    "mocov2": {
        "type": "mmselfsup.MoCo",
        "queue_len": 16,
        "feat_dim": 8,
        "neck": {"type": "mmselfsup.MoCoV2Neck", "with_avg_pool": True, **NECK},
        "head": {
            "type": "mmselfsup.ContrastiveHead",
            "loss": {"type": "mmcls.CrossEntropyLoss"},
        },
    },
    "byol": {
        "type": "mmselfsup.BYOL",
        "neck": {
            "type": "mmselfsup.NonLinearNeck",
            "num_layers": 2,
            "with_avg_pool": True,
            **NECK,
        },
        "head": {
            "type": "mmselfsup.LatentPredictHead",
            "loss": {"type": "mmselfsup.CosineSimilarityLoss"},
            "predictor": {
                "type": "mmselfsup.NonLinearNeck",
                "in_channels": 8,
                "hid_channels": 16,
                "out_channels": 8,
                "num_layers": 2,
                "with_avg_pool": False,
            },
        },
    },
}
HOSTS["simsiam"] = {**HOSTS["byol"], "type": "mmselfsup.SimSiam"}


def _runner(work_dir, preset, iters, workers=0, **options):
    model = {
        "backbone": {
            "type": "mmselfsup.ResNet",
            "depth": 18,
            "base_channels": 8,
            "norm_cfg": {"type": "BN"},
        },
        "data_preprocessor": {
            "type": "mmtaskssl.TwoViewPreprocessor",
            "preset": preset,
            "view_size": 32,
        },
        **HOSTS[preset],
    }
    loader = {
        "batch_size": 4,
        "num_workers": workers,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "dataset": {"type": "mmtaskssl.SyntheticImages", "num_images": 12, "size": 36},
        "collate_fn": {"type": "mmtaskssl.pack_images"},
        "drop_last": True,
    }
    return Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg={"type": "IterBasedTrainLoop", "max_iters": iters},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.01}},
        default_hooks={
            "checkpoint": {"type": "CheckpointHook", "interval": 1, "by_epoch": False}
        },
        default_scope="mmtaskssl",
        randomness={"seed": 0},
        log_level="ERROR",
        experiment_name=f"{work_dir.name}-{preset}-{iters}-{workers}",
        **options,
    )


def _batch(n=4, collate=pseudo_collate, **kwargs):
    data = SyntheticImages(n, **kwargs)
    return next(iter(DataLoader(data, n, collate_fn=collate)))


def _views(preprocessor, batch, training=True):
    return preprocessor(batch, training=training)["inputs"]


def _equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("preset", ["mocov2", "byol", "simsiam"])
def test_trains_the_hosts_algorithm(tmp_path, preset):
    runner = _runner(tmp_path, preset, 2)
    runner.train()
    assert runner.model.data_preprocessor.step == 2


def test_runner_resumes_with_the_next_views(tmp_path):
    seen = {}
    for name, iters, resume in (("all", 3, False), ("a", 2, False), ("b", 3, True)):
        options = {"load_from": str(tmp_path / "a" / "iter_2.pth")} if resume else {}
        runner = _runner(tmp_path / name, "simsiam", iters, resume=resume, **options)
        preprocessor = runner.model.data_preprocessor
        views = seen.setdefault(name, [])
        preprocessor.register_forward_hook(
            lambda module, args, out, views=views: views.append(out["inputs"])
        )
        runner.train()
    assert len(seen["all"]) == 3
    assert len(seen["b"]) == 1
    assert _equal(seen["all"][2], seen["b"][0])
    assert not _equal(seen["all"][1], seen["b"][0])


@pytest.mark.parametrize("preset", ["mocov2", "byol", "simsiam"])
def test_training_gives_two_views(preset):
    preprocessor = MODELS.build(
        {"type": "TwoViewPreprocessor", "preset": preset, "view_size": 24}
    )
    out = preprocessor(_batch(), training=True)
    first, second = out["inputs"]
    for view in (first, second):
        assert view.shape == (4, 3, 24, 24)
        assert view.dtype == torch.float32
        assert view.is_contiguous()
    assert not torch.equal(first, second)
    assert [sample.label for sample in out["data_samples"]] == [0, 1, 2, 3]
    assert [sample.sample_idx for sample in out["data_samples"]] == [0, 1, 2, 3]


def test_evaluation_gives_the_plain_centre():
    mean, std = (10.0, 20.0, 30.0), (1.0, 2.0, 4.0)
    preprocessor = TwoViewPreprocessor(
        view_size=36, mean=mean, std=std, eval_crop=1.0, seed=0
    )
    batch = _batch(size=36)
    (view,) = _views(preprocessor, batch, training=False)
    for i in range(4):
        expected = batch["inputs"][i].float()
        expected -= torch.tensor(mean)[:, None, None]
        expected /= torch.tensor(std)[:, None, None]
        torch.testing.assert_close(view[i], expected)
    assert preprocessor.step == 0


def test_evaluation_crops_the_short_side():
    image = torch.zeros(3, 16, 40, dtype=torch.uint8)
    image[:, 1:15, 13:27] = 255
    preprocessor = TwoViewPreprocessor(
        view_size=14, mean=(0,) * 3, std=(255,) * 3, eval_crop=0.875
    )
    (view,) = _views(preprocessor, {"inputs": [image]}, training=False)
    torch.testing.assert_close(view, torch.ones(1, 3, 14, 14))


def test_collate_functions_and_workers_give_the_same_views(tmp_path):
    root = make_image_folder(tmp_path / "small", 3, size=20)
    make_image_folder(tmp_path / "large", 3, size=33)
    seen = []
    for workers, collate in ((0, pseudo_collate), (0, pack_images), (2, pack_images)):
        data = UnlabeledImages(root.parent)
        loader = DataLoader(data, 6, collate_fn=collate, num_workers=workers)
        preprocessor = TwoViewPreprocessor(view_size=16, seed=3)
        seen.append([v for batch in loader for v in _views(preprocessor, batch)])
    assert len(seen[0]) == 4
    assert _equal(seen[0], seen[1])
    assert _equal(seen[0], seen[2])


def test_views_depend_on_seed_step_and_rank(monkeypatch):
    batch = _batch()

    def make(seed=1, skip=0):
        preprocessor = TwoViewPreprocessor(view_size=16, seed=seed)
        for _ in range(skip):
            preprocessor(batch, training=True)
        return _views(preprocessor, batch)

    first = make()
    assert _equal(first, make())
    assert not _equal(first, make(seed=2))
    assert not _equal(first, make(skip=1))
    monkeypatch.setattr(two_view, "get_rank", lambda: 1)
    assert not _equal(first, make())


def test_default_seed_is_the_processs():
    batch = _batch()
    seen = []
    for seed in (5, 6, 5):
        torch.manual_seed(seed)
        torch.rand(seed)  # what else draws makes no difference
        seen.append(_views(TwoViewPreprocessor(view_size=16), batch))
    assert _equal(seen[0], seen[2])
    assert not _equal(seen[0], seen[1])


def test_global_random_state_is_left_alone():
    batch = _batch()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    _views(TwoViewPreprocessor(view_size=16, seed=1), batch)
    assert torch.equal(torch.rand(3), expected)


def test_state_continues_the_stream():
    batch = _batch()
    preprocessor = TwoViewPreprocessor(view_size=16, seed=1)
    assert list(preprocessor.state_dict()) == ["step"]
    _views(preprocessor, batch)
    state = copy.deepcopy(preprocessor.state_dict())
    expected = _views(preprocessor, batch)
    other = TwoViewPreprocessor(view_size=16, seed=1)
    other.load_state_dict(state)
    assert _equal(_views(other, batch), expected)


def test_evaluation_does_not_advance_the_stream():
    batch = _batch()
    first, second = (TwoViewPreprocessor(view_size=16, seed=1) for _ in range(2))
    _views(first, batch, training=False)
    assert _equal(_views(first, batch), _views(second, batch))


def test_autocast_changes_nothing():
    batch = _batch()
    first, second = (TwoViewPreprocessor(view_size=16, seed=1) for _ in range(2))
    expected = _views(first, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        views = _views(second, batch)
    assert _equal(views, expected)


def test_views_need_no_gradient_and_share_nothing():
    batch = _batch()
    preprocessor = TwoViewPreprocessor(view_size=16, seed=1)
    first = _views(preprocessor, batch)
    before = [view.clone() for view in first]
    assert not any(view.requires_grad for view in first)
    _views(preprocessor, batch)
    assert _equal(first, before)


@pytest.mark.parametrize("option", [{"view_size": 0}, {"eval_crop": 1.5}])
def test_bad_options(option):
    with pytest.raises(UserError, match=next(iter(option))):
        TwoViewPreprocessor(**option)


@pytest.mark.gpu
@pytest.mark.parametrize("collate", [pseudo_collate, pack_images])
@pytest.mark.parametrize("preset", ["mocov2", "byol"])
def test_gpu_gives_the_cpus_views(preset, collate):
    batch = _batch(32, collate, size=48)
    options = {"preset": preset, "view_size": 32, "seed": 1}
    options |= {"mean": (0,) * 3, "std": (1,) * 3}
    expected = _views(TwoViewPreprocessor(**options), batch)
    preprocessor = TwoViewPreprocessor(**options).cuda()
    with torch.autocast("cuda"):
        views = _views(preprocessor, batch)
    for view, other in zip(views, expected, strict=True):
        assert view.is_cuda
        assert view.dtype == torch.float32
        assert (view.cpu() - other).abs().mean() < 0.1
    plain = _views(preprocessor, batch, training=False)[0].cpu()
    expected = _views(TwoViewPreprocessor(**options), batch, training=False)[0]
    assert (plain - expected).abs().max() <= 1
