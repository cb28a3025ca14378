"""The classifiers of the transfer protocol, against scikit-learn where it has them."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from mmtaskssl.evaluation import svm as svm_module
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.evaluation.linear import fit_linear
from mmtaskssl.evaluation.metrics import mean_per_class
from mmtaskssl.evaluation.svm import SVM_COSTS, linear_svm
from mmtaskssl.evaluation.transfer_probes import TRANSFER_WEIGHT_DECAYS, knn, linear
from mmtaskssl.utils.errors import UserError
from tests.test_evaluation.test_linear import blobs


def parts(*seeds, noise=2.0):
    """Rows around the same centres, with noise of their own."""
    x, y = blobs(per_class=12, noise=0.0)
    found = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        rows = x + noise * torch.randn(x.shape, generator=generator)
        found.append(LabeledFeatures(rows, y, ["a", "b", "c"]))
    return found


def test_the_grid_is_the_papers():
    assert len(TRANSFER_WEIGHT_DECAYS) == 45
    assert TRANSFER_WEIGHT_DECAYS[0] == 1e-6
    assert TRANSFER_WEIGHT_DECAYS[-1] == pytest.approx(1e5)
    steps = np.diff(np.log10(TRANSFER_WEIGHT_DECAYS))
    np.testing.assert_allclose(steps, 0.25)
    assert len(SVM_COSTS) == 26
    assert (SVM_COSTS[0], SVM_COSTS[-1]) == (1e-7, 100)
    assert {2.0**-19, 2.0**-4} <= set(SVM_COSTS)


def test_the_choice_is_made_on_validation_rows_and_fitted_on_both():
    train, val, test = parts(1, 2, 3)
    grid = (1e-3, 0.1, 10.0)
    scores, facts = linear(train, val, test, "mean_per_class", grid)
    qualities = {}
    for weight_decay in grid:
        scaler = StandardScaler().fit(train.x.double())
        model = LogisticRegression(
            C=1 / (weight_decay * len(train.x)), tol=1e-10, max_iter=10_000
        ).fit(scaler.transform(train.x.double()), train.y)
        found = model.decision_function(scaler.transform(val.x.double()))
        quality = 100 * mean_per_class(torch.from_numpy(found), val.y)
        qualities[weight_decay] = quality
    assert facts["val_score"] == pytest.approx(max(qualities.values()))
    chosen = facts["weight_decay"]
    assert qualities[chosen] == pytest.approx(max(qualities.values()))
    assert facts["at_end_of_grid"] == (chosen in (1e-3, 10.0))
    x, y = torch.cat([train.x, val.x]), torch.cat([train.y, val.y])
    scaler = StandardScaler().fit(x.double())
    model = LogisticRegression(C=1 / (chosen * len(x)), tol=1e-10, max_iter=10_000)
    model.fit(scaler.transform(x.double()), y)
    expected = model.decision_function(scaler.transform(test.x.double()))
    centred = scores - scores.mean(dim=1, keepdim=True)
    expected = expected - expected.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred, expected, atol=1e-3)


def test_other_validation_rows_choose_otherwise():
    """All weight decays are right alike, or wrong alike: the cross-entropy decides."""
    train, val, test = parts(1, 2, 3, noise=0.01)
    turned = LabeledFeatures(val.x, (val.y + 1) % 3, val.class_names)
    grid = (1e-3, 1e5)
    assert linear(train, val, test, "top1", grid)[1]["weight_decay"] == 1e-3
    assert linear(train, turned, test, "top1", grid)[1]["weight_decay"] == 1e5


def test_neighbours_come_from_both():
    train, val, test = parts(1, 2, 3)
    scores, facts = knn(train, val, test, "top1")
    x, y = torch.cat([train.x, val.x]), torch.cat([train.y, val.y])
    torch.testing.assert_close(scores, weighted_knn(x, y, test.x, 3))
    assert facts == {"k_used": 20}


def targets(y):
    several = torch.stack([y == 0, y != 1], dim=1).to(torch.int8)
    several[::5, 0] = -1
    several[1::7, 1] = -1
    return several


def test_open_labels_take_no_part_in_a_fit():
    x, y = blobs(noise=2.0)
    several = targets(y)
    ours = fit_linear(x, several, 2, 0.1, tolerance=1e-9)
    scaler = StandardScaler().fit(x.double())
    for c in range(2):
        known = several[:, c] >= 0
        # The mean is over all rows, so that one C serves classes with gaps.
        model = LogisticRegression(C=1 / (0.1 * len(x)), tol=1e-10, max_iter=10_000)
        model.fit(scaler.transform(x.double())[known], several[known, c])
        np.testing.assert_allclose(ours.weight[c], model.coef_[0], atol=1e-4)


def test_open_labels_do_not_vote():
    x = torch.eye(3)
    y = torch.tensor([[1, 0], [-1, 1], [-1, -1]], dtype=torch.int8)
    scores = weighted_knn(x, y, x, 2, k=1)
    assert scores.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_svm_of_each_class(monkeypatch):
    monkeypatch.setattr(svm_module, "SVM_COSTS", (1e-3, 1.0))
    x, y = blobs(noise=2.0)
    several = targets(y)
    scores, facts = linear_svm(x, several, x)
    assert len(facts["costs"]) == 2 and set(facts["costs"]) <= {1e-3, 1.0}
    unit = torch.nn.functional.normalize(x.double(), dim=1).numpy()
    for c in range(2):
        known = (several[:, c] >= 0).numpy()
        model = LinearSVC(
            C=facts["costs"][c], class_weight={1: 2, -1: 1}, max_iter=100_000, tol=1e-8
        ).fit(unit[known], np.where(several[known, c] > 0, 1, -1))
        np.testing.assert_allclose(
            scores[:, c], model.decision_function(unit), atol=1e-2
        )


def test_svm_refuses_what_it_cannot_learn():
    x, y = blobs()
    with pytest.raises(UserError, match="several labels an image"):
        linear_svm(x, y, x)
    several = torch.stack([y == 0, y >= 0], dim=1).to(torch.int8)
    with pytest.raises(UserError, match="class 1 has 60 images with it among 60"):
        linear_svm(x, several, x)
