"""Networks that other frameworks load, in memory and as folders."""

import dataclasses
import functools
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from ..networks import Network
from ..report.result import Result
from ..runs import State, Work, has_types
from ..utils.errors import UserError
from ..utils.families import OptionMissing, UnknownName
from ..utils.hashing import file_sha256
from ..utils.inputs import read_json
from ..utils.redaction import redacted_value
from ..weights import save_state_dict
from .names import FORMATS

META, FRAGMENT = "meta.json", "config.py"
Format = Literal["pth", "safetensors"]
# What version 0.1 wrote there.
_OF_0_1 = {
    **dict.fromkeys(("subnet", "weights", "weights_sha256", "mmtaskssl"), str),
    **dict.fromkeys(("arch", "plain_network", "source"), dict),
    **dict.fromkeys(("macs", "params", "image_size"), int),
    **dict.fromkeys(("out_channels", "pyramid"), list),
}
_FILES = (META, FRAGMENT, *(f"weights.{name}" for name in FORMATS))


@dataclasses.dataclass(frozen=True, eq=False)
class Export(Result):
    """A network without sub-nets, that other frameworks build and load.

    Attributes:
        state: Its weights, on the CPU: of a sub-net under the names of torchvision and
            OpenMMLab, of a library's network under the library's.
        facts: Costs, shape, and where the weights come from; JSON-ready.
        origin: The network that it was made from, or is a part of.
    """

    state: Mapping[str, Tensor] = dataclasses.field(repr=False)
    facts: Mapping[str, Any] = dataclasses.field(repr=False)
    origin: Network = dataclasses.field(repr=False)

    @property
    @abstractmethod
    def name(self) -> str:
        """Of the folder that `Exports.save` makes."""

    def is_called(self, name: str) -> bool:
        """Whether a name, or an anchor, is this export's."""
        return name == self.name

    @abstractmethod
    def build(self) -> nn.Module:
        """Returns the network, on the "meta" device."""

    @property
    @abstractmethod
    def inputs(self) -> dict[str, Any]:
        """What tells this export from any other; JSON-ready."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What the network is, for a table."""

    @abstractmethod
    def fragment(self, weights: str | None) -> str:
        """Returns a config that defines the backbone for each host.

        Args:
            weights: Name of a file in the config's folder; None: none is named.
        """

    @functools.cached_property
    def network(self) -> Network:
        """The network, as a value for other verbs; of its weights as exported."""
        plain = self.build()
        plain.load_state_dict(dict(self.state), strict=True, assign=True)
        body = self.facts["plain_network"]
        return dataclasses.replace(
            self.origin, backbone=plain, state=self.state, prefix="", body=body
        )

    @property
    def costs(self) -> str:
        """Multiply-accumulates and parameters, for a table."""
        facts = self.facts
        return (
            f"{facts['macs'] / 1e9:.2f} GMAC at {facts['image_size']} px, "
            f"{facts['params'] / 1e6:.2f} M parameters"
        )

    def table(self) -> str:
        """Returns kind and costs, in a line."""
        return (
            f"{self.name}: {self.kind}, {self.costs}, difference to the network that "
            f"it was made from {self.facts['difference']:.1e}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns what meta.json says, but for the names of files."""
        return dict(self.facts)

    def work(self, file_format: Format = "pth") -> Work:
        """Returns the record of the folder that `save` writes."""
        inputs = {**self.inputs, "format": file_format}
        return Work("export", 1, inputs, _FILES, "an export", _inputs_of_0_1)

    def save(
        self,
        folder: str | Path,
        overwrite: bool = False,
        file_format: Format = "pth",
    ) -> Path:
        """Writes weights.pth (or .safetensors), meta.json and config.py.

        config.py has a backbone for mmdet, mmseg and mmselfsup to inherit or to paste.

        Args:
            folder: See `Result.save`. An export of the same weights is left as it is.
            overwrite: See `Result.save`.
            file_format: "pth" (loads with ``weights_only=True``) or "safetensors".

        Raises:
            UserError: See `Result.save`; or no such format.
        """
        if file_format not in FORMATS:
            raise UnknownName(
                f"format must be one of {', '.join(FORMATS)}: {file_format!r}"
            )
        work = self.work(file_format)
        if work.state(folder, overwrite) is State.COMPLETE:
            return Path(folder)
        weights = f"weights.{file_format}"
        with work.written(folder) as temporary:
            save_state_dict(self.state, temporary / weights)
            digest = file_sha256(temporary / weights)
            meta = {**self.facts, "weights": weights, "weights_sha256": digest}
            text = json.dumps(redacted_value(meta), indent=2) + "\n"
            (temporary / META).write_text(text, encoding="utf-8")
            # mmengine reads no safetensors, so its config cannot name such a file.
            named = weights if file_format == "pth" else None
            (temporary / FRAGMENT).write_text(self.fragment(named), encoding="utf-8")
        return Path(folder)


@dataclasses.dataclass(frozen=True, eq=False)
class Exports(Result, Sequence[Export]):
    """Several exports, in the order in which they were asked for.

    Attributes:
        items: One a sub-net, or that of a network without any.
    """

    items: tuple[Export, ...]

    @property
    def network(self) -> Network:
        """The plain network, of one export.

        Raises:
            UserError: There are several.
        """
        if len(self.items) != 1:
            names = ", ".join(item.name for item in self.items)
            raise OptionMissing(
                f"these are several networks, {names}: name one, such as exports[NAME]"
            )
        return self.items[0].network

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Export]:
        return iter(self.items)

    def __getitem__(self, key: Any) -> Any:
        """Returns an export by its place, its name, or its sub-net's anchor."""
        if not isinstance(key, str):
            return self.items[key]
        found = next((item for item in self.items if item.is_called(key)), None)
        if found is None:
            names = ", ".join(item.name for item in self.items)
            raise UnknownName(f"there is no export {key}, but {names}")
        return found

    def table(self) -> str:
        """Returns a line for each."""
        return "\n".join(item.table() for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        """Returns what is known of each, by its name."""
        return {item.name: item.to_dict() for item in self.items}

    def save(
        self,
        folder: str | Path,
        overwrite: bool = False,
        file_format: Format = "pth",
    ) -> Path:
        """Writes each export to ``folder/NAME``; what else is there stays.

        Args:
            folder: Is made.
            overwrite: Replace earlier exports of these names.
            file_format: See `Export.save`.

        Raises:
            UserError: See `Export.save`; then none is written.
        """
        for item in self.items:
            item.work(file_format).state(Path(folder, item.name), overwrite)
        for item in self.items:
            item.save(Path(folder, item.name), overwrite, file_format)
        return Path(folder)


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns the inputs of an export from before it had a record."""
    try:
        meta = read_json(folder / META)
        weights = folder / Path(meta["weights"]).name
        if not has_types(meta, _OF_0_1) or (
            weights.exists() and file_sha256(weights) != meta["weights_sha256"]
        ):
            return None
        inputs = {key: meta[key] for key in ("subnet", "image_size", "source")}
        return {**inputs, "format": Path(meta["weights"]).suffix[1:]}
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None
