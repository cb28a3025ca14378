"""Arms that train many networks at once, and serve one of them."""

from abc import abstractmethod
from pathlib import Path

from mmengine.config import Config

from ...export.calibrate import calibrate
from ...export.export import export
from ...networks import Network, open_network
from ...runs import Record
from ..fit.own import Own, is_ours
from .arm import Arm, Case
from .recipes import Images, from_scratch, taught
from .untrained import Untrained

SERVED = "served"


class SubnetArm(Arm):
    """One elastic network, taught by a start where there is one."""

    on_demand = True
    full = 1000

    @abstractmethod
    def elastic(self, case: Case) -> Own:
        """Returns the config and options of the network that is trained."""

    @abstractmethod
    def choose(self, case: Case, network: Network, folder: Path) -> str:
        """Returns the sub-net that serves.

        Args:
            case: Target and budget.
            network: Trained, with sub-nets.
            folder: Of the training; keeps what is found on the way.
        """

    def trained_on(self, case: Case) -> Images:
        """Returns what it trains on, which may have to be made first."""
        return self.train_images(case)

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := Untrained().refuses(case):
            return refused
        if case.own is not None and not is_ours(case.own.config):
            return "it is made for our own recipe, and this run has another one"
        return None

    def serves(self, case: Case) -> Own:
        """See `Arm`."""
        return self.elastic(case)

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        own, images = self.elastic(case), self.trained_on(case)
        if case.teacher is None:
            return from_scratch(own, images, iters)
        return taught(own, case.teacher, images, iters, elastic=True)

    def network(
        self, case: Case, config: Config | None, checkpoint: Path | None, seed: int
    ) -> Network:
        """See `Arm`.

        The plain network of the sub-net that serves, which is kept beside the weights.
        """
        if config is None or checkpoint is None:
            raise ValueError(f"{self.name} trains first")
        folder = checkpoint.parent / (f"{SERVED} {case.budget}".strip())
        record = Record.read(folder) if folder.is_dir() else None
        if record is None or not record.complete:
            network = open_network((config, str(checkpoint)))
            subnet = self.choose(case, network, checkpoint.parent)
            known = self.calibrated(case, network, subnet)
            (made,) = export(known, subnet, image_size=self.serves(case).side)
            made.save(folder)
        return open_network(folder)

    def calibrated(self, case: Case, network: Network, subnet: str) -> Network:
        """Returns the network with batch-norm statistics of a sub-net.

        Args:
            case: Whose images they are taken from: those that it trains on.
            network: Trained.
            subnet: Which.
        """
        if network.elastic.is_calibrated(network.resolve(subnet)):
            return network
        images = self.train_images(case)
        known = calibrate(
            *(network, subnet, str(images.selection)),
            num_images=min(1024, images.count),
            root=images.root,
        )
        return open_network(known)
