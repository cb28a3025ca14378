"""One guarded door from anything that holds a network to a `Network`."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine.config import Config
from torch import Tensor

from ..config import ExportInfo, load_config
from ..utils import checks
from ..utils.errors import UserError, option
from ..utils.families import FileMissing, NoWeights, OptionConflict
from ..utils.paths import resolve_config
from ..weights import Checkpoint, load_backbone, load_state_dict, load_weights
from . import library
from .build import backbone_config, build_backbone, initialize, with_subnets
from .named import (
    NetworkLike,
    NetworkName,
    Trained,
    apart,
    check_agrees,
    check_name,
    held_network,
    split_weights,
)
from .network import Network
from .preprocessing import preprocessing_of, said_preprocessing

# Where the algorithms keep the backbone of their averaged encoder: MoCo's key encoder,
# BYOL's target network, MoCo v3's encoder, each an averaged Sequential(backbone, neck).
EMA_PREFIXES = (
    "encoder_k.module.0.",
    "target_net.module.0.",
    "momentum_encoder.module.0.",
)
# A bare state dict is one that was exported for the downstream frameworks.
ONLINE_PREFIXES = ("backbone.", "module.backbone.", "")
_PREFIXES = {"online": ONLINE_PREFIXES, "ema": EMA_PREFIXES}
# Of classifiers, which are no part of a backbone.
_HEADS = ("fc.", "head.")


def open_network(
    network: NetworkLike,
    checkpoint: str | os.PathLike | None = None,
    *,
    source: Literal["online", "ema"] = "online",
    seed: int = 0,
    trust: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    weights: str | os.PathLike | None = None,
    subnets: bool = False,
) -> Network:
    """Opens whatever holds a network.

    Nothing is downloaded, and no code in a file of weights is run.

    Args:
        network: A training config (ours, or one of mmdet, mmseg, mmcls or mmselfsup)
            or its file; a folder that `export` wrote; ``torchvision:NAME`` or
            ``timm:NAME``, either also with ``=FILE``. Or one of these and its weights,
            as a pair; or the result of a training, a calibration, or an export. A
            `Network` is returned as it is: what is named beside it must agree with it.
        checkpoint: Weights: of a training, calibrated, a bare state dict, or any other
            layout that is known; "random" for a network that is not trained. A config
            needs some; an export has its own; a library's name without any takes the
            library's own, "default", if its download cache or an installed package
            has them.
        source: "online", or "ema" for the averaged encoder (MoCo's key encoder, BYOL's
            target network) in the checkpoint of a pre-training.
        seed: Of weights that are drawn.
        trust: Load a checkpoint even if that runs code in it.
        cfg_options: Changes to a config, by dotted keys.
        weights: The same as ``checkpoint``.
        subnets: The network must have sub-nets; a plain ResNet then becomes the largest
            of a space of one.

    Returns:
        The network, on the CPU, in evaluation mode.

    Raises:
        UserError: No such config, name, or file; no weights, or those of another
            architecture; or a network without sub-nets where they are asked for.
    """
    checks.one_of("source", source, tuple(_PREFIXES))
    checks.seed(seed)
    checks.options_of("cfg_options", cfg_options)
    network, checkpoint = apart(network, checkpoint)
    checks.path_like("checkpoint", checkpoint, none=True)
    checks.path_like("weights", weights, none=True)
    if (known := held_network(network)) is not None:
        check_agrees(known, (checkpoint, weights), source, seed, cfg_options)
        known.check_finite()  # whoever made it
        return known if not subnets else _with_subnets(known)
    if isinstance(network, Trained) and not isinstance(network, Config):
        checkpoint = network.checkpoint if checkpoint is None else checkpoint
        network = network.config
    if None not in (checkpoint, weights):
        raise OptionConflict(f"two kinds of weights, {checkpoint}, {weights}: name one")
    checkpoint = weights if checkpoint is None else checkpoint
    checkpoint = None if checkpoint is None else os.fspath(checkpoint)
    if not isinstance(network, Config):
        check_name(network)
    cfg, name, found = _find(network, checkpoint, cfg_options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if cfg is None:
            opened = _from_library(name, found, source, seed, trust)
            return _with_subnets(opened) if subnets else opened
        return _from_config(cfg, name, found, source, seed, trust, subnets)


def _find(
    network: NetworkName,
    checkpoint: str | None,
    cfg_options: Mapping[str, Any] | None,
) -> tuple[Config | None, str, str]:
    """Returns the config (None: of a library), the name and the weights."""
    if isinstance(network, Config):
        cfg, name = network, network.filename or "in memory"
        if cfg_options:
            raise OptionConflict("options are of a config's file: merge them yourself")
    else:
        name = os.fspath(network)
        made = library.is_library_name(name) or Path(name).is_dir()
        if cfg_options and made:
            raise OptionConflict(
                f"{name} has no config to change: {option('cfg_options')} need one"
            )
        if library.is_library_name(name):
            name, checkpoint = split_weights(name, checkpoint)
            return None, name, checkpoint or "default"
        if Path(name).is_dir():
            if checkpoint not in (None, "random"):
                raise OptionConflict(
                    f"{name} is an export, which has its own weights: name no others, "
                    "but 'random' for its architecture untrained"
                )
            export = ExportInfo.read(name, trained=checkpoint is None)
            return export.network_config(), name, checkpoint or str(export.weights)
        if not checkpoint:
            _check_there(name)
            raise _lacks_weights(name)
        cfg = load_config(name, dict(cfg_options or {}))
    if not checkpoint:
        raise _lacks_weights(name)
    return cfg, name, checkpoint


def _check_there(name: str) -> None:
    """Refuses a name that is neither a config's nor a folder's."""
    if "::" not in name and not Path(name).exists():
        try:
            resolve_config(name)
        except UserError as error:
            raise FileMissing(
                f"{name} does not exist: name a config, or the folder of an export"
            ) from error


def _lacks_weights(name: str) -> UserError:
    return NoWeights(
        f"config {name} needs weights: a checkpoint, or 'random' for an untrained "
        "network"
    )


def _from_library(
    name: str, checkpoint: str, source: str, seed: int, trust: bool
) -> Network:
    if source == "ema":
        raise NoWeights(f"{name} has no averaged encoder")
    weights = None if checkpoint == "random" else checkpoint
    model = library.build(name, weights, trust)
    return Network(
        model.body,
        name,
        "random" if weights is None else "online",
        model.preprocessing,
        checkpoint=None if model.weights is None else str(model.weights),
        seed=seed,
    )


def _from_config(
    cfg: Config,
    name: str,
    checkpoint: str,
    source: Literal["online", "ema"],
    seed: int,
    trust: bool,
    subnets: bool,
) -> Network:
    if checkpoint == "random" and source == "ema":
        raise NoWeights(
            f"weights that are drawn have no averaged encoder: {option('source')} "
            "'ema' needs the checkpoint of a pre-training"
        )
    backbone = build_backbone(cfg, name)
    if subnets:
        backbone = with_subnets(backbone, name)
    network = Network(
        backbone,
        name,
        "random",
        said_preprocessing(cfg, name),
        cfg,
        seed=seed,
        body=backbone_config(cfg, name),
    )
    if checkpoint == "random":
        initialize(backbone, trust)
        return network
    return _loaded(network, load_state_dict(checkpoint, trust), source, checkpoint)


def open_architecture(
    config: str | os.PathLike | Config, cfg_options: Mapping[str, Any] | None = None
) -> Network:
    """Opens the backbone of a config without weights, for its sub-nets and costs.

    Args:
        config: See `open_network`.
        cfg_options: See `open_network`.

    Returns:
        The network on the "meta" device: it takes no memory, and computes nothing.

    Raises:
        UserError: No such config, or no backbone in it.
    """
    if not isinstance(config, Config):
        config = load_config(os.fspath(config), dict(cfg_options or {}))
    name = config.filename or "in memory"
    return Network(
        build_backbone(config, name, "meta"),
        name,
        "random",
        preprocessing_of(config),
        config,
        body=backbone_config(config, name),
    )


def averaged_of(network: Network) -> Network | None:
    """Returns the moving average of a trained network, from the same checkpoint.

    Args:
        network: Of a config and the checkpoint of a pre-training.

    Returns:
        None: the checkpoint holds none.
    """
    cfg, checkpoint = network.config, network.checkpoint
    if cfg is None or checkpoint is None:
        return None
    if not any(key.startswith(EMA_PREFIXES) for key in network.state):
        return None
    with torch.random.fork_rng(devices=[]):  # construction draws
        backbone = build_backbone(cfg, network.name)
        if network.space is not None:
            backbone = with_subnets(backbone, network.name)
    fresh = dataclasses.replace(network, backbone=backbone)
    return _loaded(fresh, network.state, "ema", checkpoint)


def _loaded(
    network: Network,
    state: Mapping[str, Tensor],
    source: Literal["online", "ema"],
    checkpoint: str,
) -> Network:
    prefixes = _PREFIXES[source]
    if source == "online" and _is_of_others(network, state):
        found = Checkpoint.of(state, checkpoint)
        load_backbone(network.backbone, found)
        return dataclasses.replace(
            network, encoder=source, checkpoint=checkpoint, state=found.backbone
        )
    load_weights(network.backbone, state, prefixes, source=checkpoint, ignore=_HEADS)
    prefix = next((p for p in prefixes if any(k.startswith(p) for k in state)), "")
    return dataclasses.replace(
        network, encoder=source, checkpoint=checkpoint, state=state, prefix=prefix
    )


def _is_of_others(network: Network, state: Mapping[str, Tensor]) -> bool:
    """Whether neither a backbone nor the network's own names are in a checkpoint."""
    if any(key.startswith(ONLINE_PREFIXES[:-1]) for key in state):
        return False
    return not network.backbone.state_dict().keys() & state.keys()


def _with_subnets(known: Network) -> Network:
    return dataclasses.replace(known, backbone=with_subnets(known.backbone, known.name))
