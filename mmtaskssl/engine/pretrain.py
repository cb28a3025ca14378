"""Training as a function of values."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..clustering.clusters import Clusters
from ..config import default_work_dir, load_config
from ..datasets.images import HasImages, ImagesLike, list_images
from ..features.store import FeatureStore
from ..transfer.results import training_rows
from ..utils import checks
from ..utils.errors import UserError, option
from ..utils.families import BadValue
from .checkpoints import place_of
from .given import CLUSTERS, SELECTION, PathLike, into_work_dir, value_keys
from .isolation import isolated
from .pretrained import Pretrained
from .run import resume_from, train, use_amp, use_auto_scale_lr

# Of mmengine.
_LAUNCHERS = ("none", "pytorch", "slurm", "mpi")


def pretrain(
    config: PathLike | Config,
    *,
    images: ImagesLike | None = None,
    selection: HasImages | Sequence[str] | PathLike | None = None,
    clusters: Clusters | PathLike | None = None,
    target: PathLike | Sequence[PathLike] | None = None,
    held_out: int | None = None,
    teacher: FeatureStore | PathLike | None = None,
    weights: PathLike | None = None,
    allow: Sequence[str] = (),
    edited_selection: bool = False,
    iters: int | None = None,
    seed: int | None = None,
    work_dir: PathLike | None = None,
    resume: bool | PathLike = False,
    resume_rescale: bool = False,
    amp: bool = False,
    auto_scale_lr: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = "none",
    trust: bool = False,
) -> Pretrained:
    """Trains a config in this process, on the GPU if there is one.

    mmengine's Runner trains, and whatever it changes in the process is put back
    afterwards. Configs of mmdet, mmseg and the other OpenMMLab packages are trained
    just as ours are.

    Args:
        config: A path, a path below our own ``configs``, ``PACKAGE::PATH``, or a config
            itself, which is left as it is.
        images: The images to train on, of a config that trains on files: a folder or a
            list; or paths, or the images of a store. Without it the config's own or, of
            a selection, those it was made from.
        selection: Those of them to train on: a `Selected`, ids, or a file with ids. A
            value's ids are written into the work dir, where a resumed training finds
            them.
        clusters: Of a config that trains with clusters: theirs, or their folder. A
            value is written into the work dir.
        target: A labelled folder, train/CLASS/IMAGE and test/CLASS/IMAGE, that kNN is
            measured on meanwhile; or several.
        held_out: Images that do not train; the network is measured on them meanwhile
            by what needs no labels (see `RepresentationHook`).
        teacher: Of a config that distils (``model.distill``): a network,
            ``timm:NAME=FILE``, ``CONFIG=CHECKPOINT`` or an export's folder; or a
            feature store, or its folder, with the features of all training images.
        weights: What the backbone starts from: a checkpoint of any layout, an export's
            folder, ``torchvision:NAME`` or ``timm:NAME`` (the library's own, of its
            download cache or an installed package) or either with ``=FILE``, or
            ``random``. An elastic ResNet
            takes those of any plain ResNet, see `embed`.
        allow: Patterns of keys that may differ: of the backbone those that ``weights``
            may lack or hold alone, of the model those that ``load_from`` may.
        edited_selection: Take a selection's file as it is now, though it was changed
            after `select` wrote it.
        iters: Length of a training that counts iterations; its warm-up is shortened
            along. 0: no step, and a checkpoint of what the training would begin with.
        seed: Of weights, views and order.
        work_dir: Receives checkpoints and logs. Without it the config's own, else
            ``work_dirs/NAME`` in the current folder, as ever in OpenMMLab.
        resume: Go on from the newest whole checkpoint in the work dir, from the start
            if there is none; or from a file.
        resume_rescale: Resume with other processes or images a step: keep the
            schedule's number of images.
        amp: Mixed precision: float16 on a GPU, bfloat16 on a CPU that has it.
        auto_scale_lr: Scale the learning rate with the batch size.
        cfg_options: Dotted keys of the config and their values, see `load_config`; they
            go before the other arguments.
        launcher: ``pytorch``, ``slurm`` or ``mpi`` in each of several processes that
            train together.
        trust: Load checkpoints even if that runs code in them.

    Returns:
        The trained network.

    Raises:
        UserError: The config, its data or a checkpoint cannot be used; nothing is
            written then, but maybe logs.
    """
    _check(config, images, selection, clusters, target, weights, work_dir, resume)
    checks.seed(seed, none=True)
    checks.whole("iters", iters, 0, none=True)
    checks.whole("held_out", held_out, none=True)
    checks.options_of("cfg_options", cfg_options)
    checks.one_of("launcher", launcher, _LAUNCHERS)
    checks.listed("allow", allow, "patterns")
    checks.flag("edited_selection", edited_selection)
    ids: Any = selection
    if isinstance(selection, HasImages):
        images = (selection.root or None) if images is None else images
        ids = selection.image_ids
    if images is not None and not isinstance(images, str | os.PathLike):
        images, listed = list_images(images)
        ids = listed if ids is None else ids
    given: dict[str, Any] = {
        "images": images,
        SELECTION: ids,
        CLUSTERS: clusters,
        "target": _texts(target),
        "held_out": held_out,
        "teacher": teacher.path if isinstance(teacher, FeatureStore) else teacher,
        "weights": None if weights is None else os.fspath(weights),
        "allow": list(allow) or None,
        "edited_selection": edited_selection or None,
        "max_iters": iters or None,
        "randomness.seed": seed,
    }
    given = {key: value for key, value in given.items() if value is not None}
    given |= cfg_options or {}
    if isinstance(config, Config):
        name = config.filename or "config.py"
    else:
        name = config = os.fspath(config)
    resumes = bool(resume or resume_rescale)
    with isolated():
        if work_dir is None and (values := value_keys(given)):
            paths = {k: v for k, v in given.items() if k not in values}
            work_dir = default_work_dir(load_config(config, paths), name)
        with into_work_dir(given, Path(work_dir or ""), launcher) as options:
            cfg = load_config(config, options)
            cfg.launcher = launcher
            cfg.work_dir = str(work_dir or default_work_dir(cfg, name))
            if amp:
                use_amp(cfg)
            if auto_scale_lr:
                use_auto_scale_lr(cfg)
            if iters == 0:
                _start_only(cfg)
            if resume_rescale:
                cfg.resume_rescale = True
            place = place_of(cfg)
            if not resumes and place is not None and place.has_begun():
                print_log(
                    f"{cfg.work_dir} holds checkpoints of a training: this one begins "
                    "anew, and its own take their place "
                    f"({option('resume')} goes on instead)",
                    "current",
                    logging.WARNING,
                )
            if resumes:
                checkpoint = None if isinstance(resume, bool) else os.fspath(resume)
                resume_from(cfg, checkpoint)
            return _result(train(cfg, trust), name)


def _check(
    config: Any,
    images: Any,
    selection: Any,
    clusters: Any,
    target: Any,
    weights: Any,
    work_dir: Any,
    resume: Any,
) -> None:
    """Refuses values of a kind that no training takes."""
    if not isinstance(config, Config):
        checks.path_like("config", config)
    if images is not None and not isinstance(
        images, HasImages | Sequence | os.PathLike
    ):
        raise BadValue(
            f"{option('images')} must be a folder, a list, paths, or a value that is "
            f"of images, not {checks.shown(images)}"
        )
    if isinstance(selection, Sequence) and not isinstance(selection, str | bytes):
        for image in selection:
            if not isinstance(image, str):
                raise BadValue(
                    f"{option('selection')} must hold ids of images, not "
                    f"{checks.shown(image)}"
                )
    elif not isinstance(selection, HasImages):
        checks.path_like("selection", selection, none=True)
    if not isinstance(clusters, Clusters):
        checks.path_like("clusters", clusters, none=True)
    several = isinstance(target, Sequence) and not isinstance(target, str)
    for folder in target if several else [target]:
        checks.path_like("target", folder, none=True)
    checks.path_like("weights", weights, none=True)
    checks.path_like("work_dir", work_dir, none=True)
    if not isinstance(resume, bool):
        checks.path_like("resume", resume)


def _start_only(cfg: Config) -> None:
    """Lets a training save its start, and do no more."""
    hooks = cfg.get("default_hooks") or {}
    for name in ("knn", "representation", "curves"):
        hooks.pop(name, None)
    checkpoint = dict(hooks.get("checkpoint") or {"type": "CheckpointHook"})
    checkpoint.pop("save_best", None)
    hooks["checkpoint"] = {**checkpoint, "save_last": True}
    cfg.custom_hooks = [
        *(cfg.get("custom_hooks") or ()),
        {"type": "mmtaskssl.StartOnlyHook"},
    ]


def _texts(target: PathLike | Sequence[PathLike] | None) -> str | list[str] | None:
    """Returns paths as a config holds them."""
    if target is None or isinstance(target, str | os.PathLike):
        return None if target is None else os.fspath(target)
    return [os.fspath(folder) for folder in target]


def _result(runner: Runner, name: str) -> Pretrained:
    work_dir = Path(runner.work_dir)
    place = place_of(runner.cfg, runner.work_dir)
    last = place.pointed() if place else None
    checkpoint = place.folder / last if place and last else None
    try:
        history = training_rows(work_dir)
    except UserError:  # the config logs elsewhere, or this is not the first process
        history = []
    return Pretrained(
        name,
        runner.cfg,
        work_dir,
        checkpoint,
        runner.iter,
        history,
        main=is_main_process(),
        best=_best(runner),
    )


def _best(runner: Runner) -> Path | None:
    """Returns the checkpoint that `save_best` kept of its first rule."""
    for hook in runner.hooks:
        several = getattr(hook, "best_ckpt_path_dict", None) or {}
        path = getattr(hook, "best_ckpt_path", None) or next(iter(several.values()), "")
        if path and Path(path).is_file():
            return Path(path)
    return None
