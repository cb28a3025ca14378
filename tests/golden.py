"""What every tool writes for generated inputs: a proof that a rebuild changes nothing.

    python tests/golden.py make OUT             (in the checkout before, and after)
    python tests/golden.py compare OLD NEW

Each step runs one tool in this process, in one and the same temporary folder, since
outputs store paths; its printed text and its files go to ``OUT/STEP``: text with paths
and times replaced by words, anything else as its SHA-256. On one machine two checkouts
that behave alike give equal files, byte for byte.
"""

import argparse
import contextlib
import difflib
import hashlib
import io
import os
import re
import runpy
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = shlex.quote(str(ROOT / "configs"))
MOCO = f"{CONFIGS}/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
DATA = (
    f"{CONFIGS}/data/supernet-mocov2_dynamic-resnet-basic_1xb16-coslr-12i_debug-32px.py"
)
DSP = (
    f"{CONFIGS}/dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)
SDR = f"{CONFIGS}/sdr/routed-simsiam_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py"
SEGMENTOR = f"{CONFIGS}/transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py"

# Step, tool and command line. {w} is the working folder.
STEPS = [
    ("train-moco", "train", f"{MOCO} --work-dir {{w}}/moco"),
    ("train-data", "train", f"{DATA} --work-dir {{w}}/data"),
    ("train-dsp", "train", f"{DSP} --work-dir {{w}}/dsp"),
    ("train-sdr", "train", f"{SDR} --work-dir {{w}}/sdr"),
    (
        "train-images",
        "train",
        f"{MOCO} --work-dir {{w}}/images --cfg-options max_iters=4 "
        "train_dataloader.dataset.type=UnlabeledImages "
        "train_dataloader.dataset.source={w}/pool "
        "train_dataloader.dataset._delete_=True",
    ),
    ("print-config", "misc/print_config", f"{DSP} --cfg-options max_iters=7"),
    ("flops", "get_flops", f"{CONFIGS}/subnets/data_basic.py --shape 64"),
    ("flops-space", "get_flops", f"{CONFIGS}/subnets/slimmable_resnet18.py --list"),
    (
        "extract-pool",
        "extract_features",
        f"{MOCO} {{w}}/moco/iter_12.pth --images {{w}}/pool --out {{w}}/stores/pool "
        "--rows-per-shard 40 --workers 0",
    ),
    *(
        (
            f"extract-{part}",
            "extract_features",
            f"{MOCO} {{w}}/moco/iter_12.pth --images {{w}}/task/{part} --labels folder "
            f"--out {{w}}/stores/{part} --workers 0",
        )
        for part in ("train", "test")
    ),
    *(
        (
            f"select-{policy}",
            "select_data",
            "--pool {w}/stores/pool --target {w}/stores/train --budget 24 "
            f"--policy {policy} --out {{w}}/select-{policy}",
        )
        for policy in (
            *("round_robin", "score", "class_balanced", "cluster", "simcore"),
            "random",
        )
    ),
    (
        "select-exclude",
        "select_data",
        "--pool {w}/stores/pool --target {w}/stores/train --exclude {w}/stores/test "
        "--budget 20% --out {w}/select-exclude",
    ),
    (
        "cluster",
        "cluster_data",
        "--pool {w}/stores/pool --tree 2x2x1x1 --out {w}/clusters",
    ),
    (
        "cluster-random",
        "cluster_data",
        "--pool {w}/stores/pool --tree 2x2 --random --out {w}/clusters-random",
    ),
    ("knn", "eval_knn", "--train {w}/stores/train --test {w}/stores/test"),
    (
        "linear",
        "eval_linear",
        "--train {w}/stores/train --test {w}/stores/test --shots 4 --seeds 2 "
        "--json {w}/linear.json",
    ),
    (
        "knn-subnets",
        "eval_knn",
        f"{DSP} {{w}}/dsp/iter_12.pth --target {{w}}/task --all-subnets "
        "--calibrate {w}/pool --workers 0 --json {w}/subnets.json",
    ),
    (
        "search",
        "search_subnet",
        f"{DATA} {{w}}/data/iter_12.pth --images {{w}}/task/train --shape 32 "
        "--budget 1M-100M --candidates 4 --num-images 16 --bn-images 16 "
        "--metric global --out {w}/search --device cpu",
    ),
    (
        "calibrate-data",
        "calibrate_bn",
        f"{DATA} {{w}}/data/iter_12.pth --subnet MIN --images {{w}}/pool "
        "--num-images 32 --out {w}/data.pth --device cpu",
    ),
    (
        "export-min",
        "export_subnet",
        f"{DATA} {{w}}/data.pth --subnet MIN --out {{w}}/exported",
    ),
    (
        "export-widths",
        "export_subnet",
        f"{DSP} {{w}}/dsp/iter_12.pth --all --out {{w}}/widths --format safetensors",
    ),
    (
        "calibrate-paths",
        "calibrate_bn",
        f"{SDR} {{w}}/sdr/iter_12.pth --all --clusters {{w}}/clusters --num-images 8 "
        "--out {w}/sdr.pth --device cpu",
    ),
    *(
        (
            f"route-{router}",
            "route_subnet",
            f"{SDR} {{w}}/sdr.pth --target {{w}}/task --clusters {{w}}/clusters "
            f"--router {router} --out {{w}}/route-{router}",
        )
        for router in ("exhaustive", "overlap")
    ),
    (
        "finetune-debug",
        "train",
        f"{SEGMENTOR} --work-dir {{w}}/segment --cfg-options "
        "backbone={w}/widths/{widest}",
    ),
    ("compare", "analysis_tools/compare_transfer", "{w}/segment"),
    (
        "convert",
        "model_converters/convert_names",
        "{w}/exported/{least}/weights.pth {w}/detectron.pkl --to detectron2",
    ),
    (
        "publish",
        "model_converters/publish_model",
        "{w}/moco/iter_12.pth {w}/published.pth",
    ),
    (
        "controls",
        "misc/individual_configs",
        f"{DSP} {{w}}/controls",
    ),
]

# Logs of training hold times; its checkpoints stand for it.
_LOGS = re.compile(r"(^|/)(\d{8}_\d{6}|vis_data|teacher)(/|$)|\.log$|latency\.jsonl$")
# What a run may say differently: places, times, versions, names with a hash of a file.
_WORDS = [
    (re.compile(r"\d{4}[-/]\d\d[-/]\d\d[ T_]\d\d:?\d\d:?\d\d(,\d+)?"), "DATE"),
    (re.compile(r"\d{8}_\d{6}"), "DATE"),
    (re.compile(r"\b\d+(\.\d+)? (m?s|min|GiB|MiB|kB|KiB)\b"), "AMOUNT"),
    (re.compile(r"\b(time|data_time|memory|eta|images_s)[\": ]+[\d:.]+"), "TIME"),
    (re.compile(r'("seconds": )(\{[^}]*\}|[\d.]+)'), r"\1SECONDS"),
    (re.compile(r"\b[\d,.]+ (images|rows)/s"), "SPEED"),
    (re.compile(r"published-[0-9a-f]{8}"), "published-HASH"),
    # Of files with times in them; the tensors are compared.
    (re.compile(r'("checkpoint_sha256": ")[0-9a-f]{64}'), r"\1HASH"),
]


def make_images(work: Path) -> None:
    """Writes a pool of 96 images and a task of four classes, each of its own look."""
    sys.path.insert(0, str(ROOT))
    from tests._images import make_image_folder

    classes = tuple("abcd")
    make_image_folder(work / "pool", 24, classes, size=40, seed=1)
    make_image_folder(work / "task" / "train", 6, classes, size=40, seed=1)
    make_image_folder(work / "task" / "test", 5, classes, size=40, seed=1)


def run(tool: str, line: str) -> str:
    """Runs a tool's ``main``; returns what it printed."""
    printed = io.StringIO()
    names = runpy.run_path(str(ROOT / "tools" / f"{tool}.py"))
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        names["main"](shlex.split(line))
    return printed.getvalue()


def normalised(data: bytes, work: Path) -> str:
    """Returns a file as text that two equal runs share."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"sha256 {hashlib.sha256(data).hexdigest()}\n"
    text = text.replace(str(work), "WORK").replace(str(ROOT), "ROOT")
    for pattern, word in _WORDS:
        text = pattern.sub(word, text)
    return text


def weights_digest(path: Path) -> str:
    """Hashes the tensors of a checkpoint: its pickle also holds times."""
    from mmtaskssl.weights import load_state_dict

    digest = hashlib.sha256()
    for name, value in sorted(load_state_dict(path).items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().contiguous().numpy().tobytes())
    return f"tensors {digest.hexdigest()}\n"


def keep(work: Path, seen: dict[Path, float], step: Path) -> None:
    """Copies, normalised, what appeared or changed in the working folder."""
    for path in sorted(p for p in work.rglob("*") if p.is_file()):
        stamp = path.stat().st_mtime_ns
        name = str(path.relative_to(work))
        if seen.get(path) == stamp or _LOGS.search(name):
            continue
        seen[path] = stamp
        if path.suffix in (".pth", ".safetensors", ".pt"):
            text = weights_digest(path)
        else:
            text = normalised(path.read_bytes(), work)
        name = normalised(name.encode(), work)
        file = step / (name + ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def names_of(work: Path) -> dict[str, str]:
    """Returns the names of exports that later steps use."""
    found = {}
    if (work / "widths").is_dir():
        widths = sorted((work / "widths").iterdir(), key=_size)
        found["widest"] = widths[-1].name
    if (work / "exported").is_dir():
        found["least"] = next((work / "exported").iterdir()).name
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def make(out: Path, only: list[str]) -> None:
    """Runs all steps, or those whose names are given."""
    import torch

    torch.set_num_threads(1)
    out = out.resolve()
    work = Path(tempfile.gettempdir(), "mmtaskssl-golden", "work")
    shutil.rmtree(work.parent, ignore_errors=True)
    make_images(work)
    os.chdir(work.parent)
    seen = {p: p.stat().st_mtime_ns for p in work.rglob("*") if p.is_file()}
    for name, tool, line in STEPS:
        if only and name not in only:
            continue
        step = out / name
        step.mkdir(parents=True)
        try:
            printed = run(tool, line.format(w="work", **names_of(work)))
        except Exception as error:
            printed = f"{type(error).__name__}: {error}\n"
            print(f"{name} FAILED: {printed}", end="")
        if tool == "train":
            printed = ""  # a log; the checkpoints stand for it
        (step / "printed.txt").write_text(normalised(printed.encode(), work))
        keep(work, seen, step)
        print(f"{name}: {len([*step.rglob('*.txt')])} files", flush=True)


def compare(old: Path, new: Path) -> int:
    """Prints the differences; returns how many files differ."""
    names = {
        str(path.relative_to(folder))
        for folder in (old, new)
        for path in folder.rglob("*.txt")
    }
    different = 0
    for name in sorted(names):
        texts = [
            path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            for path in (old / name, new / name)
        ]
        if texts[0] == texts[1]:
            continue
        different += 1
        print(f"--- {name}")
        lines = difflib.unified_diff(*texts, lineterm="", n=0)
        print("\n".join(line[:200] for line in [*lines][2:14]))
    print(f"{len(names)} files, {different} differ")
    return different


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    making.add_argument("out", type=Path)
    making.add_argument("--only", nargs="*", default=[])
    comparing = verbs.add_parser("compare")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    args = parser.parse_args()
    if args.verb == "compare":
        return int(compare(args.old, args.new) > 0)
    make(args.out, args.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
