"""The plans of what runs networks: searches and trainings."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..utils.families import OptionConflict
from . import dry_run, trial
from .dry_run import Plan

if TYPE_CHECKING:
    from mmengine.config import Config


def of_search(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a search of sub-nets."""
    from ..datasets.images import list_images
    from ..search.search import CANDIDATES

    if args.strategy == "grid" and args.candidates is None:
        raise OptionConflict("--dry-run of a whole grid needs --candidates N")
    root, image_ids = list_images(args.images, args.root)
    used = min(len(image_ids), args.num_images)
    budgets, named = max(1, len(args.budget)), len(args.subnet or ())
    many = (args.candidates or CANDIDATES) if args.budget else 0
    sizes = dry_run.CANDIDATE_PARTS
    words = dry_run.words(argv)
    with trial.folder() as place:
        found = trial.run(
            "search_subnet",
            sizes,
            lambda n, out: trial.added(
                words, "--candidates", str(n), "--out", str(out)
            ),
            place,
        )
    scored = many * budgets + named
    images = dry_run.bytes_of_images(root, dry_run.spaced(image_ids, used))
    return Plan.of(
        found,
        f"{scored:,} candidates on {used:,} images",
        scored,
        images,
        f"{used:,} images by {scored + 1:,} networks",
        "candidates of each budget",
        many,
    )


def of_pretrain(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a training that counts steps."""
    from ..config import load_config

    cfg = load_config(args.config, args.cfg_options or {})
    steps = cfg.get("max_iters")
    if not isinstance(steps, int):
        raise OptionConflict(
            f"--dry-run plans configs that count steps, and {args.config} has no "
            "max_iters"
        )
    root, image_ids = _images_of(cfg)
    batch = int(cfg.train_dataloader.batch_size)
    words = dry_run.words(argv)
    with trial.folder() as place:
        found = trial.run(
            "train",
            dry_run.STEP_PARTS,
            lambda n, out: trial.added(
                words,
                *("--work-dir", str(out), "--cfg-options", f"max_iters={n}"),
                f"default_hooks.checkpoint.interval={n}",
            ),
            place,
        )
    hook = cfg.default_hooks.get("checkpoint", {})
    saves = max(1, steps // max(1, int(hook.get("interval", steps))))
    most = int(hook.get("max_keep_ckpts", -1))
    kept = saves if most < 1 else min(saves, most)
    passes = steps * batch / max(1, len(image_ids))
    plan = Plan.of(
        found,
        f"{steps:,} steps of {batch:,} images, of {len(image_ids):,}",
        steps,
        dry_run.bytes_of_images(root, image_ids),
        f"{passes:,.1f} passes",
        "steps",
    )
    # A training holds and writes as much after few steps as after many.
    _, few = found.sizes
    writes = found.written(few) * kept
    return dataclasses.replace(plan, memory=found.memory(few), writes=writes)


def _images_of(cfg: "Config") -> tuple[Path, Sequence[str]]:
    """Returns what a training reads; without ids, of images that are no files."""
    from ..engine.named_images import check_named_images
    from ..registry import DATASETS
    from ..utils import register_all_modules

    register_all_modules()
    check_named_images(cfg)
    images = DATASETS.build(cfg.train_dataloader.dataset)
    root, ids = getattr(images, "root", Path()), getattr(images, "image_ids", None)
    return Path(root), ids if ids is not None else [""] * len(images)
