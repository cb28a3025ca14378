from collections.abc import Mapping, Sequence

from mmengine.runner import Runner
from torch import nn
from torch.utils.data import ConcatDataset, Dataset

from mmtaskssl.engine.knn_pass import KNNPass
from mmtaskssl.registry import DATASETS, HOOKS
from mmtaskssl.utils.families import ClassMismatch, ConfigUnsuited

from .measuring import MeasuringHook


@HOOKS.register_module()
class KNNHook(MeasuringHook):
    """Measures the backbone in training: weighted kNN on labelled data sets.

    The features are the global average of the last feature map of the plain,
    un-augmented images. Several processes share them: each keeps the features of its
    own images only, normalised in float16 (of ImageNet and 2,048 channels 5.2 GB over
    the number of processes), test features go round, and the nearest of all processes
    are put together (see `KNNPass`). The copies use the first process's batch-norm
    statistics, so the result does not depend on their number.

    Logged as ``knn_top1``, in per cent, under which ``save_best`` of `CheckpointHook`
    and ``monitor`` of `EarlyStoppingHook` know it. Of several targets each is logged as
    ``NAME/knn_top1``, and their mean as ``knn_top1``; all go through the network in one
    pass, images that several of them have once. With ``subnets``, the plain network
    of each sub-net of an elastic backbone is measured instead, logged as
    ``0.5/knn_top1`` and so on. Where the sub-nets share batch norms, each first gets
    statistics of its own from the training images of this hook (1,024 of them at most).

    Args:
        train: Config of a data set with ``labels`` and ``class_names`` that votes; or
            of several, by the targets' names.
        test: Config of one that is classified, of the same classes; or of several, by
            the same names.
        interval: See `MeasuringHook`.
        by_epoch: See `MeasuringHook`.
        source: See `MeasuringHook`.
        subnets: See `MeasuringHook`.
        k: Neighbours.
        temperature: Of the votes.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    what = "knn"

    def __init__(
        self,
        train: dict,
        test: dict,
        interval: int = 10,
        by_epoch: bool = True,
        source: str = "online",
        subnets: Sequence[str | int] | str | None = None,
        k: int = 20,
        temperature: float = 0.07,
        batch_size: int = 128,
        num_workers: int = 0,
    ) -> None:
        super().__init__(interval, by_epoch, source, subnets, batch_size, num_workers)
        self.data_cfgs = train, test
        self.options = {
            "k": k,
            "temperature": temperature,
            "batch_size": batch_size,
            "num_workers": num_workers,
        }

    def prepare(self, runner: Runner) -> None:
        """Builds the data sets, so that bad ones show before training.

        Args:
            runner: Ignored.

        Raises:
            UserError: The classes or the targets of both parts differ.
        """
        train, test = map(_by_name, self.data_cfgs)
        if {*train} != {*test}:
            raise ClassMismatch(
                f"KNNHook's train and test name different targets: {', '.join(train)} "
                f"and {', '.join(test)}"
            )
        self.targets = {name: (train[name], test[name]) for name in train}
        for votes, tests in self.targets.values():
            classes, others = votes.class_names, tests.class_names
            if list(classes) != list(others):
                raise ClassMismatch(
                    "kNN's train and test images have different classes: "
                    f"{classes} and {others}"
                )
        self.train_set, self.test_set = next(iter(self.targets.values()))
        self.measure = KNNPass(self.targets, **self.options)

    def calibration_set(self) -> Dataset:
        """Returns the training images of all targets."""
        if len(self.targets) == 1:
            return self.train_set
        return ConcatDataset([train for train, _ in self.targets.values()])

    def scores(self, network: nn.Module, preprocessor: nn.Module) -> dict[str, float]:
        """Returns the accuracy on each target, and the mean.

        Args:
            network: In evaluation mode.
            preprocessor: Makes its images.
        """
        found = self.measure.top1(network, preprocessor)
        named = {f"{name}/knn_top1": value for name, value in found.items() if name}
        return {**named, "knn_top1": sum(found.values()) / len(found)}

    def describe(self) -> str:
        """Returns the number of images that were classified."""
        return f"{sum(len(test) for _, test in self.targets.values())} images"


def _by_name(cfg: Mapping) -> dict[str, Dataset]:
    """Builds one data set, whose name is empty, or several."""
    cfgs = {"": cfg} if "type" in cfg else cfg
    if not cfgs:
        raise ConfigUnsuited("KNNHook has no data set to measure on")
    return {name: DATASETS.build(data) for name, data in cfgs.items()}
