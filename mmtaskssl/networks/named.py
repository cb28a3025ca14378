"""What names or holds a network, and what may be said beside it."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from mmengine.config import Config

from ..utils import checks
from ..utils.errors import option
from ..utils.families import BadValue, OptionConflict, UnknownNetwork
from .network import Network


@runtime_checkable
class Trained(Protocol):
    """What a training made.

    Attributes:
        config: Its complete config.
        checkpoint: Its weights.
    """

    @property
    def config(self) -> Config:
        """See above."""

    @property
    def checkpoint(self) -> str | os.PathLike | None:
        """See above."""


@runtime_checkable
class HasNetwork(Protocol):
    """What holds a network: a calibration, an export.

    Attributes:
        network: It.
    """

    @property
    def network(self) -> Network:
        """See above."""


#: A config, an export's folder, ``torchvision:NAME`` or ``timm:NAME``.
NetworkName: TypeAlias = str | os.PathLike | Config
#: A `Network`, or one of these, alone or with its weights (a file, or "random"); or the
#: result of a training, a calibration, or an export.
NetworkLike: TypeAlias = (
    Network
    | NetworkName
    | tuple[NetworkName, str | os.PathLike | None]
    | Trained
    | HasNetwork
)


def held_network(network: Any) -> Network | None:
    """Returns the `Network` that a value is, or holds; None: it is to be opened.

    Args:
        network: See `open_network`.

    Raises:
        UserError: Several exports, of which one is to be named.
    """
    if isinstance(network, tuple) and len(network) == 2:
        network = network[0]
    if isinstance(network, Network):
        return network
    if isinstance(network, str | os.PathLike | Config):
        return None
    found = getattr(network, "network", None)
    return found if isinstance(found, Network) else None


def apart(network: Any, checkpoint: Any) -> tuple[Any, Any]:
    """Returns the network and the weights of a pair, or both as they are.

    Args:
        network: See `open_network`.
        checkpoint: See `open_network`.

    Raises:
        UserError: No pair, or two kinds of weights.
    """
    if not isinstance(network, tuple):
        return network, checkpoint
    if len(network) != 2:
        raise BadValue(
            "a network and its weights are a pair, (network, weights), not "
            + checks.shown(network)
        )
    network, given = network
    if None not in (checkpoint, given):
        raise OptionConflict(
            f"two kinds of weights, {given} and {checkpoint}: name one"
        )
    return network, given if checkpoint is None else checkpoint


def split_weights(
    network: str, weights: str | os.PathLike | None = None
) -> tuple[str, str | None]:
    """Splits ``NETWORK=FILE``.

    Args:
        network: Either of both.
        weights: A file that is named apart.

    Raises:
        UserError: Two files of weights.
    """
    found = None if weights is None else os.fspath(weights)
    if "=" in network and not os.path.exists(network):
        network, _, file = network.partition("=")
        if found is not None:
            raise OptionConflict(f"two kinds of weights, {file} and {found}: name one")
        found = file
    return network, found


def check_name(network: Any) -> None:
    """Refuses what names no network.

    Args:
        network: Neither a `Network` nor a config.

    Raises:
        UserError: It is none.
    """
    name = os.fspath(network) if isinstance(network, str | os.PathLike) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise UnknownNetwork(
            "a network is a config or its file, the folder of an export, "
            "torchvision:NAME, timm:NAME, one of these and its weights as a pair, or "
            f"a value that holds one, not {checks.shown(network)}"
        )


def check_agrees(
    network: Network,
    weights: Iterable[Any],
    source: str,
    seed: int,
    cfg_options: Mapping[str, Any] | None,
) -> None:
    """Refuses what says of an open network something that it is not.

    Args:
        network: It.
        weights: Files, or "random"; None: not given.
        source: See `open_network`.
        seed: See `open_network`.
        cfg_options: See `open_network`.

    Raises:
        UserError: One is of another network.
    """
    for given in weights:
        if given is not None and not _has_weights(network, os.fspath(given)):
            has = network.checkpoint or f"{network.encoder} weights"
            raise OptionConflict(
                f"this network of {network.name} is open already, with {has}: it takes "
                f"no other weights, {given}; open its config with them"
            )
    if source == "ema" and network.encoder != "ema":
        raise OptionConflict(
            f"this network of {network.name} is open already, with its "
            f"{network.encoder} weights: {option('source')} 'ema' is for opening one"
        )
    if not network.trained and seed not in (0, network.seed):
        raise OptionConflict(
            f"this network of {network.name} is open already, drawn with seed "
            f"{network.seed}: {option('seed')} {seed} is for opening one"
        )
    if cfg_options:
        raise OptionConflict(
            f"this network of {network.name} is open already: "
            f"{option('cfg_options')} are for opening one"
        )


def _has_weights(network: Network, weights: str) -> bool:
    if network.checkpoint is None:
        return weights == "random" and not network.trained
    return os.path.realpath(weights) == os.path.realpath(network.checkpoint)
