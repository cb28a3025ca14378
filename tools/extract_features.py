"""Extracts features of a folder or list of images into a feature store.

    extract_features.py CONFIG CKPT --images FOLDER --out STORE
    extract_features.py --model torchvision:resnet50 --weights FILE --images ...
    extract_features.py --from-npy FEATURES.npy --ids IDS.txt --out STORE

A run that was interrupted continues with the same command. With several processes:
torchrun --nproc_per_node N tools/extract_features.py ... --launcher pytorch
"""

import argparse
import warnings
from collections.abc import Sequence

from mmengine.dist import get_rank

from mmtaskssl.cli.extractor import add_extractor_options, network_of, running_of
from mmtaskssl.datasets.images import folder_labels, list_images
from mmtaskssl.features.distributed import init_ranks
from mmtaskssl.features.extract import extract_to_store
from mmtaskssl.features.extract_copies import extract_copies
from mmtaskssl.features.layout import ROWS_PER_SHARD, read_id_file
from mmtaskssl.features.opening import open_runner
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.errors import UserError, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG")
    parser.add_argument(
        "checkpoint", nargs="?", metavar="CKPT", help="file, or 'random' (untrained)"
    )
    parser.add_argument("--out", required=True, metavar="STORE")
    images = parser.add_argument_group("images")
    images.add_argument("--images", help="folder, .txt, .csv or .jsonl")
    images.add_argument("--root", help="folder that listed paths are relative to")
    images.add_argument("--column", help="path column of a .csv or .jsonl")
    images.add_argument(
        "--labels",
        choices=("folder",),
        help="folder: the first folder below --images names the class",
    )
    images.add_argument(
        "--append",
        action="store_true",
        help="add the images that an existing STORE lacks",
    )
    images.add_argument(
        "--leak-copies",
        action="store_true",
        help="of images that must not be selected: also extract mirrored, cropped, "
        "re-encoded, resized and grey copies, by which select_data.py --exclude STORE "
        "learns how similar copies are",
    )
    images.add_argument("--rows-per-shard", type=int, default=ROWS_PER_SHARD)
    add_extractor_options(parser)
    own = parser.add_argument_group("import of your own features")
    own.add_argument("--from-npy", metavar="FILE", help="(rows, dim) floats")
    own.add_argument("--ids", metavar="FILE", help="one image id a line, in row order")
    own.add_argument(
        "--extractor-name",
        default="imported",
        help="what made them: only stores of the same name are compared",
    )
    parser.add_argument(
        "--launcher", choices=("none", "pytorch", "slurm", "mpi"), default="none"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    store = import_features(args) if args.from_npy else extract(args)
    if get_rank() != 0:
        return
    print(f"{store.path}: {len(store):,} images, {store.dim} features each")
    if len(store.bad_rows):
        first = store.quarantine[0]
        print(
            f"{len(store.bad_rows)} images have no feature and are never selected, "
            f"listed in {store.path / 'quarantine.json'}; the first: "
            f"{first['image']}: {first['reason']}"
        )


def import_features(args: argparse.Namespace) -> FeatureStore:
    if not args.ids:
        raise UserError("--from-npy needs --ids FILE with one image id a line")
    if args.leak_copies:
        raise UserError("--leak-copies needs the network: features cannot be imported")
    image_ids = read_id_file(args.ids)
    return FeatureStore.import_npy(
        args.from_npy,
        image_ids,
        args.out,
        root=args.root or "",
        labels=folder_labels(image_ids) if args.labels else None,
        extractor=args.extractor_name,
        rows_per_shard=args.rows_per_shard,
    )


def extract(args: argparse.Namespace) -> FeatureStore:
    if not args.images:
        raise UserError("name the images with --images FOLDER (or a list)")
    # Pillow warns of each odd image; what matters is in the quarantine.
    warnings.filterwarnings("ignore", module="PIL")
    root, image_ids = list_images(args.images, args.root, args.column)
    labels = folder_labels(image_ids) if args.labels else None
    init_ranks(args.launcher)
    runner = open_runner(**network_of(args), **running_of(args))
    store = extract_to_store(
        runner,
        root,
        image_ids,
        args.out,
        labels=labels,
        source=args.images,
        rows_per_shard=args.rows_per_shard,
        append=args.append,
        log=print_now,
    )
    if args.leak_copies:
        extract_copies(runner, store, log=lambda text: print_now(f"copies: {text}"))
    return store


def print_now(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    run_tool(main)
