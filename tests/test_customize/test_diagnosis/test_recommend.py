"""What is recommended, by what was measured."""

import dataclasses

import pytest

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.diagnosing import as_asked
from mmtaskssl.customize.diagnosis.choice import LEVERS
from mmtaskssl.customize.diagnosis.concentration import Concentration
from mmtaskssl.customize.diagnosis.diagnosis import Diagnosis
from mmtaskssl.customize.diagnosis.likeness import Likeness
from mmtaskssl.customize.diagnosis.measured import AtSide, Measured, best_of
from mmtaskssl.customize.diagnosis.past_studies import PastStudies, PastStudy
from mmtaskssl.customize.diagnosis.recommend import Recommendation, recommend
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.customize.settings import Settings
from mmtaskssl.customize.starts import Start


def _measured(name, *linear, public="ImageNet-1k", serves=True):
    at = []
    for side, right in zip((40, 80), linear, strict=False):
        scores = [100.0] * right + [0.0] * (20 - right)
        judged = Judged({"knn": scores, "linear": scores}, [i % 5 for i in range(20)])
        at.append(AtSide(side, judged, 9.0, 10**7))
    weights = "random" if name == "untrained" else f"{name}.pth"
    start = Start(name, ("timm:x", weights), None if name == "untrained" else public)
    return Measured(start, at, 10**6, serves)


def _studies(gain, targets=4, lever="continued"):
    return PastStudies(
        [
            PastStudy("s", f"t{i}", "x", 40, 1, {"headroom": 20.0}, {lever: gain + i})
            for i in range(targets)
        ]
    )


ALIKE = Likeness(
    *(4000, 4000, [0.8], [0.4], 0.4, 0.8, 0.9),
    curve=[(125, 0.85), (250, 0.8), (500, 0.7), (1000, 0.5), (2000, 0.42)],
    spread=None,
)
FAR = dataclasses.replace(ALIKE, curve=[(125, 0.5), (250, 0.48), (500, 0.42)])


def test_what_pays_in_past_studies_is_recommended():
    said = recommend([_measured("a", 10, 14)], ALIKE, _studies(10.0))
    assert (said.lever, said.start, said.images) == ("continued", "a", 500)
    assert said.prediction.studies == 4 and said.prediction.gain > 5
    text = " ".join(said.reasons)
    assert "from 4 past targets" in text and "was off by" in text
    assert "gains +20.0 ±" in text and "know ImageNet-1k" in text
    dense = recommend([_measured("a", 10, 14)], ALIKE, _studies(10.0), "detection")
    assert any("this is a detection" in reason for reason in dense.reasons)


@pytest.mark.parametrize(
    "headroom, studies",
    [(20, _studies(-5.0)), (20, PastStudies([])), (-5, _studies(10.0))],
    ids=["it never paid", "nobody tried", "nothing to hand down"],
)
def test_else_the_start_as_it_is(headroom, studies):
    start = _measured("a", 10, 10 + headroom // 5)
    said = recommend([start], ALIKE, studies)
    assert (said.lever, said.images, said.prediction) == ("start", None, None)


def test_less_than_a_point_is_not_worth_a_training():
    said = recommend([_measured("a", 10, 14)], ALIKE, _studies(0.0, 2))
    assert said.lever == "start" and said.others[0].gain == pytest.approx(1 / 3)
    unsure = PastStudies([*_studies(30.0, 1).rows, *_studies(-10.0, 2).rows[1:]])
    said = recommend([_measured("a", 10, 14)], ALIKE, unsure)
    assert said.lever == "continued" and said.prediction.error > said.prediction.gain
    assert any("may well bring nothing" in reason for reason in said.reasons)


def test_a_pool_that_has_nothing_is_not_selected_from():
    assert FAR.use == "nothing"
    both = PastStudies(
        [*_studies(10.0).rows, *_studies(6.0, lever="continued-random").rows]
    )
    said = recommend([_measured("a", 10, 14)], FAR, both)
    assert said.lever == "continued-random"
    assert any("has nothing of the target" in reason for reason in said.reasons)
    assert any("own kind in the pool" in one for one in said.would_change)
    assert recommend([_measured("a", 10, 14)], FAR, _studies(9.0)).lever == "start"
    alone = recommend([_measured("untrained", 5)], FAR, both)
    assert (alone.lever, alone.images) == ("generic", 4000)


def test_without_a_start_that_the_budget_pays_for():
    teacher = _measured("large", 14, 16, serves=False)
    drawn = _measured("untrained", 15)
    said = recommend([teacher, drawn], ALIKE, _studies(10.0))
    assert (said.lever, said.start, said.images) == ("distilled", "large", 500)
    assert "No past study says what this brings." in said.reasons
    alone = recommend([drawn], ALIKE, _studies(10.0))
    assert (alone.lever, alone.images) == ("scratch", 500)
    assert any("public start" in one for one in alone.would_change)


def test_a_start_that_knows_nothing_of_the_target():
    lever = "distilled"
    rows = [
        PastStudy("s", name, "x", 40, 1, {"lead": lead}, {lever: 15.0 - lead})
        for name, lead in (("a", 20.0), ("b", 25.0), ("c", 10.0))
    ]
    both = PastStudies([*_studies(8.0).rows, *rows])
    drawn = _measured("untrained", 10)
    said = recommend([_measured("a", 10, 14), drawn], ALIKE, both)
    assert (said.lever, said.prediction.lead, said.images) == (lever, 0.0, 500)
    assert any("no better than a network of your own" in one for one in said.reasons)
    # What is far ahead is gone on with.
    said = recommend([_measured("a", 18, 20), drawn], ALIKE, both)
    assert said.lever == "continued" and said.others[0].gain == 45 / 4 - 40
    assert not any("no better than" in one for one in said.reasons)
    # Nobody knows what such a lever brings here where no network of ours is affordable.
    assert recommend([_measured("a", 10, 14)], ALIKE, both).lever == "continued"


def test_a_proxy_that_any_network_answers_says_nothing_of_the_start():
    rows = [
        PastStudy("s", name, "x", 40, 1, {"lead": 20.0}, {"distilled": -5.0})
        for name in "ab"
    ]
    both = PastStudies([*_studies(0.0, 2).rows, *rows])
    measured = [_measured("a", 19, 20), _measured("untrained", 19)]
    said = recommend(measured, ALIKE, both)
    assert said.lever == "distilled" and said.training == "distilled"
    for kind, parts in (("detection", "boxes"), ("segmentation", "regions")):
        said = recommend(measured, ALIKE, both, kind)
        assert (said.lever, said.training) == ("start", "continued")
        text = " ".join(said.reasons)
        assert f"what its {parts} show" in text and f"serves the {kind}" in text
        assert "no better than" not in text
    # A lead of a point or more says something.
    measured = [_measured("a", 18, 20), _measured("untrained", 19)]
    assert recommend(measured, ALIKE, both, "detection").lever == "distilled"
    alone = recommend([_measured("a", 10, 10)], ALIKE, PastStudies([]), "detection")
    assert alone.training == "start"


def test_without_weights_studies_that_had_none_decide():
    def row(target, **gains):
        return PastStudy("s", target, "untrained", 40, 1, {"lead": 0.0}, gains)

    table = PastStudies([row("a", scratch=4.0, branched=9.0), row("b", scratch=6.0)])
    drawn = [_measured("untrained", 15)]
    said = recommend(drawn, ALIKE, table)
    assert (said.lever, said.images) == ("branched", 500)
    assert said.prediction.gain == 4.5 and "an untrained network" in said.reasons[-1]
    assert recommend(drawn, ALIKE, table.with_start()).lever == "scratch"
    assert recommend(drawn, FAR, table).lever == "generic"


def test_other_networks_are_tried_where_no_start_serves():
    drawn = _measured("untrained", 15)
    assert recommend([drawn], ALIKE, _studies(10.0)).beside == ["slimmed"]
    corner = dataclasses.replace(ALIKE, spread=Concentration(1.1, 14.0, 16))
    assert recommend([drawn], corner, _studies(10.0)).beside == ["slimmed", "routed"]
    assert recommend([_measured("a", 10, 14)], corner, _studies(10.0)).beside == []


def test_the_best_start_has_weights():
    first, second, drawn = (
        _measured("a", 9),
        _measured("b", 9),
        _measured("untrained", 15),
    )
    assert best_of([first, second, drawn]) is first
    assert best_of([drawn]) is drawn


def test_it_is_read_back():
    said = recommend([_measured("a", 10, 14)], ALIKE, _studies(10.0))
    assert Recommendation.of_dict(said.to_dict()) == said


def _from_nothing(**gains):
    return PastStudies(
        [
            PastStudy("s", f"t{i}", "untrained", 40, 1, {"lead": 0.0}, gains)
            for i in range(3)
        ]
    )


def test_without_a_start_what_brought_most():
    studies = _from_nothing(**{"scratch": 8.0, "branched-long": 12.0, "generic": 5.0})
    drawn = [_measured("untrained", 8)]
    assert recommend(drawn, ALIKE, studies).lever == "branched-long"
    # Where there is no time for it, it is none of those to be had.
    short = recommend(drawn, ALIKE, studies, without=["branched-long"])
    assert short.lever == "scratch"
    assert "branched-long" not in {one.lever for one in short.others}
    assert recommend(drawn, FAR, studies).lever == "generic"


def test_an_arm_that_is_not_raced_for_want_of_time_is_not_recommended():
    (long,) = (name for name in LEVERS if name in ARMS and ARMS[name].goes_on_long)
    drawn = [_measured("untrained", 8)]
    said = recommend(drawn, ALIKE, _from_nothing(**{"scratch": 1.0, long: 90.0}))
    found = Diagnosis(drawn, ALIKE, said, {}, {})
    assert said.lever == long
    kind = "classification"
    assert as_asked(found, kind, Settings()).lever == long
    assert as_asked(found, kind, Settings(seconds=3600.0)).lever != long
    named = Settings(seconds=3600.0, arms=["generic", long])
    assert as_asked(found, kind, named).lever == long
