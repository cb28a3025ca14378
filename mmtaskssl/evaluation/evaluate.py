"""How good features are for a task: the whole way from a network or stores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..datasets.images import ImagesLike
from ..features.opening import NetworkLike, Running, check_running, open_runner
from ..features.store import FeatureStore
from ..runs import ResultFile
from ..utils import checks
from ..utils.devices import AUTO, pick_device
from ..utils.errors import option
from ..utils.families import BadValue, OptionConflict, OptionMissing
from .data import LabeledFeatures, labeled_pair, load_stores
from .evaluation import WHAT, Evaluation, is_evaluation
from .linear import WEIGHT_DECAYS
from .methods import PROBE_NAMES, ProbeName, make_probes
from .protocol import run_probe
from .subnet_evaluation import SubnetEvaluation
from .target import Log, Target, describe_network

if TYPE_CHECKING:
    from typing_extensions import Unpack

PathLike: TypeAlias = str | os.PathLike
#: Features of one split: a store, its folder, or features with labels.
Features: TypeAlias = FeatureStore | PathLike | LabeledFeatures


def evaluate(
    data: NetworkLike | tuple[Features, Features],
    target: PathLike | None = None,
    *,
    probe: ProbeName | Sequence[ProbeName] = "knn",
    shots: int | None = None,
    seeds: int = 1,
    k: int = 20,
    temperature: float = 0.07,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
    subnets: Sequence[str] | Literal["all"] | None = None,
    calibrate: ImagesLike | None = None,
    train_labels: PathLike | None = None,
    test_labels: PathLike | None = None,
    cache: PathLike | None = None,
    keep: PathLike | None = None,
    log: Log = lambda text: None,
    **running: Unpack[Running],
) -> Evaluation | SubnetEvaluation:
    """Measures frozen features by classifiers that are fitted on a task.

    Args:
        data: With ``target`` a network, see `open_extractor`. Without it the features
            of the training and of the test images, by one extractor.
        target: Folder with train/CLASS/IMAGE and test/CLASS/IMAGE.
        probe: ``knn``, ``linear`` (logistic regression) or ``few-shot-svm`` (one linear
            SVM a class, Goyal et al., 2019); or several.
        shots: Training images a class, drawn anew for each seed; None: all.
        seeds: Number of draws.
        k: Neighbours of kNN; as many as there are training images, at most.
        temperature: Of their votes.
        weight_decays: Logistic regression chooses among them on the training images.
        subnets: Of an elastic network: names of sub-nets, or "all" (of a large space,
            those that are calibrated), each measured as the plain network that it is.
        calibrate: Images (a folder or a list) for the batch-norm statistics of sub-nets
            that share norms, instead of the checkpoint's.
        train_labels: Labels instead of folders' or a store's, see `read_label_table`.
        test_labels: The same of the test images.
        cache: Folder that keeps the features of ``target``.
        keep: JSON file that keeps the result. Of sub-nets it is written after each, and
            those that stand there already, of the same weights, images and settings,
            are not measured again.
        log: Takes lines on the progress.
        **running: Of the network and of what runs it, see `open_runner`. Classifiers
            are fitted on its ``device``, too; its ``seed`` also draws the images of
            ``calibrate``.

    Returns:
        What was measured: a `SubnetEvaluation` with ``subnets``, else an `Evaluation`.

    Raises:
        UserError: Arguments that contradict, data or a network that cannot be used, or
            a file ``keep`` that is no earlier result.
    """
    names: Sequence[str] = [probe] if isinstance(probe, str) else probe
    checks.listed("probe", names, "names")
    for name in names:
        checks.one_of("probe", name, PROBE_NAMES)
    checks.whole("shots", shots, none=True)
    checks.whole("seeds", seeds)
    checks.whole("k", k)
    checks.finite("temperature", temperature, above=0)
    checks.listed("weight_decays", weight_decays, "numbers")
    if not weight_decays:
        raise BadValue(f"{option('weight_decays')} names none to choose among")
    for weight_decay in weight_decays:
        checks.finite("weight_decays", weight_decay, above=0)
    for what, place in (
        ("target", target),
        ("train_labels", train_labels),
        ("test_labels", test_labels),
        ("cache", cache),
        ("keep", keep),
    ):
        checks.path_like(what, place, none=True)
    checks.function("log", log)
    check_running(running)
    if target is None:
        network_only = {key: v for key, v in running.items() if key != "device"}
        of_use = f"with a network and {option('target')}"
        checks.unused(of_use, cache=cache, **network_only)
    probes = make_probes(names, k, temperature, weight_decays)
    if shots is None and "few-shot-svm" in names:
        raise OptionMissing(f"few-shot SVMs need {option('shots')}")
    file = None
    if keep is not None:
        file = ResultFile(Path(keep), WHAT, is_evaluation)
        file.read()  # before any work: anything else there is refused
    tables = {"train": _path(train_labels), "test": _path(test_labels)}
    task = None if target is None else Target(os.fspath(target), tables)
    if subnets is not None:
        from .subnets import evaluate_subnets

        return evaluate_subnets(
            *(data, task, probes, subnets, shots, seeds),
            calibrate=calibrate,
            cache=cache,
            file=file,
            log=log,
            **running,
        )
    if calibrate is not None:
        raise OptionConflict("images to calibrate with are of use only to sub-nets")
    if task is None:
        train, test = _read(data, tables)
    else:
        network: Any = data  # which `open_runner` looks at
        runner = open_runner(network, **running)
        train, test = task.features(runner, cache, log)
        description = runner.extractor.description
    device = pick_device(running.get("device", AUTO))
    train, test = train.to(device), test.to(device)
    facts = {
        "extractor": None if task is None else describe_network(data),
        "source": None if task is None else description["source"],
        "weights_sha256": None if task is None else description["weights_sha256"],
        "data": task.folder if task else _names(data),
    }
    results = {
        probe.name: run_probe(probe.method, train, test, shots, seeds)
        for probe in probes
    }
    result = Evaluation(probes, facts, results)
    if file is not None:
        file.write(result.to_dict())
    return result


def _read(
    data: Any, tables: Mapping[str, str | None]
) -> tuple[LabeledFeatures, LabeledFeatures]:
    if not isinstance(data, tuple) or len(data) != 2:
        raise OptionMissing(
            "name the data: the features of training and test images, or a network "
            "and a target"
        )
    labelled = [isinstance(part, LabeledFeatures) for part in data]
    if all(labelled):
        return labeled_pair(*data)
    if any(labelled):
        raise OptionConflict("either both splits are stores, or both labelled features")
    return load_stores(*data, *tables.values())


def _path(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)


def _names(data: Any) -> list[str]:
    return [_name(part) for part in data]


def _name(part: Features) -> str:
    if isinstance(part, LabeledFeatures):
        return "features"
    return str(part.path if isinstance(part, FeatureStore) else part)
