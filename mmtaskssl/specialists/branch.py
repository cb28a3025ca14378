"""Branch and continue: from one network, one specialist for each part of a pool."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from ..clustering.clusters import Clusters
from ..config import load_config
from ..config.held_out import length_of
from ..config.selecting import pool_of, selection_of
from ..engine.controls.arms import start_of
from ..features.sources import StoreLike, open_stores
from ..features.store import FeatureStore
from ..registry import DATASETS
from ..utils import checks
from ..utils.errors import option
from ..utils.families import (
    BadValue,
    ConfigUnsuited,
    ImagesMismatch,
    NoWeights,
    OptionMissing,
    TeacherMisfit,
)
from ..utils.hashing import lines_sha256
from .arm import GENERIC, START, Branch, name_of
from .home import Home, find_home
from .specialists import Specialists

PathLike = str | os.PathLike
_RANDOM = "random"


def branch(
    run: PathLike | Config,
    clusters: Clusters | PathLike,
    *,
    target: StoreLike | Sequence[StoreLike] | None = None,
    pool: StoreLike | None = None,
    leaves: Sequence[Sequence[int]] | None = None,
    share: float = 0.8,
    most: int | None = None,
    anchor: float = 0.0,
    images: PathLike | None = None,
    weights: PathLike | None = None,
    iters: int | None = None,
    seed: int = 0,
    cfg_options: Mapping[str, Any] | None = None,
) -> Specialists:
    """Plans specialists that branch off from one network; nothing is trained yet.

    Each continues, with weights of its own, on some clusters of the pool; a generic one
    continues for as long on all of it. A target that lies in few clusters gets the
    specialist of the fewest that hold most of it, without labels; for one that is
    spread over more than half of them the generic one is the answer. (The idea of SDR,
    arXiv 2205.13267, without shared weights.)

    Args:
        run: Config of the training that continues, counting iterations.
        clusters: Of the pool, or their folder.
        target: Features of a target's training images, or of several targets'; their
            homes get a specialist each. None: every cluster does.
        pool: With ``target``, the features that the clusters were made from.
        leaves: In place of targets, the clusters of each specialist.
        share: Of a target's images that its clusters have to hold, 0..1.
        most: Specialists at most: those of the targets that are spread least or,
            without targets, of the largest clusters. None: all.
        anchor: Weight of a cosine that keeps the pooled features near to those that the
            network began with, on the same views (distillation from the generic
            network). 0: without; a config that distils has its own.
        images: Folder of the pool; None: where the clusters say that it lies.
        weights: What all begin with, see `pretrain`; None: the config's own.
        iters: See `pretrain`.
        seed: Of the trainings and of the draw of images that a target is compared with.
        cfg_options: See `pretrain`.

    Raises:
        UserError: A config without a start or that counts epochs, clusters that do not
            know the images, or features that do not fit.
    """
    checks.finite("share", share, 0, 1)
    checks.finite("anchor", anchor, 0)
    checks.whole("most", most, none=True)
    checks.whole("iters", iters, none=True)
    checks.seed(seed)
    checks.options_of("cfg_options", cfg_options)
    if not isinstance(clusters, Clusters):
        checks.path_like("clusters", clusters)
        clusters = Clusters.open(clusters)
    homes = _homes(target, pool, clusters, share, seed, leaves)
    cfg = _config(run, clusters, images, weights, iters, anchor, cfg_options)
    name = (run.filename or "config.py") if isinstance(run, Config) else os.fspath(run)
    length = length_of(cfg)[1]
    ids = [clusters.image_ids[row] for row in range(len(clusters))]
    _check_images(cfg, ids)
    known = lines_sha256(sorted(ids))
    start = Branch(START, cfg, 0, 0, seeded=False)
    generic = Branch(GENERIC, cfg, length, len(ids), ids=ids, known=known)
    arms = []
    for chosen in _chosen(leaves, homes, clusters, most):
        own = [clusters.image_ids[row] for row in clusters.rows(list(chosen))]
        arms.append(
            Branch(
                name_of(chosen),
                cfg,
                length,
                len(own),
                ids=own,
                known=lines_sha256(sorted(own)),
                leaves=tuple(chosen),
            )
        )
    return Specialists(name, start, generic, tuple(arms), tuple(homes), clusters, seed)


def _homes(
    target: StoreLike | Sequence[StoreLike] | None,
    pool: StoreLike | None,
    clusters: Clusters,
    share: float,
    seed: int,
    leaves: Sequence[Sequence[int]] | None,
) -> list[Home]:
    if target is None:
        checks.unused(f"with {option('target')}", pool=pool)
        return []
    checks.unused(f"without {option('target')}", leaves=leaves)
    if pool is None:
        raise OptionMissing(
            f"targets are compared with the pool: name {option('pool')}, the features "
            "that the clusters were made from"
        )
    one = isinstance(target, FeatureStore | str | os.PathLike)
    sources: list[Any] = [target] if one else list(target)  # type: ignore[arg-type]
    names = [_name(source) for source in sources]
    if len({*names}) < len(names):
        names = [str(source) for source in sources]
    store, *stores = open_stores([pool, *sources])
    return [
        find_home(one, store, clusters, share, seed, name)
        for one, name in zip(stores, names, strict=True)
    ]


def _name(source: StoreLike) -> str:
    path = source if isinstance(source, str | os.PathLike) else source.path
    return os.path.basename(os.path.normpath(os.fspath(path))) if path else "target"


def _config(
    run: PathLike | Config,
    clusters: Clusters,
    images: PathLike | None,
    weights: PathLike | None,
    iters: int | None,
    anchor: float,
    cfg_options: Mapping[str, Any] | None,
) -> Config:
    """Returns the complete config of all trainings, which differ in images alone."""
    given = {
        "images": os.fspath(images) if images is not None else clusters.root or None,
        "weights": None if weights is None else os.fspath(weights),
        "max_iters": iters,
    }
    options = {key: value for key, value in given.items() if value is not None}
    cfg = load_config(run, {**(cfg_options or {}), **options})
    if start_of(cfg) == _RANDOM:
        raise NoWeights(
            "specialists branch off from a trained network: name its "
            + option("weights")
        )
    if length_of(cfg)[0]:
        raise ConfigUnsuited(
            "specialists need a config that counts iterations: by epochs those of "
            "small clusters would be trained less"
        )
    if selection_of(cfg) is not None:
        raise ConfigUnsuited(
            "a config with a selection has its images: specialists train on clusters"
        )
    return _anchored(cfg, anchor) if anchor else cfg


def _anchored(cfg: Config, weight: float) -> Config:
    if cfg.model.get("distill"):
        raise TeacherMisfit(
            f"the config distils already: leave out {option('anchor')}, or its "
            "model.distill"
        )
    cfg = copy.deepcopy(cfg)
    side = cfg.model.data_preprocessor.view_size
    cfg.model.distill = {
        "teacher": {"type": "StartTeacher", "view_size": side},
        "losses": [{"type": "CosineRegression", "weight": weight}],
        "views": 2,
    }
    if cfg.get("load_from"):  # a whole training's, which had no such part
        cfg.allow = [*(cfg.get("allow") or ()), r"distill\."]
    return cfg


def _check_images(cfg: Config, ids: Sequence[str]) -> None:
    known = {*DATASETS.build(pool_of(cfg)).image_ids}
    missing = [image for image in ids if image not in known]
    if missing:
        raise ImagesMismatch(
            f"{len(missing):,} images of the clusters, the first {missing[0]}, are not "
            f"among the training's: name {option('images')}, the folder that was "
            "clustered"
        )


def _chosen(
    leaves: Sequence[Sequence[int]] | None,
    homes: Sequence[Home],
    clusters: Clusters,
    most: int | None,
) -> list[tuple[int, ...]]:
    """Returns the clusters of each specialist."""
    if leaves is not None:
        found = [tuple(one) for one in leaves]
        for one in found:
            bad = [leaf for leaf in one if leaf not in range(clusters.num_leaves)]
            if not one or bad or len({*one}) < len(one):
                raise BadValue(
                    f"{option('leaves')} names clusters from 0 to "
                    f"{clusters.num_leaves - 1}, each once, not {list(one)}"
                )
    elif homes:
        near = sorted(homes, key=lambda home: home.spread)
        found = [home.leaves for home in near if not home.is_diffuse]
    else:
        order = sorted(range(clusters.num_leaves), key=lambda i: -clusters.sizes[i])
        found = [(leaf,) for leaf in order if clusters.sizes[leaf]]
    unique = {name_of(one): tuple(sorted(one)) for one in reversed(found)}
    return list(reversed(unique.values()))[:most]
