"""From whatever names a network to what runs it on images."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

import torch

from ..datasets.eval_transform import DECODES, FULL, EvalTransform
from ..networks import NetworkLike as AnyNetwork
from ..networks import open_network
from ..utils import checks
from ..utils.cores import num_cores
from ..utils.devices import AUTO, pick_device
from ..utils.errors import meant, option
from ..utils.families import OptionConflict, UnknownName
from .extractor import FeatureExtractor, extractor_of
from .runner import BatchRunner

#: Whatever holds a network, see `open_network`; or an extractor.
NetworkLike: TypeAlias = AnyNetwork | FeatureExtractor


class Running(TypedDict, total=False):
    """The options of `open_runner`, for functions that pass them on."""

    source: Literal["online", "ema"]
    seed: int
    trust: bool
    image_size: int | None
    batch_size: int
    workers: int | None
    device: str | torch.device
    amp: bool
    decode: Literal["full", "reduced"]


#: Those of them that say what is opened, not how it runs.
OPENING = frozenset(["source", "seed", "trust"])


def check_running(options: Mapping[str, Any]) -> None:
    """Refuses options that `open_runner` does not take, and their bad values.

    Args:
        options: See `Running`.

    Raises:
        UserError: Names the option.
    """
    known = Running.__annotations__
    for name in options:
        if name not in known:
            raise UnknownName(f"there is no option {name!r}{meant(name, known)}")
    checks.one_of("source", options.get("source", "online"), ("online", "ema"))
    checks.seed(options.get("seed", 0))
    checks.whole("image_size", options.get("image_size"), none=True)
    checks.whole("batch_size", options.get("batch_size", 1))
    checks.whole("workers", options.get("workers"), 0, none=True)
    checks.one_of("decode", options.get("decode", FULL), DECODES)
    for name in ("trust", "amp"):
        checks.flag(name, options.get(name, False))


def open_extractor(
    network: NetworkLike,
    source: Literal["online", "ema"] = "online",
    seed: int = 0,
    trust: bool = False,
) -> FeatureExtractor:
    """Returns the network that extracts features.

    Args:
        network: See `open_network`; an extractor is returned as it is.
        source: See `open_network`.
        seed: See `open_network`.
        trust: See `open_network`.

    Raises:
        UserError: See `open_network` and `extractor_of`.
    """
    if isinstance(network, FeatureExtractor):
        if source != "online" and source != network.description["source"]:
            raise OptionConflict(
                f"an extractor has its own weights, {network.description['source']}: "
                f"{option('source')} {source!r} is for opening a network"
            )
        return network
    opened = open_network(network, source=source, seed=seed, trust=trust)
    return extractor_of(opened)


def open_runner(
    network: NetworkLike,
    *,
    source: Literal["online", "ema"] = "online",
    seed: int = 0,
    trust: bool = False,
    image_size: int | None = None,
    batch_size: int = 128,
    workers: int | None = None,
    device: str | torch.device = AUTO,
    amp: bool = False,
    decode: Literal["full", "reduced"] = "full",
) -> BatchRunner:
    """Returns a network with all that reading images and running it takes.

    Args:
        network: See `open_extractor`, as for ``source``, ``seed`` and ``trust``.
        source: See above.
        seed: See above.
        trust: See above.
        image_size: Side of the centre crop, pixels; None: the network's, else 224.
        batch_size: Images at once.
        workers: Processes that read images; None: by the number of cores.
        device: See `pick_device`.
        amp: Half precision where the device is CUDA.
        decode: See `EvalTransform`.

    Raises:
        UserError: See `open_extractor` and `BatchRunner`.
    """
    check_running(
        {
            "source": source,
            "seed": seed,
            "trust": trust,
            "amp": amp,
            "image_size": image_size,
            "batch_size": batch_size,
            "workers": workers,
            "decode": decode,
        }
    )
    extractor = open_extractor(network, source, seed, trust)
    transform = EvalTransform(
        image_size or extractor.image_size or 224,
        extractor.mean,
        extractor.std,
        channel_order=extractor.channel_order,
        decode=decode,
    )
    device = pick_device(device)
    if workers is None:
        cores = num_cores()
        workers = min(cores, 8) if device.type == "cuda" else min(cores - 1, 4)
    return BatchRunner(extractor, transform, device, batch_size, workers, amp)
