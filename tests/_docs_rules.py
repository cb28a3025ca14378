"""How the commands of README and docs are run: what is added, and what is not run."""

from tests._docs import Rule

PAGES = (
    "README.md",
    "docs/coming_from.md",
    "docs/concepts/architecture.md",
    "docs/concepts/customize.md",
    "docs/concepts/data.md",
    "docs/concepts/path.md",
    "docs/concepts/starts.md",
    "docs/concepts/width.md",
    "docs/howto/hosts.md",
    "docs/howto/images.md",
    "docs/howto/results.md",
    "docs/howto/running.md",
    "docs/howto/selecting.md",
    "docs/howto/starts.md",
    "docs/licences.md",
    "docs/notebooks.md",
    "docs/robustness.md",
    "docs/start.md",
    "docs/troubleshooting.md",
)
#: Which networks CONFIG and CKPT of a page are, unless a rule says otherwise.
NETWORK_OF = dict.fromkeys(PAGES, "folder") | {
    "docs/concepts/architecture.md": "supernet",
    "docs/concepts/width.md": "slimmable",
}
#: What the reader has, below the world's folder, and sizes that are those of the world.
CHANGED = {
    "/my/pool": "{w}/pool",
    "/my/pool-{000..099}.tar": "{w}/pool-{{000..001}}.tar",
    "s3://bucket/pool-{000..099}.tar": "file://{w}/pool-{{000..001}}.tar",
    "/my/images": "{w}/pool",
    "/my/scenes": "{w}/pool",
    "/my/selection.txt": "{w}/selection.txt",
    "/my/target": "{w}/target",
    "/my/target/images": "{w}/pool",
    "/my/target/train": "{w}/target/train",
    "/my/target/test": "{w}/target/test",
    "/my/labelled/folder": "{w}/target",
    "/my/labelled/images": "{w}/target",
    "/my/cars": "{w}/target",
    "/my/birds": "{w}/birds",
    "/my/resnet50.pth": "{w}/resnet50.pth",
    "/my/voc": "{w}/voc",
    "/my/seg": "{w}/seg",
    "POOL": "{w}/pool",
    "TARGET": "{w}/target",
    "held_out=256": "held_out=8",
    "budget=10_000": "budget=8",
}
#: Added to every command of a tool: what makes it short.
ADDED = {
    "train": ("max_iters=1", "batch_size=8", "num_workers=0", "log_level=WARNING"),
    "dist_train.sh": ("max_iters=1", "batch_size=8", "num_workers=0"),
    "benchmarks/detection/dist_train.sh": (
        *("max_iters=1", "batch_size=2", "num_workers=0", "data_root={w}/data/bccd/"),
    ),
    "extract_features": ("--workers", "0"),
    "select_data": ("--budget", "8"),
    "search_subnet": ("--candidates", "2", "--num-images", "16", "--device", "cpu"),
    "eval_knn": ("--workers", "0"),
    "eval_linear": ("--workers", "0"),
    "evaluate": ("--workers", "0"),
    "calibrate_bn": ("--num-images", "16"),
    "controls": ("--iters", "1", "train_dataloader.batch_size=8"),
    "branch": ("--iters", "1", "train_dataloader.batch_size=8"),
    "customize": ("--scale", "0.01", "--select", "24", "--workers", "0"),
}
#: The same of functions.
_BATCHES = {
    "train_dataloader.batch_size": 8,
    "train_dataloader.num_workers": 0,
    "log_level": "WARNING",
}
SHORTER = {
    "pretrain": {"iters": 1, "cfg_options": _BATCHES},
    "controls": {"iters": 1, "cfg_options": _BATCHES},
    "branch": {"iters": 1, "cfg_options": _BATCHES},
    "search": {"candidates": 2, "num_images": 16},
    "customize": {"scale": 0.01, "select": 24, "workers": 0},
}
_SMALLEST = {"s64-w64.128.256.512-d3.4.6.3": "s16-w24.48.96.192-d1.1.1.1"}
_ROUTED = "routed-simsiam_resnet18-16paths_1xb256-coslr-20k_folder-64px"
_TRAINED = {
    "CONFIG": f"configs/sdr/{_ROUTED}.py",
    "CKPT": f"work_dirs/{_ROUTED}/iter_1.pth",
    "CALIBRATED_CKPT": f"work_dirs/{_ROUTED}/iter_1-calibrated.pth",
    "clusters": "sdr-clusters",
}
_CONTINUED = "mocov2_timm-lite0_1xb64-coslr-200i_continue_folder-64px"
_CLASSIFIER = "finetune_resnet10-w32_1xb64-coslr-500i_folder-40px.py"
_SLURM = "it needs a SLURM cluster"
_FLAG = "it shows a flag, and not a whole command"


def _long(page: str, *texts: str, **more: object) -> list[Rule]:
    return [Rule(page, text, long=True, **more) for text in texts]


RULES = [
    # Everywhere.
    *_long("", "mmtaskssl customize", "= customize("),
    *_long("", "mmselfsup::selfsup/mae", change={"max_epochs=50": "max_epochs=1"}),
    Rule("", "make quickstart", reason=".ci/full runs it by make itself"),
    Rule("", "make test", reason="it is what runs this very test"),
    Rule("", "make check-env", reason="it sets up an environment of its own"),
    Rule("", "export PATH", reason="it is for the reader's shell alone"),
    Rule("", "slurm_train.sh PARTITION", reason=_SLURM),
    Rule("", "--launcher slurm", reason=_SLURM),
    # Processes that talk over gloo, and jobs of this machine.
    Rule(
        "",
        "--launcher submitit",
        change={"timeout_min=600": "cluster=local", "OUT": "OUT-jobs"},
        add=("--arms", "untrained", "generic"),
    ),
    Rule(
        "",
        "--launcher pytorch --jobs",
        change={"GPUS=8": "GPUS=2", "OUT": "OUT-processes"},
        add=("--arms", "untrained", "generic"),
    ),
    Rule("", "--engine ray", reason=".ci/full kills workers of a Ray cluster"),
    Rule("", "NNODES=2", reason="it needs two machines"),
    *_long("", "bccd-320px.py", "data_root=/data/coco/"),
    Rule("", "bccd-320px.py", add=("batch_size=2",)),
    Rule("", "data_root=/data/coco/", add=("batch_size=1", "max_epochs=1")),
    Rule("", "evaluate --probe", reason=_FLAG),
    Rule("coming_from", "mmselfsup::PATH", reason="PATH stands for any config"),
    Rule("coming_from", "evaluate CONFIG CKPT", change={"DIR": "{w}/target"}),
    Rule("hosts", "mmpretrain::", reason="mmpretrain is no dependency, and not here"),
    *_long("docs/start", "pretrain OUT/config.py"),
    Rule("licences", "", reason="it would write the page that names it anew"),
    Rule("robustness", "rewire_hosts.py", reason="a study of hours, of every config"),
    Rule("notebooks", "", reason="it installs packages, and begins a server"),
    # README: what the pages have, too, is run there by each change.
    *_long("README", "OUT/config.py", "OUT/backbone", "tools/dist_train.sh CONFIG 8"),
    *_long("README", "--out controls", "= controls(", "mmtaskssl branch"),
    *_long("README", "--model torchvision:resnet50", "eval_transfer.py", _ROUTED),
    *_long("README", "calibrate_bn.py CONFIG CKPT --all", "route_subnet.py"),
    Rule("README", "branch CONFIG ...", reason="it abbreviates the command before it"),
    *_long("README", "work_dirs/...", "draw_predictions.py", "detection/dist_train.sh"),
    Rule("README", "work_dirs/...", change={"work_dirs/...": "{w}/nets/detector"}),
    Rule("README", "draw_predictions.py", add=("data_root={w}/data/bccd/",)),
    Rule("README", "draw_predictions.py", network="detector"),
    Rule("README", "detection/dist_train.sh", network="detector", change={"8": "2"}),
    Rule(
        "README",
        "print_config.py CONFIG",
        change={
            "CONFIG": f"configs/transfer/classification/{_CLASSIFIER}",
            "backbone=exported": "backbone=transferred",
        },
    ),
    Rule(
        "README", "bccd-320px.py", change={"backbone=exported": "backbone=transferred"}
    ),
    Rule(
        "README",
        "retinanet_r50_fpn_1x_coco.py",
        change={"backbone=exported": "backbone=transferred"},
    ),
    Rule(
        "README", "dist_train.sh CONFIG 8", add=("images={w}/pool",), change={"8": "2"}
    ),
    # Of the other sets files of the official downloads are expected, by their hashes.
    Rule("README", "eval_transfer.py CONFIG", add=("--sets", "voc2007")),
    Rule("README", "line_search.py", change={"START": "{w}/nets/folder/iter_1.pth"}),
    Rule("README", "--weights FILE", change={"FILE": "{w}/resnet50.pth"}),
    Rule("README", "--model torchvision:resnet50", change={"stores/pool": "stores/tv"}),
    Rule("README", "--from-npy features", change={"stores/pool": "stores/npy"}),
    Rule("README", "--from-npy img_emb", change={"stores/pool": "stores/emb"}),
    Rule("README", "--image-size 128", change={"stores": "timm-stores"}),
    Rule("README", "--tree 16", change={"stores/pool": "timm-stores/pool"}),
    Rule("README", "--train stores/train", change={"stores/train": "stores/target"}),
    Rule("README", "--train stores/train", change={"stores/test": "stores/target"}),
    Rule("README", "search_subnet.py", network="supernet"),
    Rule("README", "--all-subnets", network="slimmable"),
    Rule("README", "individual_configs.py", network="slimmable"),
    Rule("README", "--tree 4x4x1x1", change={"clusters": "sdr-clusters"}),
    Rule("README", _ROUTED, change={"clusters=clusters": "clusters=sdr-clusters"}),
    Rule("README", "--all --clusters", change=_TRAINED),
    Rule("README", "route_subnet.py", change=_TRAINED),
    Rule("README", "calibrate_bn.py CONFIG CKPT --subnet", network="supernet"),
    Rule("README", "CKPT --subnet s64", change=_SMALLEST),
    Rule("README", "CONFIG CALIBRATED_CKPT --subnet", network="supernet"),
    Rule("README", "CALIBRATED_CKPT --subnet s64", change=_SMALLEST),
    Rule("README", "export timm:", change={"exported": "exported-timm"}),
    Rule(
        "README",
        "CONFIG_OF_A_CONTINUED_NETWORK",
        change={
            "CONFIG_OF_A_CONTINUED_NETWORK": f"selfsup/mocov2/{_CONTINUED}.py",
            "CKPT": f"work_dirs/{_CONTINUED}/iter_1.pth",
            "exported": "exported-continued",
        },
    ),
    Rule("README", "= open_network(", network="supernet"),
    Rule("README", '.save("exported")', change={'"exported"': '"exported-two"'}),
    Rule("README", "--subnet MAX --out exported", network="supernet"),
    Rule("README", "--subnet MAX --out", change={"exported": "transferred"}),
    Rule(
        "README",
        "finetune_resnet10",
        change={"backbone=exported": "backbone=transferred"},
    ),
    Rule("README", "convert_names.py", network="stock"),
    # Concepts.
    *_long("architecture", "import calibrate"),
    Rule("architecture", "--subnet NAME", change={"NAME": "MIN"}),
    *_long("path", "mmtaskssl branch", "import branch", _ROUTED, "CALIBRATED_CKPT"),
    *_long("path", "calibrate CONFIG CKPT --all"),
    Rule("path", "--tree 4x4x1x1", change={"clusters": "sdr-clusters"}),
    Rule("path", _ROUTED, change={"clusters=clusters": "clusters=sdr-clusters"}),
    Rule("path", "--all --clusters", change=_TRAINED),
    Rule("path", "CALIBRATED_CKPT", change=_TRAINED),
    Rule("path", "import branch", change={'"specialists"': '"specialists-too"'}),
    *_long("concepts/starts", "import line_search"),
    Rule(
        "concepts/starts",
        "selection/selection",
        change={"selection/selection.txt": "{w}/selection.txt"},
    ),
    Rule(
        "concepts/starts", "line-search", change={"START": "{w}/nets/folder/iter_1.pth"}
    ),
    *_long("width", "import evaluate"),
    Rule("concepts/customize", "= customize(", change={"OUT": "OUT-python"}),
    # How-tos.
    Rule("images", "annotations/train.json", change={"OUT": "OUT-coco"}),
    Rule("images", "--task detection", change={"OUT": "OUT-voc"}),
    Rule("howto/starts", "--dry-run", change={"OUT": "OUT-dry"}),
    Rule("running", "--target A B C", change={"OUT": "OUT-several"}),
    Rule("images", "extract --model timm:", add=("--image-size", "64")),
    Rule("hosts", "--subnet MAX", network="stock"),
    Rule("hosts", "# of any other", change={"exported": "exported-plain"}),
    Rule("hosts", "# public weights", change={"exported": "exported-timm"}),
    Rule(
        "hosts",
        "print_config CONFIG",
        change={"CONFIG": f"configs/transfer/classification/{_CLASSIFIER}"},
    ),
    *_long("results", "--out controls"),
    Rule(
        "results",
        "mmtaskssl controls",
        change={"selection/selection.txt": "{w}/selection.txt"},
    ),
    *_long("running", "dist_train.sh CONFIG 8", "torchrun", "--dry-run"),
    Rule("running", "s3://bucket/stores", reason="it needs a bucket"),
    Rule("running", "mmtaskssl select", change={"stores": "{w}/stores"}),
    Rule("running", "dist_train.sh CONFIG 8", change={"8": "2"}),
    Rule("running", "torchrun", change={"8": "2"}),
    Rule("running", "--work-dir WORK", add=("images={w}/pool",)),
    Rule("running", "--resume-rescale", add=("max_iters=2",)),
    Rule(
        "running",
        "--target A B C",
        change={"A": "{w}/target", "B": "{w}/birds", "C": "{w}/cars"},
    ),
    Rule(
        "howto/starts",
        "selfsup/mae",
        change={"selection/selection.txt": "{w}/selection.txt"},
    ),
    Rule("howto/starts", "mmtaskssl select", change={"stores": "{w}/stores"}),
    Rule("howto/starts", "--append", change={"stores/pool": "stores/own"}),
]
