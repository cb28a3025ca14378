"""The flags of the tools that extract features: which network, and how it runs."""

import argparse
from typing import Any

from ..utils.families import OptionConflict, OptionMissing
from . import kinds, options


def add_extractor_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `network_of` and `running_of` read; CONFIG and CKPT come before."""
    group = parser.add_argument_group("extractor")
    group.add_argument(
        "--model",
        help="torchvision:NAME or timm:NAME instead of CONFIG and CKPT",
    )
    group.add_argument(
        "--weights",
        help="weights file for --model, or 'random'; without it the library's "
        "own, of its download cache or an installed package (nothing is downloaded)",
    )
    options.add_source(group)
    options.add_trust(group)
    options.add_max_pixels(group)
    options.add_seed(group, "the weights of an untrained network")
    group.add_argument(
        "--image-size",
        type=kinds.COUNT,
        help="side of the centre crop, pixels (default: the config's, else 224)",
    )
    options.add_batch_size(group, 128)
    options.add_workers(group)
    options.add_device(group)
    group.add_argument("--amp", action="store_true", help="half precision on CUDA")
    group.add_argument(
        "--decode",
        choices=("full", "reduced"),
        default="full",
        help="reduced: JPEGs at the smallest scale that is no smaller than the "
        "network's input; faster, and features differ a little (default: full)",
    )


def given_of(args: argparse.Namespace) -> dict[str, Any]:
    """Returns what the flags say of a network, where none is read, but not defaults.

    Without ``--device``, which is of use without a network, too.
    """
    parser = argparse.ArgumentParser()
    add_extractor_options(parser)
    defaults = vars(parser.parse_args([]))
    names = ("source", "seed", "image_size", "batch_size", "workers", "amp", "decode")
    places = {name: name for name in names} | {"trust": "trust_checkpoint"}
    values = {name: (getattr(args, at), defaults[at]) for name, at in places.items()}
    return {
        name: given for name, (given, default) in values.items() if given != default
    }


def network_of(args: argparse.Namespace) -> dict[str, Any]:
    """Returns which network the flags name, as arguments of `open_extractor`.

    Raises:
        UserError: Flags that contradict or lack something.
    """
    if args.model:
        if args.config or args.checkpoint:
            raise OptionConflict("name either CONFIG and CKPT or --model, not both")
        network = args.model, args.weights
    elif args.config:
        network = args.config, args.checkpoint
    else:
        raise OptionMissing(
            "name CONFIG and CKPT (a file, or 'random' for an untrained network), or "
            "EXPORT_DIR, or --model torchvision:NAME"
        )
    if args.weights and not args.model:
        raise OptionConflict(
            "--weights belongs to --model: name the checkpoint after CONFIG"
        )
    return {
        "network": network,
        "source": args.source,
        "seed": args.seed,
        "trust": args.trust_checkpoint,
    }


def running_of(args: argparse.Namespace) -> dict[str, Any]:
    """Returns how the network runs, as the other arguments of `open_runner`."""
    return {
        "image_size": args.image_size,
        "batch_size": args.batch_size,
        "workers": args.workers,
        "device": args.device,
        "amp": args.amp,
        "decode": args.decode,
    }


def add_network_of_images(parser: argparse.ArgumentParser, flags: str) -> None:
    """Adds what `open_network_of_images` reads, to tools that take stores.

    Args:
        parser: Of a tool that has ``--device``, or computes on the CPU alone.
        flags: Those whose values may be images then.
    """
    group = parser.add_argument_group("images instead of stores")
    group.add_argument(
        "--network",
        nargs="+",
        metavar=("CONFIG", "CKPT"),
        help=f"extracts the features of {flags} in memory, where that names images: "
        "CONFIG CKPT, EXPORT_DIR, or torchvision:NAME [FILE]",
    )
    options.add_trust(group)


def open_network_of_images(args: argparse.Namespace) -> Any:
    """Returns what runs ``--network``; None without that flag.

    Raises:
        UserError: It cannot be opened.
    """
    if not args.network:
        return None
    if len(args.network) > 2:
        raise OptionMissing(
            "--network takes CONFIG CKPT, EXPORT_DIR or torchvision:NAME"
        )
    from ..features.opening import open_runner

    network = tuple(args.network) if len(args.network) == 2 else args.network[0]
    device = getattr(args, "device", "auto")
    return open_runner(network, trust=args.trust_checkpoint, device=device)
