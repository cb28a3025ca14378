"""mmselfsup's own algorithms train on our images, and their networks open."""

import pytest
import torch
from mmengine.config import Config
from yapf.yapflib import yapf_api

from mmtaskssl.config import load_config
from mmtaskssl.engine.pretrain import pretrain
from mmtaskssl.features.extractor import extractor_of
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder

RESNET = {
    "backbone": {"depth": 18, "stem_channels": 8, "base_channels": 8},
    "neck": {"in_channels": 64, "hid_channels": 16, "out_channels": 8},
}
VIT_ARCH = {
    "_delete_": True,
    "embed_dims": 16,
    "num_layers": 1,
    "num_heads": 2,
    "feedforward_channels": 32,
}
SWIN_ARCH = {
    "_delete_": True,
    "embed_dims": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 1, 1],
}
MIXMIM_ARCH = SWIN_ARCH | {"num_layers": 4, "feedforward_channels": 16}
VIT = {"arch": VIT_ARCH, "img_size": 64, "patch_size": 16}
PREDICTOR = {"in_channels": 8, "hid_channels": 16, "out_channels": 8}
DECODER = {"embed_dim": 16, "decoder_embed_dim": 16, "decoder_num_heads": 2}
DECODER |= {"decoder_depth": 1}

# Config (below mmselfsup's), what makes its model small, side, width of the feature.
CASES = {
    "mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k": (
        {"backbone": VIT, "neck": DECODER | {"num_patches": 16}},
        16,
    ),
    "simmim/simmim_swin-base_8xb256-amp-coslr-100e_in1k-192": (
        {
            "backbone": {
                "arch": SWIN_ARCH,
                "img_size": 64,
                "stage_cfgs": {"block_cfgs": {"window_size": 2}},
            },
            "neck": {"in_channels": 64},
        },
        64,
    ),
    "maskfeat/maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k": (
        {
            # Its target's generator knows of 14 x 14 patches alone.
            "backbone": {"arch": VIT_ARCH, "img_size": 112, "patch_size": 8},
            "neck": {"in_channels": 16, "out_channels": 27},
        },
        16,
    ),
    "mixmim/mixmim-base-p16_16xb128-coslr-300e_in1k": (
        {
            "backbone": {
                "arch": MIXMIM_ARCH,
                "img_size": 64,
                "window_size": [2, 2, 2, 2],
            },
            "neck": DECODER | {"embed_dim": 64, "num_patches": 4},
        },
        64,
    ),
    "mocov1/mocov1_resnet50_8xb32-steplr-200e_in1k": (
        {
            "backbone": RESNET["backbone"],
            "neck": {"in_channels": 64, "out_channels": 8},
            "queue_len": 8,
            "feat_dim": 8,
        },
        64,
    ),
    "mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k": (
        RESNET | {"queue_len": 8, "feat_dim": 8},
        64,
    ),
    "mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k": (
        {
            "backbone": {"arch": VIT_ARCH, "img_size": 64},
            "neck": {"in_channels": 16, "hid_channels": 16, "out_channels": 8},
            "head": {"predictor": PREDICTOR},
        },
        16,
    ),
    "simclr/simclr_resnet50_8xb32-coslr-200e_in1k": (RESNET, 64),
    "swav/swav_resnet50_8xb32-mcrop-2-6-coslr-200e_in1k-224-96": (
        RESNET | {"head": {"loss": {"feat_dim": 8, "num_prototypes": 6}}},
        64,
    ),
    "barlowtwins/barlowtwins_resnet50_8xb256-coslr-300e_in1k": (
        RESNET | {"head": {"in_channels": 8}},
        64,
    ),
    "densecl/densecl_resnet50_8xb32-coslr-200e_in1k": (
        RESNET | {"queue_len": 8, "feat_dim": 8},
        64,
    ),
    "simsiam/simsiam_resnet50_8xb32-coslr-100e_in1k": (
        RESNET | {"head": {"predictor": PREDICTOR}},
        64,
    ),
    "byol/byol_resnet50_8xb256-amp-accum2-coslr-100e_in1k": (
        RESNET | {"head": {"predictor": PREDICTOR}},
        64,
    ),
    "npid/npid_resnet50_8xb32-steplr-200e_in1k": (
        {
            "backbone": RESNET["backbone"],
            "neck": {"in_channels": 64, "out_channels": 8},
            "memory_bank": {"feat_dim": 8, "length": 100},
        },
        64,
    ),
    "relative_loc/relative-loc_resnet50_8xb64-steplr-70e_in1k": (
        {
            "backbone": RESNET["backbone"],
            "neck": {"in_channels": 64, "out_channels": 8},
            "head": {"in_channels": 8},
        },
        64,
    ),
    "rotation_pred/rotation-pred_resnet50_8xb16-amp-steplr-70e_in1k": (
        {"backbone": RESNET["backbone"], "head": {"in_channels": 64}},
        64,
    ),
}
MOCO = "mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k"
MEMORIES = {"queue": (8, 4), "queue2": (8, 4), "memory_bank.feature_bank": (8, 8)}
MEASURED = ("mae", "mixmim", "mocov3", "swav", "rotation_pred")


def small(name):
    """The published config with a small model and small views."""
    model, _ = CASES[name]
    cfg = load_config(f"mmselfsup::selfsup/{name}.py", {"model": model})
    side = model["backbone"].get("img_size", 32)
    shrink(cfg.train_dataloader.dataset.pipeline, side)
    return cfg


def shrink(steps, side):
    for step in steps:
        for inner in step.get("transforms", ()):
            shrink(inner if isinstance(inner, list) else [inner], side)
        kind = step["type"].rpartition(".")[2]
        if kind == "RandomResizedCrop":
            step["size"] = side if step["size"] > 100 else side // 2
        elif kind == "SimMIMMaskGenerator":
            step["input_size"] = side
        elif kind == "Resize":
            step["scale"] = 100
        elif kind == "RandomCrop":
            step["size"] = 96


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    make_image_folder(root / "target" / "train", size=40)
    make_image_folder(root / "target" / "test", n_per_class=2, size=40, seed=1)
    make_image_folder(root / "pool", n_per_class=5, size=72)
    names = sorted(p.relative_to(root / "pool") for p in (root / "pool").rglob("*.png"))
    selection = root / "selection.txt"
    selection.write_text("".join(f"{name.as_posix()}\n" for name in names[:8]))
    return root


@pytest.fixture(autouse=True)
def quick_texts(monkeypatch):
    """Printed configs are not pretty: that takes most of so short a training's time."""
    monkeypatch.setattr(yapf_api, "FormatCode", lambda text, **_: (text, True))


@pytest.mark.parametrize("name", CASES)
def test_an_objective_trains_on_our_images(name, folders, tmp_path):
    torch.manual_seed(0)
    cfg = small(name)
    measured = name.startswith(MEASURED)
    trained = pretrain(
        cfg,
        images=folders / "pool",
        selection=folders / "selection.txt",
        target=folders / "target" if measured else None,
        work_dir=tmp_path,
        cfg_options={
            "max_epochs": 1,
            "batch_size": 4,
            "num_workers": 0,
            "default_hooks.checkpoint.interval": 1,
            "default_hooks.logger.interval": 1,
            "randomness.seed": 0,
        },
    )
    assert trained.iterations == 2
    assert len(trained.losses) == 2
    assert all(loss == loss and abs(loss) < 1e4 for _, loss in trained.losses)
    assert ("knn_top1" in trained.metrics) == measured
    network = open_network(trained)
    for key, shape in MEMORIES.items():
        if key in network.state:  # as long as eight images allow
            assert network.state[key].shape == shape
    side = network.preprocessing.image_size
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    features = extractor_of(network)(images)
    assert features.shape == (4, CASES[name][1])
    assert features.isfinite().all() and features.std(0).mean() > 1e-5


CHILD = """
_base_ = "mmselfsup::selfsup/{name}.py"
images = {images!r}
"""


def test_a_config_may_inherit_from_mmselfsup(folders, tmp_path):
    (tmp_path / "child.py").write_text(
        CHILD.format(name=MOCO, images=str(folders / "pool"))
    )
    cfg = load_config(
        tmp_path / "child.py", {"model": CASES[MOCO][0], "num_workers": 0}
    )
    assert isinstance(cfg, Config)
    shrink(cfg.train_dataloader.dataset.pipeline, 32)
    options = {"batch_size": 4, "max_epochs": 1}
    trained = pretrain(cfg, work_dir=tmp_path, cfg_options=options)
    assert trained.iterations == 2  # ten images, the last two dropped


def test_what_cannot_be_is_said(folders):
    name = "mmselfsup::selfsup/odc/odc_resnet50_8xb64-steplr-440e_in1k.py"
    with pytest.raises(UserError, match="clustering"):
        load_config(name, {"images": str(folders)})
    name = f"mmselfsup::selfsup/{next(iter(CASES))}.py"
    with pytest.raises(UserError, match="beside it in a config"):
        load_config(name, {"selection": str(folders / "selection.txt")})
