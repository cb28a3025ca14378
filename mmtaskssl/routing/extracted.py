"""Features of sub-nets on a task's images, each computed once."""

from collections.abc import Callable, Sequence

from torch import Tensor

from ..clustering.cluster_sample import ClusterSample
from ..models.backbones import ElasticResNet
from ..subnets import Subnet
from ..utils.clock import Clock
from .shared import SharedPaths
from .task import Task

ProgressFactory = Callable[[str, int], Callable[[int], None]]


class PathFeatures:
    """Runs sub-nets on a task's images, those asked for together in one reading.

    Args:
        backbone: In evaluation mode, all paths calibrated.
        task: Training images of the task.
        batch_size: Most images at once.
        clock: Counts the time of "features".
        progress: Makes, from a title and a total, a function told how many are done.

    Attributes:
        stages (list[int]): Stems and stages run a batch, and the same without sharing.
    """

    def __init__(
        self,
        backbone: ElasticResNet,
        task: Task,
        batch_size: int,
        clock: Clock,
        progress: ProgressFactory | None = None,
    ) -> None:
        self.backbone, self.task, self.batch_size = backbone, task, batch_size
        self.clock, self.progress = clock, progress
        self.stages = [0, 0]
        self._known: dict[Subnet, Tensor] = {}

    def __getitem__(self, subnet: Subnet) -> Tensor:
        """Returns (N, D) float32."""
        self.add([subnet])
        return self._known[subnet]

    def of(self, subnets: Sequence[Subnet]) -> list[Tensor]:
        """Returns (N, D) float32 of each."""
        self.add(subnets)
        return [self._known[subnet] for subnet in subnets]

    def add(self, subnets: Sequence[Subnet]) -> None:
        """Computes what is not known yet."""
        fresh = [s for s in dict.fromkeys(subnets) if s not in self._known]
        if not fresh:
            return
        shared = SharedPaths(self.backbone, fresh)
        self.stages[0] += shared.stages_run
        self.stages[1] += shared.stages_alone
        count = len(self.task)
        with self.clock.part("features"):
            found = shared.features(
                self.task.batches(self.batch_size),
                count,
                self.progress and self.progress("features", count),
            )
        self._known |= zip(fresh, found, strict=True)

    def of_pool(self, subnet: Subnet, sample: ClusterSample) -> Tensor:
        """Returns (M, D) float32 of a sub-net on images of the clusters."""
        count = len(sample)
        shared = SharedPaths(self.backbone, [subnet])
        return shared.features(
            sample.ordered_batches(),
            count,
            self.progress and self.progress("pool", count),
        )[0]
