"""The tables of DATA's evidence, from made-up results."""

import numpy as np
import pytest

from mmtaskssl.utils.atomic import write_json
from mmtaskssl.utils.errors import UserError
from studies.data import Data
from studies.data_design import MEASURES, METRICS
from studies.data_ranks import agreement, correlations
from studies.data_tables import tables
from studies.pool_study import Place

_CONFIG = (
    "configs/data/supernet-mocov2_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    (data / "pool" / "images").mkdir(parents=True)
    (data / "classification" / "digits").mkdir(parents=True)
    out = tmp_path_factory.mktemp("out")
    return Data(Place(data, out, ["digits"], 1), _CONFIG, 10)


def test_bands_are_narrow_and_full(study):
    assert [*study.candidates.values()].count("-") >= 2
    for name, inside in study.bands.items():
        members = [s for s, band in study.candidates.items() if band == name]
        costs = [study.macs(s) for s in members]
        assert len(members) >= 10
        assert all(map(inside, members))
        assert max(costs) <= 1.11 * min(costs)
    assert study.candidates[study.backbone.space.resolve("R18")] == [*study.bands][-1]


def test_missing_data_is_said(tmp_path):
    with pytest.raises(UserError, match="--data names another folder"):
        Data(Place(tmp_path, tmp_path, [], 1), _CONFIG, 10)


def test_nothing_measured_gives_no_table(study):
    text = tables(study)
    assert text.strip() == "Not there yet:\n\n- seed 0: everything"


def test_a_predictor_in_the_bands_shows_there_and_size_does_not():
    macs = np.repeat([1.0, 2.0, 3.0], 10) + np.tile(np.arange(10) / 1000, 3)
    labels = np.repeat(["a", "b", "c"], 10)
    inside = list(range(30))
    score = np.tile(np.random.default_rng(0).permutation(10), 3) + 0.0
    truth = 10 * macs.round() + score
    by_score = correlations(score, truth, macs, inside, labels, 60)
    assert by_score[2].startswith("1.00 [1.00, 1.00]")
    assert float(by_score[-1]) < 0.02
    by_size = correlations(macs.round(), truth, macs, inside, labels, 60)
    assert float(by_size[0].split()[0]) > 0.9
    assert by_size[2].startswith("nan")


def test_agreement_of_two_supernets():
    macs, truth = np.arange(6.0) % 4, np.array([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    cells = agreement([truth, truth, -truth], macs, list(range(6)), ["a"] * 6)
    assert cells[:2] == ["-0.33", "-0.33"]  # pairs: 1, -1, -1


def test_tables_of_made_up_results(study):
    rng = np.random.default_rng(0)
    names = [s.name for s in [*study.candidates, *study.searched_pool]]

    def rows(values):
        return [{"subnet": name, **values()} for name in names]

    def truth():
        return dict.fromkeys(MEASURES, rng.random()) | {"effective_rank": rng.random()}

    write_json(study.file(0, "truth", "digits"), rows(truth))
    write_json(study.file(0, "searched", "digits"), rows(truth))
    write_json(
        study.file(0, "score", "digits"),
        rows(lambda: {metric: {"score": rng.random()} for metric in METRICS}),
    )
    text = tables(study, resamples=3)
    ranked, best = text.strip().split("\n\nTop-1")
    # Two targets ("mean" too), two accuracies, four predictors.
    assert ranked.count("\n| ") == 2 + 16
    assert best.count("\n| ") == 2 + 2


def test_a_stage_that_is_being_written_is_no_table_but_said(study):
    for file in study.out.rglob("*.json"):
        file.unlink()
    rows = [
        {"subnet": s.name, "knn": 1.0, "linear": 2.0, "effective_rank": 3.0}
        for s in study.candidates
    ]
    write_json(study.file(0, "truth", "digits"), rows[:-2])
    text = tables(study)
    assert "|" not in text
    assert "seed 0: curve-ours-0; " in text
    assert "truth on digits (2 to go); score; searched; curve-theirs-10" in text
    write_json(study.file(0, "truth", "digits"), rows)
    assert "truth" not in tables(study)
