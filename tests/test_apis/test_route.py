"""Routing as a value: in memory, without a folder, without a tool."""

import dataclasses
import json
import subprocess
import sys

import pytest

from mmtaskssl import apis
from mmtaskssl.networks import open_network
from mmtaskssl.routing.folder import route_to_folder
from mmtaskssl.routing.options import Options
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder
from ..test_routing._routed import make_clusters, write_files
from ..test_routing.test_crops import write as write_voc


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Config and calibrated checkpoint, a task, and clusters."""
    folder = tmp_path_factory.mktemp("routing")
    config, checkpoint, _ = write_files(folder)
    clusters = make_clusters(folder)
    net = open_network(config, checkpoint)
    calibrated = folder / "calibrated.pth"
    options = {"num_images": 3, "batch_size": 16, "device": "cpu"}
    found = apis.calibrate(net, list(net.space), clusters=clusters, **options)
    found.save(calibrated)
    task = folder / "task"
    make_image_folder(task / "train", 5, ("a", "b"), size=20)
    return (config, calibrated), task, clusters


@pytest.fixture(scope="module")
def found(job):
    return apis.route(*job)


def test_values_go_in_and_a_value_comes_out(job, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network, task, clusters = job
    assert not [*tmp_path.iterdir()]  # nothing was written
    assert len(found.ranking) == 17 and found.answer == found.winner.subnet
    assert {c.subnet for c in found.ranking} >= {found.largest}
    assert "95 % interval" in found.table() and "note: " in found._repr_html_()
    told = json.loads(json.dumps(found.to_dict()))
    assert told["winner"] == found.winner.subnet.name and told["scored"] == 17
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.notes = ()
    opened = open_network(*network)
    few = apis.route(opened, str(task), clusters, router="shortlist", shortlist=2)
    scores = {c.subnet: c.score for c in found.ranking}
    assert len(few.ranking) == 3
    assert all(scores[c.subnet] == c.score for c in few.ranking)


def test_it_is_saved_when_it_is_asked_to(job, found, tmp_path):
    folder = found.save(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert names == {"routing.json", "ranking.csv", "report.html", "record.json"}
    written = json.loads((folder / "routing.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    network, task, _ = job
    other = apis.route(network, task, router="beam", beam=1, seed=1)
    with pytest.raises(UserError, match="same inputs"):
        other.save(folder)
    other.save(folder, overwrite=True)
    assert '"router": "beam"' in (folder / "routing.json").read_text()
    page = other.report(tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")


def test_folders_are_taken_for_clusters(job, found, tmp_path):
    network, task, clusters = job
    clusters.save(tmp_path / "clusters")
    again = apis.route(network, task, tmp_path / "clusters")
    assert again.ranking == found.ranking and again.depends_on == found.depends_on
    assert again.to_dict()["clusters"] == str(tmp_path / "clusters")


class LastIsBest:
    """Stands in for trainings."""

    top = 2

    def describe(self):
        return {"top": 2}

    def compare(self, network, subnets, target, seed, log):
        log("training")
        return [{"subnet": subnet.name, "map": 0.5} for subnet in reversed(subnets)]

    def conclude(self, found, largest):
        return f"{len(found)} were trained"


def test_a_detection_task_may_be_fine_tuned(job, tmp_path):
    network, task, _ = job
    red, green = ("red", 0, 11, 11, 30, 30), ("green", 0, 51, 36, 70, 55)
    voc, lines = write_voc(tmp_path / "voc", [red, green] * 6), []
    found = apis.route(network, voc, fine_tune=LastIsBest(), log=lines.append)
    assert found.answer == found.largest and len(found.fine_tuned) == 3
    assert found.notes[-1] == "3 were trained" and "fine-tuning" in found.seconds
    assert lines == ["training"]
    bare = apis.route(network, voc)
    assert bare.answer == bare.winner.subnet and "proxy" in bare.notes[-1]
    with pytest.raises(UserError, match="is for detection"):
        apis.route(network, task, fine_tune=LastIsBest())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"router": "best"}, "one of exhaustive"),
        ({"on_tie": "best"}, "one of max"),
        ({"router": "overlap"}, "needs the clusters"),
        ({"beam": 0}, "from 1 on"),
        ({"max_images": 1}, "at least two images"),
    ],
)
def test_bad_options(job, options, words):
    with pytest.raises(UserError, match=words):
        apis.route(*job[:2], **options)


def test_the_parser_imports_no_torch():
    code = (
        "import sys, mmtaskssl.cli.route_subnet as cli;"
        "cli.make_parser().format_help();"
        "sys.exit(bool({'torch', 'mmengine', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_page_without_images(job, found, tmp_path):
    assert "data:image/jpeg" in found.page()
    options = {"router": "overlap", "thumbnails": False}
    page = apis.route(*job, **options).page()
    assert "data:image" not in page and ".png" not in page and "<svg" in page
    out, how = tmp_path / "out", Options(router="overlap")
    assert route_to_folder(out, *job, how)[1]
    assert "data:image/jpeg" in (out / "report.html").read_text()
    assert route_to_folder(out, *job, how, thumbnails=False)[1]
    assert (out / "report.html").read_text() == page
    assert not route_to_folder(out, *job, how, thumbnails=False)[1]
