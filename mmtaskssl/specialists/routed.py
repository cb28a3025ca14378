"""Which of several networks suits a task."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..networks import Network
from ..routing import output
from ..routing.result import Routing
from ..runs import State
from ..utils.atomic import write_json
from ..weights import save_state_dict

_WEIGHTS, _SHARES = "weights.pth", "network.json"


@dataclasses.dataclass(frozen=True)
class Named:
    """A network among several, in place of a sub-net.

    Attributes:
        name: Of the network.
    """

    name: str

    def __str__(self) -> str:
        return self.name


@dataclasses.dataclass(frozen=True, eq=False)
class SpecialistRouting(Routing):
    """The network that suits a task, and what speaks for it.

    Attributes:
        chosen: It; a mean of several, where that is the answer.
        leaves: Clusters that each specialist was trained on.
    """

    chosen: Network | None = dataclasses.field(default=None, repr=False)
    leaves: Mapping[str, tuple[int, ...]] = dataclasses.field(
        default_factory=dict, repr=False
    )

    @property
    def answer(self) -> Any:
        """The network to use."""
        return self.winner.subnet

    def label(self, subnet: Any) -> str:
        """See `Routing.label`."""
        return subnet.name

    def leaves_of(self, subnet: Any) -> Any:
        """See `Routing.leaves_of`."""
        return list(self.leaves.get(subnet.name, ())) or None

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes what `Routing.save` writes, and the weights of the answer.

        weights.pth holds the backbone's by its own names, network.json what it is.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = output.work_of(self.depends_on)
        work = dataclasses.replace(work, files=(*work.files, _WEIGHTS, _SHARES))
        if work.state(folder, overwrite) is State.COMPLETE:
            return Path(folder)
        assert self.chosen is not None
        with work.written(folder) as temporary:
            output.write(temporary, self.to_dict(), self.ranking, self.page())
            save_state_dict(self.chosen.backbone.state_dict(), temporary / _WEIGHTS)
            facts = {"name": self.answer.name, "changed": self.chosen.changed}
            write_json(temporary / _SHARES, facts)
        return Path(folder)
