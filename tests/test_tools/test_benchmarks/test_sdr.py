"""The arithmetic of SDR's evidence; its stages are other tools, tested on their own."""

import json

import pytest
import torch

from mmtaskssl.evaluation.data import LabeledFeatures
from studies.pool_study import Place
from studies.sdr import Sdr
from studies.sdr_design import random_path, routed, whole
from studies.sdr_measure import held_out_knn
from studies.sdr_routing import routing_table
from studies.sdr_tables import planted_tables
from tests.test_tools._tools import failure_of, load_tool

MAX, A, B = "s8-w8.8-d1.1", "s8-w8.8-d1.1-p0.0", "s8-w8.8-d1.1-p0.1"
TOOL = "benchmarks/sdr_evidence"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "pool" / "images").mkdir(parents=True)
    (tmp_path / "classification" / "dogs").mkdir(parents=True)
    return tmp_path


def make_study(data, iters=10):
    config, arms = load_tool(TOOL).CONFIG, ["routed", "no-progress"]
    return Sdr(Place(data, data / "out", ["dogs"], 2), config, iters, arms)


def row(inner, knn, linear=None):
    found = {"inner": inner, "knn": knn}
    return found if linear is None else {**found, "linear": linear}


def run(max_row, a, b, target="dogs"):
    return {
        "max": MAX,
        "linear_paths": [A, B],
        "targets": {target: {MAX: max_row, A: a, B: b}},
        "embeddings": {MAX: [1.0, 9.0], A: [0.5, 6.0], B: [0.7, 4.0]},
    }


def test_routing_reads_held_out_accuracy_alone_and_max_wins_ties():
    found = run(row(50, 60, 70), row(51, 10, 20), row(40, 90, 30))
    assert routed(found, "dogs")["name"] == A
    assert routed(found, "dogs")["knn"] == 10
    tied = run(row(51, 60, 70), row(51, 10, 20), row(40, 90, 30))
    assert routed(tied, "dogs")["name"] == MAX
    assert whole(found, "dogs")["linear"] == 70
    assert random_path(found, "dogs") == {"knn": 50, "linear": 25}


def test_held_out_knn_classifies_each_fold_by_the_others():
    x = torch.eye(2).repeat_interleave(10, 0) + 0.01 * torch.rand(20, 2)
    y = torch.arange(2).repeat_interleave(10)
    assert held_out_knn(LabeledFeatures(x, y, ["a", "b"]), 0) == 100
    # Of 16 neighbours a row of the other class has the eight that are like it.
    assert held_out_knn(LabeledFeatures(x, 1 - y, ["a", "b"]), 0) == 100
    noise = LabeledFeatures(torch.rand(40, 3), torch.arange(2).repeat(20), ["a", "b"])
    assert held_out_knn(noise, 0) < 90


def test_longer_training_costs_as_many_macs(data):
    study = make_study(data, iters=1000)
    # Phases of the 16-path network: .878 and .810 of MAX's MACs a path, plus a third
    # of a step for the teacher.
    shares = ((0.2, 0.878), (0.5, 0.81))
    factor = 1 + sum(share * (part + 1 / 3) for share, part in shares)
    assert study.longer == pytest.approx(1000 * factor, abs=2)
    assert study.first == 300
    assert study.options("no-progress") == ["model.subnet_sampler.shares=[0, 0, 1]"]


def test_tables_compare_pairs(data):
    study = make_study(data)
    for seed, gain in enumerate((4, 6)):
        folder = data / "out" / f"seed{seed}"
        folder.mkdir(parents=True)
        base = 50 + 10 * seed
        found = run(row(1, base, base), row(2, base + gain, base + gain), row(0, 0, 0))
        (folder / "routed.json").write_text(json.dumps(found))
        plain = {**found, "targets": {"dogs": {MAX: row(1, base + 5, base + 5)}}}
        (folder / "plain.json").write_text(json.dumps(plain))
    text = study.tables()
    assert "| dogs | 60.0 ± 7.1 | 55.0 ± 7.1 |" in text
    assert "- MAX: +5.0 ± 1.4" in text
    assert "- MAX, as many MACs: +0.0 ± 1.4" in text
    assert "a path was chosen over MAX 2/2 times" in text
    assert "| routed | 0.60 | 0.50 | 5.0 | 4.0 |" in text
    assert "no progress" not in text  # not measured yet


def test_bad_input(data, tmp_path_factory):
    tool, elsewhere = load_tool(TOOL), str(tmp_path_factory.mktemp("elsewhere"))
    out = data / "out"
    argv = ["--work-dir", str(out), "--targets", "dogs", "--data"]
    assert "pool/images does not exist" in failure_of(tool, [*argv, elsewhere])
    argv.append(str(data))
    odd = failure_of(tool, [*argv, "--planted", "dogs", "cats", "birds"])
    assert "share the last stage's 4 groups among 3 sources" in odd
    strange = failure_of(tool, [*argv, "--planted", "dogs", "cats"])
    assert "sources that are targets" in strange
    out.mkdir()
    before = {"config": "other.py", "iters": 7}
    (out / "settings.json").write_text(json.dumps(before))
    assert "7 iterations of other.py" in failure_of(tool, argv)


def test_routers_are_compared_by_the_exhaustive_ones_scores(data):
    study = make_study(data)
    runs = [run(row(50, 60), row(51, 70), row(40, 90))]
    chosen = {"exhaustive": A, "shortlist": A, "beam": MAX, "overlap": B}
    scores = {MAX: 0.5, A: 0.51, B: 0.4}
    for router, winner in chosen.items():
        folder = data / "out" / "seed0" / "routing" / f"dogs-{router}"
        folder.mkdir(parents=True)
        found = {
            "winner": winner,
            "scored": 3,
            "seconds": {"features": 1.5, "probe": 0.5},
            "ranking": [{"subnet": n, "score": s} for n, s in scores.items()],
        }
        (folder / "routing.json").write_text(json.dumps(found))
    text = "\n".join(routing_table(study, runs))
    assert "| exhaustive | 3.0 | 2.0 | 0.0 | 70.0 |" in text
    assert "| beam | 3.0 | 2.0 | 1.0 | 60.0 |" in text
    assert "| overlap | 0.0 | 2.0 | 11.0 | 90.0 |" in text
    # Nothing of the second seed was routed.
    assert not list(routing_table(study, runs * 2))


def test_planted_domains_share_the_groups_of_the_last_stage(data):
    study = make_study(data)
    study.planted = ["dogs", "cats"]
    ends = {"0": row(30, 20), "1": row(40, 30), "2": row(10, 60), "3": row(20, 80)}
    paths = {f"{MAX}-px.x.0.{end}": figures for end, figures in ends.items()}
    found = {MAX: row(25, 35), **paths}
    runs = [{"max": MAX, "targets": {"dogs": found, "cats": found}}]
    text = "\n".join(planted_tables(study, runs))
    assert "| dogs | 40.0 | 20.0 | 25.0 |" in text  # the best of each, held out
    assert "| cats | 25.0 | 70.0 | 35.0 |" in text  # the mean of each, test
