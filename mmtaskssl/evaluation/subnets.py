"""All sub-nets of one elastic checkpoint, evaluated on one target."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from ..cli.extractor import running_of
from ..config import load_config
from ..export.calibrate import ImageSample, config_transform, draw_images
from ..export.choice import choose_subnets
from ..export.source import build_elastic, load_source
from ..features.extractor import FeatureExtractor
from ..features.opening import open_runner
from ..models.backbones import ElasticBackbone
from ..models.elastic import calibrate
from ..networks import initialize
from ..subnets import Subnet
from ..utils.atomic import write_json
from ..utils.devices import pick_device
from ..utils.errors import UserError
from ..utils.hashing import file_sha256, lines_sha256
from ..utils.inputs import read_json
from .cli import SPLITS, Log, target_features, target_images
from .protocol import Method, evaluate
from .spectrum import effective_rank, embedding_std
from .subnet_table import anchor_names, format_subnets


@dataclass(frozen=True, slots=True)
class _Network:
    cfg: Config
    backbone: ElasticBackbone
    meta: dict[str, Any]
    trained: bool


def evaluate_subnets(
    args: argparse.Namespace,
    methods: Mapping[str, Method],
    facts: Mapping[str, Any],
    log: Log,
) -> dict[str, Any]:
    """Evaluates each sub-net's plain network on ``--target``; prints one table.

    Every sub-net has features and classifiers of its own. Where batch norm is shared
    by the sub-nets, each needs statistics of its own: those of a calibrated
    checkpoint, or ``--calibrate``'s, which are the same for equal images.

    The result is written to ``--json`` after every sub-net, and rows that stand there
    already, of the same weights, images and options, are not computed again.

    Args:
        args: Parsed options of `add_data_options`.
        methods: What to measure, by column name.
        facts: Settings of the methods, for the record.
        log: Receives progress and the table.

    Returns:
        JSON-ready: what was evaluated, and ``rows``, one per sub-net, with its costs,
        `evaluate`'s result per method, and the effective rank and embedding deviation
        of the test features.

    Raises:
        UserError: Options that contradict, no elastic network, or a sub-net that has
            no batch-norm statistics.
    """
    _check(args)
    network = _open(args)
    backbone = network.backbone
    subnets = choose_subnets(backbone, args.subnet, args.all_subnets)
    transform = config_transform(network.cfg, args.image_size)
    sample = None
    if args.calibrate and any(map(backbone.needs_calibration, subnets)):
        sample = draw_images(args.calibrate, transform, seed=args.seed)
    elif network.trained:
        _require_statistics(backbone, subnets)
    result = {
        "methods": [*methods],
        **facts,
        "extractor": [args.config, args.checkpoint],
        "network": network.meta,
        "data": _describe_target(args),
        "transform": transform.describe(),
        "calibration": sample and sample.describe(),
        "shots": args.shots,
        "seeds": args.seeds,
    }
    done = _rows_of(args.json, result, log)
    names = [subnet.name for subnet in subnets]
    for number, subnet in enumerate(subnets, 1):
        if subnet.name not in done:
            row = _evaluate_one(args, network, subnet, sample, methods)
            done[subnet.name] = row
        log(f"{number}/{len(subnets)}: {subnet}")
        if args.json:  # with the rows of other sub-nets that stood there
            order = dict.fromkeys([*names, *done])
            kept = [done[name] for name in order if name in done]
            write_json(args.json, {**result, "rows": kept})
    rows = [done[name] for name in names]
    log(format_subnets(rows, tuple(methods), transform.image_size))
    return {**result, "rows": rows}


def _check(args: argparse.Namespace) -> None:
    if args.all_subnets and args.subnet:
        raise UserError("name sub-nets with --subnet, or ask for --all-subnets")
    if args.train or args.test or args.model or not args.target:
        raise UserError(
            "sub-nets are evaluated with CONFIG CKPT --target DIR: stores and --model "
            "have none"
        )
    if not args.config or not args.checkpoint:
        raise UserError("name CONFIG and CKPT (a file, or 'random')")


def _open(args: argparse.Namespace) -> _Network:
    cfg = load_config(args.config)
    if args.checkpoint != "random":
        source = load_source(
            cfg, args.config, args.checkpoint, args.source, args.trust_checkpoint
        )
        return _Network(cfg, source.backbone, source.meta, True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(args.seed)
        backbone = build_elastic(cfg, args.config)
        initialize(backbone)
    meta = {"config": Path(args.config).name, "encoder": "random", "seed": args.seed}
    return _Network(cfg, backbone, meta, False)


def _require_statistics(backbone: ElasticBackbone, subnets: list[Subnet]) -> None:
    missing = [s for s in subnets if not backbone.is_calibrated(s)]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(subnets)} sub-nets, such as {missing[0]}, have no "
            "batch-norm statistics of their own; give --calibrate SRC (images) to take "
            "them here, or keep them: `python tools/calibrate_bn.py CONFIG CKPT "
            f"--subnet {missing[0]} --images SRC`"
        )


def _describe_target(args: argparse.Namespace) -> dict[str, Any]:
    facts: dict[str, Any] = {"target": args.target}
    for split in SPLITS:
        _, image_ids = target_images(args, split)
        facts[split] = {
            "images": len(image_ids),
            "ids_sha256": lines_sha256(image_ids),
        }
        table = getattr(args, f"{split}_labels")
        if table and Path(table).is_file():
            facts[split]["labels_sha256"] = file_sha256(table)
    return facts


def _rows_of(path: str | None, result: dict[str, Any], log: Log) -> dict[str, Any]:
    """Returns the rows of an earlier run of the same settings, by sub-net."""
    if path is None or not Path(path).is_file():
        return {}
    try:
        found = read_json(path)
        rows = {row["subnet"]: row for row in found.pop("rows")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found, rows = None, {}
    if found != json.loads(json.dumps(result)):
        log(f"{path} holds other results and is written anew")
        return {}
    return rows


def _evaluate_one(
    args: argparse.Namespace,
    network: _Network,
    subnet: Subnet,
    sample: ImageSample | None,
    methods: Mapping[str, Method],
) -> dict[str, Any]:
    backbone, device = network.backbone, pick_device(args.device)
    if sample is not None and backbone.needs_calibration(subnet):
        calibrate(backbone.to(device), subnet, sample)
    transform = config_transform(network.cfg, args.image_size)
    extractor = FeatureExtractor(
        backbone.extract(subnet, uncalibrated_ok=not network.trained),
        json.dumps(backbone.plain_config(subnet), sort_keys=True),
        network.meta["encoder"],
        transform.mean,
        transform.std,
        transform.image_size,
    )
    cache = args.cache and Path(args.cache, subnet.name)
    runner = open_runner(extractor, **running_of(args))
    train, test = target_features(
        args, runner, cache, lambda text: print_log(text, "current")
    )
    train, test = train.to(device), test.to(device)
    price = backbone.cost(subnet, transform.image_size)
    return {
        "subnet": subnet.name,
        "name": anchor_names(backbone.space, subnet),
        "macs": price.macs,
        "params": price.params,
        "weights_sha256": extractor.description["weights_sha256"],
        "results": {
            name: evaluate(method, train, test, args.shots, args.seeds)
            for name, method in methods.items()
        },
        "dim": test.x.shape[1],
        "effective_rank": effective_rank(test.x),
        "embedding_std": embedding_std(test.x),
    }
