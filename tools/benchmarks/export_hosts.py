"""Sub-nets of every kind, exported and trained in mmdet and mmseg.

    export_hosts.py [--data DIR] [--iterations 20] [--kinds NAME ...]

For each kind of elastic backbone: a network is initialised at random, one of its
sub-nets is calibrated on images and exported, and the exported folder's config.py is
inherited by the hosts' own Faster R-CNN (mmdet, FPN) and FCN (mmseg), as a user would.
Both train some iterations from the exported weights. The table says which class the
host built, how many of its backbone's tensors equal the exported ones when training
begins, and the loss of the first iteration and of the last five.

DIR (default: $MMTASKSSL_DATA) holds detection/bccd (VOC layout), segmentation/camvid
(img and ann folders) and pool/images (any images, to calibrate on).
"""

import argparse
import logging
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner

from mmtaskssl.cli import options
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.image_sample import ImageSample, draw_images
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableMobileNetV3,
    SlimmableResNet,
)
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue, FileMissing, OptionMissing

KINDS = {
    "dynamic": (lambda: DynamicResNet(**_ALIVE), "MIN"),
    "dynamic-basic": (lambda: DynamicResNet("data_basic", **_ALIVE), "R18"),
    "slimmable-switchable": (lambda: SlimmableResNet(50, **_ALIVE), "0.5"),
    "slimmable-calibrated": (
        lambda: SlimmableResNet(50, (1, 0.3), divisor=8, **_ALIVE),
        "0.3",
    ),
    "mobilenet-switchable": (lambda: SlimmableMobileNetV3(), "0.5"),
    "mobilenet-calibrated": (lambda: SlimmableMobileNetV3(divisor=8), "0.5"),
    "routed-compact": (
        lambda: RoutedResNet(50, base_width=32, **_ALIVE),
        "s32-w32.64.128.256-d3.4.6.3-p0.3.1.2",
    ),
    "routed-export": (
        lambda: RoutedResNet(50, "export", base_width=32, **_ALIVE),
        "s32-w80.160.320.640-d3.4.6.3-p0.3.1.2",
    ),
}
# Residual branches that begin at zero would leave most weights without effect.
_ALIVE = {"zero_init_residual": False}
_SIZE = (160, 120)
_CELLS = ("RBC", "WBC", "Platelets")
_CAMVID_CLASSES, _CAMVID_VOID = 11, 11


class _CompareBackbone(Hook):
    """Counts the tensors of a model's backbone that are those of a file."""

    def __init__(self, weights: Path) -> None:
        self.expected = torch.load(weights, weights_only=True)
        self.equal = self.total = 0

    def before_train(self, runner: Runner) -> None:
        """See `Hook`; the weights have been initialised by then."""
        own = runner.model.backbone.state_dict()
        self.total = len(own)
        self.equal = sum(
            key in self.expected and torch.equal(value.cpu(), self.expected[key])
            for key, value in own.items()
        )


def export(kind: str, sample: ImageSample, folder: Path, seed: int) -> Path:
    """Exports the sub-net of a kind; returns its folder."""
    make, name = KINDS[kind]
    torch.manual_seed(seed)
    network = make()
    network.init_weights()
    subnet = network.resolve(name)
    # Of switchable norms too: theirs are untrained, and mmdet's detectors, which keep
    # the statistics (norm_eval), would see features of any size, 1e-12 or 1e5.
    calibrate(network.eval(), subnet, sample)
    write_bundle(network, subnet, folder / kind, {"seed": seed})
    return folder / kind / subnet.name


def detector(data: Path) -> tuple[str, str, dict[str, Any]]:
    """Returns mmdet's base, what a user writes, and the changes for this data."""
    text = (
        "model = dict(backbone=_base_.mmdet_backbone,\n"
        "    neck=dict(in_channels=_base_.subnet_channels))\n"
    )
    dataset = {
        "type": "VOCDataset",
        "data_root": f"{data}/detection/bccd/",
        "ann_file": "ImageSets/Main/train.txt",
        "data_prefix": {"sub_data_root": ""},
        "metainfo": {"classes": _CELLS},
        "pipeline": [
            {"type": "LoadImageFromFile"},
            {"type": "LoadAnnotations", "with_bbox": True},
            {"type": "Resize", "scale": _SIZE, "keep_ratio": True},
            {"type": "PackDetInputs"},
        ],
    }
    changes = {
        "train_dataloader.dataset": dataset,
        "model.roi_head.bbox_head.num_classes": len(_CELLS),
        # A CPU would spend most of its time on the 512 boxes an image of the default.
        "model.train_cfg.rcnn.sampler.num": 64,
    }
    return "mmdet::_base_/models/faster-rcnn_r50_fpn.py", text, changes


def segmentor(data: Path) -> tuple[str, str, dict[str, Any]]:
    """Returns mmseg's base, what a user writes, and the changes for this data."""
    text = (
        "model = dict(backbone=_base_.mmseg_backbone, pretrained=None,\n"
        "    decode_head=dict(in_channels=_base_.subnet_channels[3]),\n"
        "    auxiliary_head=dict(in_channels=_base_.subnet_channels[2]))\n"
    )
    dataset = {
        "type": "BaseSegDataset",
        "data_root": f"{data}/segmentation/camvid",
        "img_suffix": ".jpg",
        "seg_map_suffix": ".png",
        "data_prefix": {"img_path": "img/train", "seg_map_path": "ann/train"},
        "metainfo": {"classes": tuple(map(str, range(_CAMVID_CLASSES)))},
        "pipeline": [
            {"type": "LoadImageFromFile"},
            {"type": "LoadAnnotations"},
            {"type": "Resize", "scale": _SIZE},
            {"type": "PackSegInputs"},
        ],
    }
    changes: dict[str, Any] = {
        "train_dataloader.dataset": dataset,
        "model.data_preprocessor.size": _SIZE[::-1],
    }
    for head in ("decode_head", "auxiliary_head"):
        changes |= {
            f"model.{head}.num_classes": _CAMVID_CLASSES,
            f"model.{head}.ignore_index": _CAMVID_VOID,
            f"model.{head}.norm_cfg.type": "BN",
        }
    return "mmseg::_base_/models/fcn_r50-d8.py", text, changes


HOSTS = {"mmdet Faster R-CNN": detector, "mmseg FCN": segmentor}


def train(
    bundle: Path, host: str, data: Path, work_dir: Path, iterations: int, seed: int
) -> dict[str, Any]:
    """Trains a host's model on an exported sub-net; returns a row of the table."""
    base, text, changes = HOSTS[host](data)
    config = work_dir / "config.py"
    work_dir.mkdir(parents=True)
    config.write_text(f"_base_ = [{base!r}, {str(bundle / 'config.py')!r}]\n{text}")
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(_run_options(base, work_dir, iterations, seed) | changes)
    compare = _CompareBackbone(bundle / "weights.pth")
    runner = Runner.from_cfg(cfg)
    runner.register_hook(compare)
    runner.train()
    losses, _ = runner.message_hub.get_scalar("train/loss").data
    return {
        "host": host,
        "backbone": cfg.model.backbone.type,
        "equal": compare.equal,
        "total": compare.total,
        "first": float(losses[0]),
        "last": statistics.fmean(map(float, losses[-5:])),
    }


def _run_options(
    base: str, work_dir: Path, iterations: int, seed: int
) -> dict[str, Any]:
    return {
        "default_scope": base.split("::")[0],
        "experiment_name": work_dir.name,
        "work_dir": str(work_dir),
        "log_level": "ERROR",
        "randomness": {"seed": seed},
        "default_hooks": {"checkpoint": None, "logger": {"type": "LoggerHook"}},
        "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": iterations},
        "train_dataloader": {
            "batch_size": 2,
            "num_workers": 0,
            "sampler": {"type": "InfiniteSampler"},
        },
        "optim_wrapper": {"optimizer": {"type": "AdamW", "lr": 2e-4}},
    }


def format_row(kind: str, subnet: str, row: Mapping[str, Any]) -> str:
    """Returns a row of the Markdown table."""
    return (
        f"| {kind} | `{subnet}` | {row['host']} | {row['backbone']} | "
        f"{row['equal']}/{row['total']} | {row['first']:.2f} | {row['last']:.2f} |"
    )


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("MMTASKSSL_DATA"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--hosts", nargs="+", choices=HOSTS, default=list(HOSTS))
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options.add_max_pixels(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.iterations < 1:
        raise BadValue("--iterations must be 1 or more")
    if not args.data:
        raise OptionMissing("name the folder of images with --data or MMTASKSSL_DATA")
    data = Path(args.data).resolve()
    for part in ("detection/bccd", "segmentation/camvid", "pool/images"):
        if not (data / part).is_dir():
            raise FileMissing(f"--data {data} lacks the folder {part}")
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    init_default_scope("mmtaskssl")
    transform = EvalTransform(min(_SIZE))
    sample = draw_images(str(data / "pool/images"), transform, 64, 16, args.seed)
    print("| kind | sub-net | host | backbone | tensors loaded | first loss | last 5 |")
    print("| --- | --- | --- | --- | ---: | ---: | ---: |")
    scopes = DefaultScope._instance_dict.copy()
    with tempfile.TemporaryDirectory() as temporary:
        for kind in args.kinds:
            bundle = export(kind, sample, Path(temporary), args.seed)
            for host in args.hosts:
                work_dir = Path(temporary, "runs", f"{kind}-{host.split()[0]}")
                row = train(bundle, host, data, work_dir, args.iterations, args.seed)
                print(format_row(kind, bundle.name, row), flush=True)
                DefaultScope._instance_dict.clear()
                DefaultScope._instance_dict.update(scopes)


if __name__ == "__main__":
    run_tool(main)
