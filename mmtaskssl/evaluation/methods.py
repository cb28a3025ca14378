"""The classifiers of frozen features, as `run_probe` runs them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import torch.nn.functional as F
from torch import Tensor

from ..utils.families import UnknownName
from .data import LabeledFeatures
from .knn import weighted_knn
from .linear import WEIGHT_DECAYS, linear_probe
from .protocol import Method
from .svm import linear_svm


def knn_method(k: int = 20, temperature: float = 0.07) -> Method:
    """Returns weighted kNN; its runs report ``k_used``, clipped to the images.

    Args:
        k: Neighbours.
        temperature: Of their votes.
    """

    def knn(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        classes = len(train.class_names)
        scores = weighted_knn(train.x, train.y, test.x, classes, k, temperature)
        return scores, {"k_used": min(k, len(train.x))}

    return knn


def linear_method(weight_decays: Sequence[float] = WEIGHT_DECAYS) -> Method:
    """Returns logistic regression; its runs report the ``weight_decay`` it chose.

    Args:
        weight_decays: The grid to choose from.
    """

    def linear(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        classes = len(train.class_names)
        model = linear_probe(train.x, train.y, classes, weight_decays, seed)
        return model.scores(test.x), {"weight_decay": model.weight_decay}

    return linear


def svm_method() -> Method:
    """Returns one linear SVM a class, see `linear_svm`; its runs report ``costs``.

    Images with one label are positive for it and negative for all others.
    """

    def svm(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        y = train.y
        if y.dim() == 1:
            y = F.one_hot(y.long(), len(train.class_names))
        return linear_svm(train.x, y, test.x)

    return svm


@dataclass(frozen=True)
class Probe:
    """A classifier with its settings.

    Attributes:
        name: As tables call it.
        method: Fits and scores.
        settings: JSON-ready.
        remarks: Makes lines for a reader from the runs.
    """

    name: str
    method: Method = field(repr=False)
    settings: Mapping[str, Any]
    remarks: Callable[[Sequence[Mapping[str, Any]]], list[str]] = field(
        default=lambda runs: [], repr=False
    )


#: What `make_probes` takes.
ProbeName: TypeAlias = Literal["knn", "linear", "few-shot-svm"]
PROBE_NAMES: tuple[ProbeName, ...] = get_args(ProbeName)


def make_probes(
    names: Sequence[str],
    k: int = 20,
    temperature: float = 0.07,
    weight_decays: Sequence[float] = WEIGHT_DECAYS,
) -> list[Probe]:
    """Returns probes by their names, each once.

    Args:
        names: Of `PROBE_NAMES`.
        k: Of kNN, see `knn_method`.
        temperature: Of kNN.
        weight_decays: Of logistic regression, see `linear_method`.

    Raises:
        UserError: An unknown name, or none.
    """

    def clipped(runs: Sequence[Mapping[str, Any]]) -> list[str]:
        used = runs[0]["k_used"]
        said = f"note: k is {used}, as many as there are training images"
        return [said] if used < k else []

    def chosen(runs: Sequence[Mapping[str, Any]]) -> list[str]:
        found = sorted({run["weight_decay"] for run in runs})
        return ["weight decay    " + ", ".join(f"{value:g}" for value in found)]

    known = {
        "knn": lambda: Probe(
            "kNN",
            knn_method(k, temperature),
            {"k": k, "temperature": temperature},
            clipped,
        ),
        "linear": lambda: Probe(
            "linear",
            linear_method(weight_decays),
            {"protocol": "cross-validated", "weight_decays": sorted(weight_decays)},
            chosen,
        ),
        "few-shot-svm": lambda: Probe(
            "few-shot SVM", svm_method(), {"protocol": "few-shot-svm"}
        ),
    }
    names = list(dict.fromkeys(names))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UnknownName(
            f"unknown probe {unknown[0] if unknown else ''!r}; one or more of: "
            + ", ".join(PROBE_NAMES)
        )
    return [known[name]() for name in names]
