"""Extracts features of a folder or list of images into a feature store.

    extract_features.py CONFIG CKPT --images FOLDER --out STORE
    extract_features.py EXPORT_DIR --images FOLDER --out STORE
    extract_features.py --model torchvision:resnet50 --weights FILE --images ...
    extract_features.py --from-npy FEATURES.npy --ids IDS.txt --out STORE
    extract_features.py --remove IDS.txt --out STORE

A run that was interrupted continues with the same command, and the same command started
twice shares the work. With several processes:
torchrun --nproc_per_node N tools/extract_features.py ... --launcher pytorch
"""

import argparse
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..utils.errors import option
from ..utils.families import OptionConflict, OptionMissing
from . import kinds, options, plans
from .extractor import add_extractor_options, network_of, running_of
from .saying import say

if TYPE_CHECKING:
    from ..features.store import FeatureStore


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser, optional=True)
    options.add_out(parser, "features", metavar="STORE")
    images = parser.add_argument_group("images")
    options.add_images(images)
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
        "--remove",
        metavar="IDS",
        help="a text file with one image id a line: mark these images of STORE as "
        "removed, and compute nothing; --append takes back what it finds again",
    )
    images.add_argument(
        "--boxes",
        metavar="ANNOTATIONS",
        help="features of the objects in the images: a COCO JSON, or a folder of VOC's "
        "XML; each box is cut out with 15%% of its sides around it",
    )
    _add_regions(parser)
    images.add_argument(
        "--leak-copies",
        action="store_true",
        help="of images that must not be selected: also extract mirrored, cropped, "
        "re-encoded, resized and grey copies, by which select_data.py --exclude STORE "
        "learns how similar copies are",
    )
    images.add_argument(
        "--rows-per-shard",
        type=kinds.COUNT,
        default=8192,
        metavar="N",
        help="rows of a file; work lost when a run is killed (default: %(default)s)",
    )
    images.add_argument(
        "--to-parquet",
        metavar="FILE",
        help="also write the features as a table for other tools: image, label and "
        "embedding",
    )
    add_extractor_options(parser)
    own = parser.add_argument_group("import of your own features")
    own.add_argument(
        "--from-npy",
        metavar="FILE",
        help="(rows, dim) floats: .npy, .safetensors or .parquet; a folder of them, or "
        "a pattern such as 'img_emb_*.npy'",
    )
    own.add_argument(
        "--ids",
        metavar="FILE",
        help="one image id a line, in row order, or Parquet with a column of paths; "
        "not needed where the features' Parquet has one",
    )
    own.add_argument(
        "--extractor-name",
        default="imported",
        help="what made them: only stores of the same name are compared",
    )
    options.add_launcher(parser)
    parser.add_argument(
        "--engine",
        choices=("processes", "ray"),
        default="processes",
        help="who computes: the processes that are started, or the workers of a Ray "
        "cluster (RAY_ADDRESS, else one on this machine) that reaches STORE and images",
    )
    plans.add_dry_run(parser)
    return parser


def _add_regions(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("regions of masks")
    group.add_argument(
        "--regions",
        metavar="MASKS",
        help="features of the regions in the images: a folder of label maps with the "
        "images' names, or a COCO JSON with polygons or run lengths; each is cut out "
        "with 15%% of its sides around it, and its class is its label",
    )
    group.add_argument(
        "--regions-of",
        choices=("component", "class"),
        default="component",
        help="one region is what touches of a class (of COCO an object), or all of a "
        "class in an image (default: %(default)s)",
    )
    group.add_argument(
        "--least-area",
        type=kinds.COUNT,
        default=64,
        metavar="PIXELS",
        help="smaller regions are left out (default: %(default)s)",
    )
    group.add_argument(
        "--void",
        type=kinds.whole(0, 255),
        metavar="INDEX",
        help="of label maps: pixels of no class, beside those of 255",
    )
    group.add_argument(
        "--around",
        choices=("kept", "grey"),
        default="kept",
        help="grey: what is around a region in its crop becomes the network's mean "
        "pixel (default: kept)",
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Extracts or imports; says what there is then."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.remove:
        _remove(args, parser)
        return
    if args.dry_run:
        if args.from_npy or not args.images:
            raise OptionMissing("--dry-run plans the extraction of --images")
        say(plans.of_extract(args, argv).table())
        return
    if args.to_parquet:
        from ..features.table import place_of

        place_of(args.to_parquet).check()
    store = _import(args) if args.from_npy else _extract(args)
    from mmengine.dist import get_rank

    if get_rank() == 0:
        if args.to_parquet:
            say(f"written: {store.to_parquet(args.to_parquet)}")
        print(store.table())


def _remove(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    # How fast something would be computed may stand there: it changes nothing.
    harmless = ("remove", "out", "workers", "batch_size", "device")
    for name, value in vars(args).items():
        if name not in harmless and value != parser.get_default(name):
            raise OptionConflict(
                "--remove computes nothing: name the store with --out alone, without "
                f"{option(name)}, and add images by a call of its own"
            )
    from ..features.removing import remove_images

    print(remove_images(args.out, args.remove).table())


def _import(args: argparse.Namespace) -> "FeatureStore":
    for flag in ("leak_copies", "boxes", "regions"):
        if getattr(args, flag):
            raise OptionConflict(
                f"--{flag.replace('_', '-')} needs the network: features cannot be "
                "imported"
            )
    if args.engine != "processes":
        raise OptionConflict(
            "--engine ray is for extraction: --from-npy computes nothing"
        )
    from ..datasets.images import folder_labels
    from ..features.given import read_ids
    from ..features.importing import import_features

    image_ids = read_ids(args.ids, args.from_npy)
    return import_features(
        *(args.from_npy, image_ids, args.out),
        root=args.root or "",
        labels=folder_labels(image_ids) if args.labels else None,
        extractor=args.extractor_name,
        rows_per_shard=args.rows_per_shard,
        overwrite=args.overwrite,
        log=say,
    )


def _extract(args: argparse.Namespace) -> "FeatureStore":
    if not args.images:
        raise OptionMissing("name the images with --images FOLDER (or a list)")
    network = network_of(args)
    from ..features.distributed import init_ranks
    from ..features.extract import extract

    # Pillow warns of each odd image; what matters is in the quarantine.
    warnings.filterwarnings("ignore", module="PIL")
    init_ranks(args.launcher)
    return extract(
        images=args.images,
        root=args.root,
        column=args.column,
        labels=args.labels,
        boxes=args.boxes,
        regions=args.regions,
        regions_of=args.regions_of,
        least_area=args.least_area,
        void=args.void,
        around=args.around,
        leak_copies=args.leak_copies,
        out=args.out,
        append=args.append,
        overwrite=args.overwrite,
        rows_per_shard=args.rows_per_shard,
        log=say,
        engine=args.engine,
        **network,
        **running_of(args),
    )
