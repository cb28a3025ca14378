"""What an arm is, and what it is made from."""

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

from mmengine.config import Config

from ...features.sources import StoreLike
from ...networks import Network, open_network
from ...subnets import Cost
from ..fit.body import Body
from ..fit.own import Own
from ..inspection.inspected import Inspected
from .recipes import Images

ImageList = Literal["selected", "random", "pool", "common"]


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """All that arms are made from: one pool, one target, one budget.

    Attributes:
        found: Pool and target.
        own: The network of ours that the budget pays for; None: it pays for none.
        body: The public start that the budget pays for; None: there is none.
        teacher: A start that may teach; None: there is none.
        lists: Files with the ids of the images to train on, by their kind.
        counts: Images in them.
        budget: In the user's words; "" where there is none.
        widths: Sub-nets of our network that the budgets of this run pay for, the
            widest first.
        stores: Features of the pool and of the target's training images; None: there
            are none.
        folder: Keeps what arms share.
        generic: Where the weights are that `Generic` ends with; None: it is not trained
            before the others.
        generic_long: The same of `GenericLong`.
    """

    found: Inspected
    own: Own | None
    body: Body | None
    teacher: Body | None
    lists: dict[str, Path]
    counts: dict[str, int]
    budget: str = ""
    widths: tuple[str, ...] = ()
    stores: tuple[StoreLike, StoreLike] | None = None
    folder: Path | None = None
    generic: Path | None = None
    generic_long: Path | None = None

    @property
    def takes_all(self) -> bool:
        """Whether all of the pool is selected: random images are the same ones."""
        return self.counts.get("selected", 0) >= len(self.found.pool_ids)


class Arm(ABC):
    """One way to a backbone.

    Attributes:
        name: Short, for tables and folders.
        control: Whether it is there to be compared with.
        reference: Whether it takes more than the others, and is not chosen for being
            as good; the verdict compares with it.
        images: What it trains on; None: it does not train.
        full: Iterations of a whole training.
        shared: Whether one training serves all budgets.
        on_demand: Whether it is raced only where it is asked for, by its name or by
            the diagnosis.
        goes_on: Whether it begins with the weights of a generic training.
        goes_on_long: Whether that is `GenericLong`, which is raced, then, too.
        seeded: Whether a seed draws it, though it does not train.
        of_pool: Whether its training sees nothing of the target, so that several
            targets share it.
    """

    name: ClassVar[str]
    control: ClassVar[bool] = False
    reference: ClassVar[bool] = False
    images: ClassVar[ImageList | None] = None
    full: ClassVar[int] = 0
    shared: ClassVar[bool] = False
    on_demand: ClassVar[bool] = False
    goes_on: ClassVar[bool] = False
    goes_on_long: ClassVar[bool] = False
    seeded: ClassVar[bool] = False
    of_pool: ClassVar[bool] = False

    @abstractmethod
    def what(self, case: Case) -> str:
        """Returns what it is, in words that go into a sentence."""

    @abstractmethod
    def refuses(self, case: Case) -> str | None:
        """Returns why it says nothing about this case; None: it does."""

    @abstractmethod
    def serves(self, case: Case) -> Own | Body:
        """Returns the network that it ends with."""

    def config(self, case: Case, iters: int) -> Config:
        """Returns the complete config of its training.

        Args:
            case: What it is made from.
            iters: Length of the training.
        """
        raise NotImplementedError(f"{self.name} does not train")

    def network(
        self, case: Case, config: Config | None, checkpoint: Path | None, seed: int
    ) -> Network:
        """Returns the network, trained if it trains.

        Args:
            case: What it is made from.
            config: Of its training; None: it does not train.
            checkpoint: The end of it.
            seed: Of weights that are drawn.
        """
        if config is None or checkpoint is None:
            raise ValueError(f"{self.name} trains first")
        return open_network((config, str(checkpoint)))

    def cost(self, case: Case) -> Cost | None:
        """Returns what an image costs at inference; None: its training decides."""
        return self.serves(case).cost

    def told_images(self, case: Case) -> str:
        """Returns what it trains on, in words: selected images, or random ones."""
        assert self.images is not None
        count = case.counts[self.images]
        if self.images == "random":
            return f"{count:,} random images of the pool"
        return f"the {count:,} selected images"

    def train_images(self, case: Case) -> Images:
        """Returns what it trains on."""
        kind = self.images
        assert kind is not None
        return Images(case.found.pool_root, case.lists[kind], case.counts[kind])
