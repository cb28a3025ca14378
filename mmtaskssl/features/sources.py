"""Features wherever they come from: a store, its folder, or images and a network."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..utils import checks
from ..utils.errors import option
from ..utils.families import BadValue
from ..utils.remote import files
from ..utils.remote.addresses import address_of, is_remote, learned
from . import layout
from .store import FeatureStore

if TYPE_CHECKING:
    from .opening import NetworkLike
    from .runner import BatchRunner

#: A store, its folder, or (with a network) images: a folder or list of them.
StoreLike: TypeAlias = FeatureStore | str | os.PathLike


def is_store(source: str | os.PathLike) -> bool:
    """Whether a folder, here or at an address, is that of a feature store."""
    (plain,) = learned([os.fspath(source)])
    if is_remote(plain):
        return files.is_file(f"{address_of(plain).rstrip('/')}/{layout.MANIFEST}")
    return Path(plain, layout.MANIFEST).is_file()


def open_stores(
    sources: Sequence[StoreLike], network: "NetworkLike | BatchRunner | None" = None
) -> list[FeatureStore]:
    """Opens stores; extracts, in memory, what are images.

    Args:
        sources: Stores, their folders, or images.
        network: Extracts those that are images, see `extract`; None: there are none.

    Raises:
        UserError: See `FeatureStore.open` and `extract`.
    """
    stores: list[FeatureStore] = []
    unused = network
    for source in sources:
        if not isinstance(source, StoreLike):
            raise BadValue(
                "features are a feature store or its folder, or images beside "
                f"{option('network')}, not {checks.shown(source)}"
            )
        if isinstance(source, FeatureStore):
            stores.append(source)
        elif network is None or is_store(source):
            stores.append(FeatureStore.open(source))
        else:
            from .extract import extract  # torch, which stores need not
            from .opening import open_runner
            from .runner import BatchRunner

            unused = None
            if not isinstance(network, BatchRunner):
                network = open_runner(network)  # once for all of them
            stores.append(extract(network, source))
    checks.unused("where there are images: these are stores", network=unused)
    return stores
