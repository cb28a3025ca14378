import csv
import json
import re
import shutil

import pytest

from mmtaskssl.engine.fine_tune import FineTuning
from mmtaskssl.models.backbones import SlimmableResNet
from mmtaskssl.routing import task as task_module
from mmtaskssl.routing.router import Router
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_routing._routed import make_clusters, write_files
from tests.test_routing.test_crops import write as write_voc

from ._tools import failure_of, load_tool

MAX = "s8-w8.16.32.64-d1.1.1.1"


@pytest.fixture(scope="module")
def tool():
    return load_tool("route_subnet")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A calibrated network, its clusters, and a task with a test split."""
    folder = tmp_path_factory.mktemp("routing")
    config, checkpoint, _ = write_files(folder)
    make_clusters(folder)
    options = ["--clusters", str(folder / "clusters"), "--num-images", "3"]
    options += ["--batch-size", "16"]
    load_tool("calibrate_bn").main([config, checkpoint, "--all", *options])
    make_image_folder(folder / "task" / "train", 7, ("a", "b", "c"), size=20)
    test = make_image_folder(folder / "task" / "test", 1, ("a", "b", "c"), size=20)
    for path in test.rglob("*.png"):
        path.write_bytes(b"must not be read")
    return folder


def command(folder, out, *more, target="task", checkpoint="net-calibrated.pth"):
    return [
        *(str(folder / "config.py"), str(folder / checkpoint)),
        *("--target", str(folder / target), "--out", str(out), *more),
    ]


def answer(out):
    return json.loads((out / "routing.json").read_text())


@pytest.fixture(scope="module")
def exhaustive(files, tool):
    """The answer of the exhaustive router, and its folder."""
    out = files / "exhaustive"
    tool.main(command(files, out, "--clusters", str(files / "clusters")))
    return answer(out), out


def test_all_paths_and_max_are_ranked(exhaustive):
    found, out = exhaustive
    names = [row["subnet"] for row in found["ranking"]]
    assert len(names) == len(set(names)) == 17 and found["winner"] == names[0]
    assert MAX in names
    scores = [row["score"] for row in found["ranking"]]
    assert scores[1:] == sorted(scores[1:], reverse=True)
    if max(scores) > scores[0]:  # the winner of a tie, and only that
        assert names[0] == MAX and found["ranking"][1]["tied"]
        assert "wins a tie" in found["notes"][0]
    for row in found["ranking"]:
        assert row["low"] <= row["score"] <= row["high"]
        assert row["behind"] == pytest.approx(scores[0] - row["score"], abs=1e-5)
        assert (row["overlap"] is None) == (Subnet.parse(row["subnet"]).path is None)
    assert {name: row["paths"] for name, row in found["regret"].items()} == {
        "shortlist": 16,
        "beam": found["regret"]["beam"]["paths"],
        "overlap": 0,
    }
    # All 16 are on the list.
    assert found["regret"]["shortlist"]["choice"] == found["winner"]
    regret = found["regret"]["shortlist"]["regret"]
    assert regret == pytest.approx(max(scores) - scores[0], abs=1e-5)
    assert [row["first"] for row in found["soft"]] == [2, 2, 4, 4]
    assert any("tie" in note or "ahead" in note for note in found["notes"])
    assert found["stages_run"] == 36 and found["stages_without_sharing"] == 85
    with open(out / "ranking.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["subnet"] for line in lines] == names
    page = (out / "report.html").read_text()
    assert page.count("data:image/jpeg") > 20 and page.count("<circle") == 17
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_score_alone_may_decide(exhaustive, files, tool, tmp_path):
    best = max(row["score"] for row in exhaustive[0]["ranking"])
    more = ("--clusters", str(files / "clusters"), "--on-tie", "score")
    tool.main(command(files, tmp_path / "out", *more))
    found = answer(tmp_path / "out")
    assert found["ranking"][0]["score"] == best and found["on_tie"] == "score"
    assert found["regret"]["shortlist"]["regret"] == 0


def test_the_test_images_change_nothing(exhaustive, files, tool, tmp_path):
    before, _ = exhaustive
    shutil.copytree(files / "task" / "train", tmp_path / "task" / "train")
    more = ("--clusters", str(files / "clusters"))
    # The later option counts.
    tool.main(
        command(files, tmp_path / "out", *more, "--target", str(tmp_path / "task"))
    )
    assert answer(tmp_path / "out")["ranking"] == before["ranking"]


def test_only_the_folder_train_is_listed(files, tool, tmp_path, monkeypatch):
    listed = []
    original = task_module.list_images

    def watched(source, *more):
        listed.append(source)
        return original(source, *more)

    monkeypatch.setattr(task_module, "list_images", watched)
    tool.main(command(files, tmp_path / "out", "--router", "beam", "--beam", "1"))
    assert listed == [str(files / "task" / "train")]


def test_a_shortlist_scores_few_paths(exhaustive, files, tool, tmp_path):
    table = {row["subnet"]: row["score"] for row in exhaustive[0]["ranking"]}
    more = ("--clusters", str(files / "clusters"), "--router", "shortlist")
    tool.main(command(files, tmp_path / "out", *more, "--shortlist", "3"))
    found = answer(tmp_path / "out")["ranking"]
    assert len(found) == 4
    assert all(table[row["subnet"]] == row["score"] for row in found)
    overlap = [row["overlap"] for row in exhaustive[0]["ranking"] if row["overlap"]]
    assert min(r["overlap"] for r in found if r["overlap"]) == sorted(overlap)[-3]


def test_overlap_needs_no_labels(files, tool, tmp_path, capsys):
    unlabelled = tmp_path / "task" / "train"
    unlabelled.mkdir(parents=True)
    # The pool's own images of cluster 5.
    for path in (files / "pool" / "05").iterdir():
        shutil.copy(path, unlabelled / path.name)
    more = ["--clusters", str(files / "clusters"), "--router", "overlap"]
    more += ["--probe", "logme"]  # of no use to this router
    tool.main(
        command(files, tmp_path / "out", *more, "--target", str(tmp_path / "task"))
    )
    found = answer(tmp_path / "out")
    # Leaf 5 is 0101, so its path, coarse digit last, is 1.0.1.0.
    assert found["winner"].endswith("-p1.0.1.0") and found["probe"] is None
    assert "spread over" in found["notes"][0]
    shown = next(
        line for line in capsys.readouterr().out.splitlines() if "-p1.0.1.0" in line
    )
    percent = 100 * found["ranking"][0]["score"]
    assert float(shown.split()[1]) == pytest.approx(percent, abs=0.01)


def test_the_choice_is_the_probe_s(files, tool, tmp_path):
    tool.main(command(files, tmp_path / "out", "--probe", "logme"))
    ranking = answer(tmp_path / "out")["ranking"]
    assert len(ranking) == 17 and ranking[0]["overlap"] is None


def test_a_detection_task_is_fine_tuned(files, tool, tmp_path, monkeypatch, capsys):
    red, green = ("red", 0, 11, 11, 30, 30), ("green", 0, 51, 36, 70, 55)
    voc = write_voc(tmp_path / "voc", [red, green] * 6)
    tool.main(command(files, tmp_path / "a", "--target", str(voc)))
    first = answer(tmp_path / "a")
    assert first["answer"] == first["winner"] and first["task"]["images"] == 12
    assert "fine-tune a detector on the first few" in first["notes"][-1]

    def last_is_best(self, source, subnets, *more):
        names = [subnet.name for subnet in subnets]
        assert names[0] == first["winner"] and len(names) == 3
        return [{"subnet": name, "map": 0.5} for name in reversed(names)]

    monkeypatch.setattr(FineTuning, "compare", last_is_best)
    monkeypatch.setattr(FineTuning, "describe", lambda self: {"top": self.top})
    more = ("--target", str(voc), "--fine-tune", "det.py", "--top", "2")
    tool.main(command(files, tmp_path / "b", *more))
    found = answer(tmp_path / "b")
    assert found["answer"] == found["fine_tuning"][0]["subnet"] == MAX
    assert f"--subnet {MAX} " in capsys.readouterr().out


def test_what_stands_there_is_not_lost(exhaustive, files, tool, capsys):
    _, out = exhaustive
    assert "--overwrite" in failure_of(tool, command(files, out))
    before = (out / "routing.json").read_bytes()
    tool.main(command(files, out, "--clusters", str(files / "clusters")))
    assert "complete already" in capsys.readouterr().out
    assert (out / "routing.json").read_bytes() == before
    other = files / "other"
    other.mkdir(exist_ok=True)
    (other / "notes.txt").write_text("mine")
    assert "'notes.txt'" in failure_of(tool, command(files, other, "--overwrite"))


@pytest.mark.parametrize(
    ("more", "kwargs", "said"),
    [
        ((), {"target": "nowhere"}, "nowhere/train does not exist"),
        (
            (),
            {"checkpoint": "net.pth"},
            "mmtaskssl calibrate CONFIG CKPT --all --clusters",
        ),
        (("--router", "shortlist"), {}, "needs the clusters"),
        (("--clusters", "nowhere"), {}, "nowhere does not exist"),
        (("--max-images", "1"), {}, "at least two images"),
        (("--shortlist", "0"), {}, "from 1 on, not 0"),
        (("--fine-tune", "det.py"), {}, "is for detection"),
        (("--top", "0"), {}, "must be a whole number from 1 on"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(
    files, tool, tmp_path, more, kwargs, said
):
    assert said in failure_of(tool, command(files, tmp_path / "out", *more, **kwargs))
    assert not (tmp_path / "out").exists()


def test_a_network_without_paths_is_refused():
    net = SlimmableResNet(depth=18).eval()
    with pytest.raises(UserError, match="no paths"):
        Router(net, None)
