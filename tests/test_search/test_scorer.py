from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmtaskssl.search import scorer as scorer_module
from mmtaskssl.search.encoders import Encoder
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import MeanInterval, Scorer
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._files import MIDDLE

ALL = ["global", "dense", "dense-raw"]


def _calibrated(module, images):
    """In evaluation mode with the statistics of one batch, by the norms' own means."""
    module = deepcopy(module)
    norms = [
        m for m in module.modules() if isinstance(m, nn.modules.batchnorm._NormBase)
    ]
    seen = {}
    for norm in norms:
        norm.register_forward_pre_hook(
            lambda norm, inputs: seen.__setitem__(norm, inputs[0])
        )
    with torch.no_grad():
        module.train()(images)
        for norm in norms:
            x = seen[norm].transpose(0, 1).flatten(1)
            norm.running_mean, norm.running_var = x.mean(1), x.var(1, correction=0)
    return module.eval()


def _maps_and_embeddings(encoder, subnet, images, bn_images, batch=5):
    """Two passes: calibration on the first images, then evaluation in small batches."""
    plain = encoder.backbone.extract(subnet, uncalibrated_ok=True)
    body = _calibrated(plain, images[:bn_images])
    with torch.no_grad():
        maps = torch.cat([body(x)[-1] for x in images.split(batch)])
        neck = _calibrated(encoder.neck.extract(maps.shape[1]), maps[:bn_images])
        return maps, neck(maps)


def _reference(encoders, subnet, images, bn_images):
    """The three similarities of each image, by loops."""
    student = _maps_and_embeddings(encoders.student, subnet, images, bn_images)
    largest = encoders.teacher.backbone.space.max
    teacher = _maps_and_embeddings(encoders.teacher, largest, images, bn_images)
    values = {name: [] for name in ALL}
    for i in range(len(images)):
        values["global"].append(
            F.cosine_similarity(student[1][i], teacher[1][i], dim=0)
        )
        affinities = []
        for maps in (student[0], teacher[0]):
            positions = maps[i].flatten(1).T
            rows = [
                torch.stack([F.cosine_similarity(a, b, dim=0) for b in positions])
                for a in positions
            ]
            affinities.append(rows)
        pairs = list(zip(*affinities, strict=True))
        cosines = [F.cosine_similarity(a, b, dim=0) for a, b in pairs]
        values["dense"].append(torch.stack(cosines).mean())
        values["dense-raw"].append(
            torch.stack([(a * b).mean() for a, b in pairs]).mean()
        )
    return {name: torch.stack(v).numpy() for name, v in values.items()}


def _scores(scorer, *subnets):
    return dict(scorer.score([Subnet.of(s) for s in subnets]))


@pytest.mark.parametrize("bn_images", [16, 24])
def test_scores_are_those_of_calibration_then_evaluation(
    encoders, sample, images, bn_images
):
    subnet = Subnet.parse(MIDDLE)
    expected = _reference(encoders, subnet, images, bn_images)
    scorer = Scorer(encoders, sample, get_metrics(ALL), bn_images)
    scores = _scores(scorer, subnet)[subnet]
    for name in ALL:
        np.testing.assert_allclose(scores[name], expected[name], atol=2e-5)
        assert scores[name].std() > 1e-3


def test_neither_batch_size_nor_company_changes_a_score(encoders, sample):
    subnet = Subnet.parse(MIDDLE)
    alone = _scores(Scorer(encoders, sample, get_metrics(ALL), 16), subnet)[subnet]
    company = encoders.student.backbone.space.sample_distinct(9, seed=1)
    other = Scorer(encoders, sample, get_metrics(ALL), 16, batch_size=3)
    scores = _scores(other, subnet, *company)[subnet]
    for name in ALL:
        np.testing.assert_allclose(scores[name], alone[name], atol=1e-5)


def test_bn_images_do_change_it(encoders, sample):
    subnet = Subnet.parse(MIDDLE)
    a, b = (
        _scores(Scorer(encoders, sample, get_metrics(["global"]), n), subnet)[subnet]
        for n in (16, 24)
    )
    assert abs(a["global"] - b["global"]).max() > 1e-3


def test_the_teacher_is_as_like_itself_as_can_be(encoders, sample):
    same = replace(encoders, student=encoders.teacher)
    largest = encoders.teacher.backbone.space.max
    scores = _scores(Scorer(same, sample, get_metrics(ALL)), largest)[largest]
    np.testing.assert_allclose(scores["global"], 1, atol=1e-6)
    np.testing.assert_allclose(scores["dense"], 1, atol=1e-6)
    assert scores["dense-raw"].max() < 1 - 1e-3  # a product, not a cosine


def test_teacher_bn(encoders, sample, images):
    scorers = [
        Scorer(encoders, sample, get_metrics(["global"]), teacher_bn=kind)
        for kind in ("images", "stored")
    ]
    references = [torch.cat(s.references["global"])[:, 0] for s in scorers]
    assert (references[0] - references[1]).abs().max() > 1e-2
    teacher = encoders.teacher
    with torch.no_grad():
        expected = F.normalize(teacher.neck(teacher.backbone(images))[0], dim=1)
    torch.testing.assert_close(references[1], expected, atol=1e-5, rtol=1e-5)


def test_the_teacher_runs_once_for_all_searches(
    encoders, sample, tmp_path, monkeypatch
):
    metrics = get_metrics(["global", "dense"])
    first = Scorer(encoders, sample, metrics, cache=tmp_path)
    expected = _scores(first, MIDDLE)
    assert len(list(tmp_path.glob("teacher-*.pt"))) == 2
    monkeypatch.setattr(Scorer, "_teach", None)
    again = _scores(Scorer(encoders, sample, metrics, cache=tmp_path), MIDDLE)
    subnet = Subnet.parse(MIDDLE)
    for name in ("global", "dense"):
        np.testing.assert_array_equal(again[subnet][name], expected[subnet][name])
    # Other weights, statistics or images are another teacher.
    monkeypatch.undo()
    called = []
    monkeypatch.setattr(
        Scorer, "_teach", lambda self, metrics: called.append(1) or {"global": []}
    )
    monkeypatch.setattr(scorer_module.torch, "cat", lambda tensors: torch.zeros(1))
    average = deepcopy(encoders.teacher.neck)
    average.layers[0].weight.data += 1e-3
    moved = replace(encoders, teacher=Encoder(encoders.teacher.backbone, average))
    fewer = replace(sample, pixels=sample.pixels[:20], ids=sample.ids[:20])
    for options in ((moved, sample), (encoders, fewer)):
        Scorer(*options, metrics[:1], cache=tmp_path).references  # noqa: B018
    Scorer(encoders, sample, metrics[:1], 16, cache=tmp_path).references  # noqa: B018
    assert len(called) == 3


def test_the_weights_are_left_alone(encoders, sample):
    before = encoders.student.sha256(), encoders.teacher.sha256()
    _scores(Scorer(encoders, sample, get_metrics(ALL)), MIDDLE)
    assert (encoders.student.sha256(), encoders.teacher.sha256()) == before


def test_too_few_images(encoders, sample):
    fewer = replace(sample, pixels=sample.pixels[:15], ids=sample.ids[:15])
    with pytest.raises(
        UserError,
        match="of the 15 readable images of this search",
    ):
        Scorer(encoders, fewer, get_metrics(["global"]))
    with pytest.raises(UserError, match="this search it gets 8"):
        Scorer(encoders, sample, get_metrics(["global"]), bn_images=8)


def test_copies_do_not_make_a_few_images_many(encoders, sample, said):
    Scorer(encoders, sample, get_metrics(["global"]))
    assert "copies" not in said.text
    some = sample.pixels.clone()
    some[20:] = some[0]
    Scorer(encoders, replace(sample, pixels=some), get_metrics(["global"]))
    assert "4 of the 24 images are copies of others" in said.text
    some[10:] = some[0]
    with pytest.raises(UserError, match="of these 24 only 10 differ"):
        Scorer(encoders, replace(sample, pixels=some), get_metrics(["global"]))


def test_one_position_has_no_affinity():
    metric = get_metrics(["dense"])[0]
    with pytest.raises(UserError, match="image_size"):
        metric.describe(torch.randn(2, 4, 1, 1))
    with pytest.raises(UserError, match="unknown"):
        get_metrics(["cosine"])


def test_chunks_of_affinities_change_nothing(monkeypatch):
    metric = get_metrics(["dense"])[0]
    torch.manual_seed(0)
    x, reference = torch.randn(7, 4, 3, 3), metric.describe(torch.randn(7, 6, 3, 3))
    whole = metric.similarity(x, reference)
    monkeypatch.setattr("mmtaskssl.search.metrics._AFFINITIES", 2 * 81)
    torch.testing.assert_close(metric.similarity(x, reference), whole)


def test_interval_of_a_mean():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(400) + 2
    interval = MeanInterval(400, resamples=2000)
    low, high = interval(values)
    # 1.96 standard errors to either side
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.06)
    assert MeanInterval(400, resamples=2000)(values) == (low, high)
    assert MeanInterval(400, resamples=2000, seed=1)(values) != (low, high)
    low, high = interval(np.full(400, 0.25))
    assert low == pytest.approx(0.25) and high == pytest.approx(0.25)


def test_few_positions_are_told(encoders, sample, monkeypatch):
    told = []
    monkeypatch.setattr(scorer_module, "print_log", lambda text, *_: told.append(text))
    Scorer(encoders, sample, get_metrics(["global"])).references  # noqa: B018
    monkeypatch.setattr(scorer_module, "FEW_POSITIONS", 17)  # 16 px at stride 4
    assert not told
    Scorer(encoders, sample, get_metrics(["dense"])).references  # noqa: B018
    assert "only 16 positions" in told[0]
