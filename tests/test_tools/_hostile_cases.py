"""The cases of ``_hostile.py``: every tool that reads a kind of file, on each."""

import functools
import json
from pathlib import Path

from mmtaskssl.export.bundle import write_bundle
from tests._images import make_image_folder
from tests.test_export._files import STOCK, write_files

from ._hostile import DEEP, Case, checkpoint, no_file, quiet
from ._hostile_data import data_cases

_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_DETECTOR = "configs/transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"


# Checkpoints: where each tool takes one.
def _evaluation(path, d):
    return [write_files(d)[0], path]


def _images(d):
    return str(make_image_folder(d / "images", 2, classes=("a", "b")))


def _train(option):
    def argv(path, d):
        begin = [_MOCO, "--work-dir", d / "run"]
        if option == "--resume":
            return [*begin, "--resume", path, "--cfg-options", *quiet(d)]
        if option == "init_cfg":
            config = d / "child.py"
            config.write_text(
                f"_base_ = [{str(Path(_MOCO).resolve())!r}]\n"
                "model = dict(backbone=dict(init_cfg=dict("
                f"type='Pretrained', checkpoint={str(path)!r})))\n"
            )
            return [config, "--work-dir", d / "run", "--cfg-options", *quiet(d)]
        return [*begin, "--cfg-options", *quiet(d), f"load_from={path}"]

    return argv


def _export_arguments(path, d):
    return [*_evaluation(path, d), "--subnet", STOCK, "--out", d / "out"]


def _of_images(path, d):
    return [*_evaluation(path, d), "--images", _images(d), "--out", d / "out"]


_LIBRARY = ["--model", "torchvision:resnet18", "--weights"]
_TAKES_A_CHECKPOINT = {
    ("train", "load_from"): _train("load_from"),
    ("train", "--resume"): _train("--resume"),
    ("train", "init_cfg"): _train("init_cfg"),
    ("test", "CKPT"): lambda p, d: [
        *(_DETECTOR, p, "--work-dir", d / "run", "--cfg-options", *quiet(d, True))
    ],
    ("analysis_tools/draw_predictions", "CKPT"): lambda p, d: [
        *(_DETECTOR, p, "--out", d / "run", "--cfg-options", *quiet(d, True))
    ],
    ("extract_features", "CKPT"): _of_images,
    ("extract_features", "--weights"): lambda p, d: [
        *(*_LIBRARY, p, "--images", _images(d), "--out", d / "out")
    ],
    ("eval_knn", "CKPT"): lambda p, d: [*_evaluation(p, d), "--target", d],
    ("eval_linear", "CKPT"): lambda p, d: [*_evaluation(p, d), "--target", d],
    ("eval_transfer", "CKPT"): lambda p, d: [
        *(*_evaluation(p, d), "--root", d, "--out", d / "out")
    ],
    ("calibrate_bn", "CKPT"): lambda p, d: [
        *(*_evaluation(p, d), "--subnet", STOCK, "--images", _images(d))
    ],
    ("export_subnet", "CKPT"): _export_arguments,
    ("search_subnet", "CKPT"): lambda p, d: [
        *(*_of_images(p, d), "--subnet", STOCK, "--metric", "dense")
    ],
    ("route_subnet", "CKPT"): lambda p, d: [
        *(*_evaluation(p, d), "--target", d, "--out", d / "out")
    ],
    ("model_converters/convert_names", "IN"): lambda p, d: [
        *(p, d / "out.pth", "--to", "timm")
    ],
    ("model_converters/publish_model", "CHECKPOINT"): lambda p, d: [p, d / "out.pth"],
}


def _on_checkpoint(arguments, kind, folder, mark):
    return arguments(checkpoint(kind, folder / "hostile.pth", mark), folder)


def _pickle_of_arrays(kind, folder, mark):
    path = checkpoint(kind, folder / "hostile.pkl", mark)
    return [path, folder / "out.pth", "--from", "detectron2"]


# Exports.
@functools.cache
def _network():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return write_files(Path(folder))[2]


_META = {
    "type of a function": lambda m, mark: m["plain_network"].update(
        type="os.makedirs", name=str(mark)
    ),
    "type of a class": lambda m, mark: m.update(
        plain_network={"type": "pathlib.Path.mkdir", "self": str(mark)}
    ),
    "type of another network": lambda m, mark: m["plain_network"].update(
        type="mmtaskssl.DynamicResNet"
    ),
    "init_cfg": lambda m, mark: m["plain_network"].update(
        init_cfg={"type": "os.makedirs", "name": str(mark)}
    ),
    "type in norm_cfg": lambda m, mark: m["plain_network"].update(
        norm_cfg={"type": "os.makedirs", "name": str(mark)}
    ),
    "unknown argument": lambda m, mark: m["plain_network"].update(run=str(mark)),
    "weights elsewhere": lambda m, mark: m.update(weights="../../weights.pth"),
}


def export(kind, folder, mark):
    """Writes an export that one of `_META` changed, or whose files are none."""
    subnet = _network().resolve("MAX")
    write_bundle(_network(), subnet, folder / "export", {})
    place = folder / "export" / subnet.name
    meta = place / "meta.json"
    if kind in _META:
        content = json.loads(meta.read_text())
        _META[kind](content, mark)
        meta.write_text(json.dumps(content))
    elif kind == "deep JSON":
        meta.write_text(DEEP)
    elif kind == "pickle in the weights":
        checkpoint("pickle", place / "weights.pth", mark)
    else:
        no_file(kind.split()[0], meta)
    return place


_TAKES_AN_EXPORT = {
    "eval_knn": lambda p, d: [p, "--target", make_target(d)],
    "eval_linear": lambda p, d: [p, "--target", make_target(d)],
    "eval_transfer": lambda p, d: [p, "--root", d, "--out", d / "out"],
    "extract_features": lambda p, d: [p, "--images", _images(d), "--out", d / "out"],
    "train": lambda p, d: [
        *(_DETECTOR, "--work-dir", d / "run"),
        *("--cfg-options", *quiet(d, True), f"backbone={p}"),
    ],
}
_EXPORT_KINDS = (*_META, "deep JSON", "pipe for meta.json", "pickle in the weights")


def make_target(folder):
    for part in ("train", "test"):
        make_image_folder(folder / "target" / part, 2)
    return folder / "target"


def _on_export(arguments, kind, folder, mark):
    return arguments(export(kind, folder, mark), folder)


# Work dirs.
_DUMPED = {
    "import": "import os\nos.makedirs({mark!r})",
    "call": "x = __import__('os').makedirs({mark!r})",
    "call within": "model = dict(a=[1, eval(\"__import__('os').mkdir({mark!r})\")])",
    "comprehension": "x = [__import__('os').mkdir(p) for p in [{mark!r}]]",
    "lambda": "x = (lambda: __import__('os').mkdir({mark!r}))()",
    "decorator": "@__import__('os').mkdir\nclass x: pass",
    "base": "_base_ = ['evil.py']\n{{fileDirname}}",
    "deep": "x = " + "[" * 5000,
}


def _work_dir(kind, folder, mark):
    place = folder / "run" / "20260101_000000" / "vis_data"
    place.mkdir(parents=True)
    (place / "scalars.json").write_text('{"pascal_voc/mAP": 0.5, "step": 3}\n')
    config = place / "config.py"
    if kind in _DUMPED:
        config.write_text(_DUMPED[kind].replace("{mark!r}", repr(str(mark))))
    elif kind == "deep JSON":
        (place / "scalars.json").write_text(DEEP + "\n")
    elif kind == "pipe for the log":
        no_file("pipe", place / "scalars.json")
    else:
        no_file(kind.split()[0], config)
    return [folder / "run"]


# Configs that are data.
def _aliases(levels=12):
    lines = ["a0: &a0 [x, x]"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]")
    return "\n".join(lines)


_DATA_CONFIGS = {
    "YAML that applies": ("yaml", "x: !!python/object/apply:os.makedirs ['{mark}']"),
    "YAML that makes": (
        "yml",
        "x: !!python/object/new:os.system ['mkdir {mark}']",
    ),
    "YAML that names": ("yaml", "x: !!python/name:os.makedirs"),
    "YAML aliases": ("yaml", _aliases()),
    "deep JSON": ("json", DEEP),
}
_TAKES_A_CONFIG = {
    "misc/print_config": lambda p, d: [p],
    "train": lambda p, d: [p, "--work-dir", d / "run"],
    "export_subnet": lambda p, d: [p, d / "x", "--all", "--out", d / "out"],
    "get_flops": lambda p, d: [p],
}


def _on_config(arguments, kind, folder, mark):
    suffix, text = _DATA_CONFIGS[kind]
    path = folder / f"config.{suffix}"
    path.write_text(text.replace("{mark}", str(mark)))
    return arguments(path, folder)


def _cases():
    for (tool, place), arguments in _TAKES_A_CHECKPOINT.items():
        for kind in ("pickle", "old pickle", "pipe", "device"):
            make = functools.partial(_on_checkpoint, arguments, kind)
            yield Case("checkpoint", f"{kind} as {place}", tool, make)
    for kind in ("bare pickle", "pickle", "pipe"):
        make = functools.partial(_pickle_of_arrays, kind)
        yield Case("pickle of arrays", kind, "model_converters/convert_names", make)
    for tool, arguments in _TAKES_AN_EXPORT.items():
        for kind in _EXPORT_KINDS:
            make = functools.partial(_on_export, arguments, kind)
            yield Case("export", kind, tool, make)
    for kind in (*_DUMPED, "deep JSON", "pipe for the log", "pipe for the config"):
        make = functools.partial(_work_dir, kind)
        yield Case("work dir", kind, "analysis_tools/compare_transfer", make)
    for tool, arguments in _TAKES_A_CONFIG.items():
        for kind in _DATA_CONFIGS:
            make = functools.partial(_on_config, arguments, kind)
            yield Case("YAML or JSON config", kind, tool, make)


CASES = [*_cases(), *data_cases()]
