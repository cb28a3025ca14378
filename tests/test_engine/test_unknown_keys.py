import pytest
from mmengine.config import Config

from mmtaskssl.engine.unknown_keys import check_keys
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root


def _config(**more):
    """What the kinds of config have in common, each part with all that is read."""
    cfg = {
        "default_scope": "mmtaskssl",
        "auto_scale_lr": {"enable": False, "base_batch_size": 256},
        "default_hooks": {
            "checkpoint": {
                "type": "CheckpointHook",
                "interval": 1,
                "max_keep_ckpts": 1,
                "priority": "LOW",
            },
            "logger": {"type": "LoggerHook", "interval": 5},
            "timer": None,
        },
        "custom_hooks": [{"type": "EarlyStoppingHook", "monitor": "knn_top1"}],
        "train_cfg": {"type": "SeekableIterLoop", "max_iters": 3, "val_interval": 2},
        "val_cfg": {"fp16": True},
        "test_cfg": {},
        "optim_wrapper": {
            "type": "AmpOptimWrapper",
            "loss_scale": "dynamic",
            "accumulative_counts": 2,
            "clip_grad": {"max_norm": 1.0},
            "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9},
            "paramwise_cfg": {
                "norm_decay_mult": 0.0,
                "custom_keys": {"predictor": {"fix_lr": True, "lr_mult": 1.0}},
            },
        },
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.1, "end": 2, "by_epoch": False},
            {"type": "CosineAnnealingLR", "T_max": 3, "convert_to_iter_based": True},
        ],
    }
    return Config({**cfg, **more})


def test_what_is_read_passes():
    check_keys(_config())
    check_keys(_config(train_cfg={"by_epoch": True, "max_epochs": 3, "val_begin": 2}))
    check_keys(_config(param_scheduler={"type": "ConstantLR", "factor": 0.5}))


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("auto_scale_lr.base_batch_sise", "base_batch_size"),
        ("auto_scale_lr.enabled", "enable"),
        ("default_hooks.checkpoint.max_keep_ckpt", "max_keep_ckpts"),
        ("default_hooks.checkpoint.save_bets", "save_best"),
        ("default_hooks.logger.intervall", "interval"),
        ("custom_hooks.0.patince", "patience"),
        ("train_cfg.max_iter", "max_iters"),
        ("train_cfg.val_intervals", "val_interval"),
        ("val_cfg.fp_16", "fp16"),
        ("test_cfg.fp61", "fp16"),
        ("optim_wrapper.acumulative_counts", "accumulative_counts"),
        ("optim_wrapper.clip_gard", "clip_grad"),
        ("optim_wrapper.clip_grad.max_nrom", "max_norm"),
        ("optim_wrapper.optimizer.momentun", "momentum"),
        ("optim_wrapper.paramwise_cfg.norm_decay_mul", "norm_decay_mult"),
        ("optim_wrapper.paramwise_cfg.custom_keys.predictor.lr_mul", "lr_mult"),
        ("param_scheduler.0.start_facto", "start_factor"),
        ("param_scheduler.1.T_Max", "T_max"),
    ],
)
def test_what_nothing_reads_is_refused(place, hint):
    cfg = _config()
    cfg.merge_from_dict({place: 1})
    with pytest.raises(UserError, match=f"has no .*did you mean '{hint}'"):
        check_keys(cfg)


def test_a_text_among_the_hooks_is_refused():
    with pytest.raises(UserError, match=r"custom_hooks\.0 .* is the text 'A' and no"):
        check_keys(_config(custom_hooks=["A"]))


def test_every_config_of_ours_passes():
    root = resource_root("configs")
    leaves = [p for p in sorted(root.rglob("*.py")) if "_base_" not in p.parts]
    assert len(leaves) > 50
    for path in leaves[::4]:
        check_keys(Config.fromfile(path))


@pytest.mark.parametrize(
    "name",
    [
        "mmdet::retinanet/retinanet_r50_fpn_1x_coco.py",
        "mmdet::detr/detr_r50_8xb2-150e_coco.py",
        "mmdet::yolox/yolox_s_8xb8-300e_coco.py",
        "mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py",
        "mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py",
        "mmselfsup::selfsup/mae/mae_vit-base-p16_8xb512-amp-coslr-400e_in1k.py",
        "mmcls::swin_transformer/swin-tiny_16xb64_in1k.py",
    ],
)
def test_configs_of_the_hosts_pass(name):
    from mmtaskssl.config import load_config

    check_keys(load_config(name))
