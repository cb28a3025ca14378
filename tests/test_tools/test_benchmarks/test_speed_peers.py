import json
import shutil
import sys
from pathlib import Path

import pytest

from harness.peers import worker
from harness.peers.accuracy import Point, TimeToAccuracy, time_to_accuracy
from harness.peers.arms import ARMS, make_arms
from harness.peers.compare import Arm, PeerSpeed, compare_peers
from harness.peers.worker import Spent, Task
from mmtaskssl.utils.errors import UserError
from tests.test_tools._tools import failure_of, load_tool

# A package that trains nothing: steps last as long as the method's name says.
_FAKE = """
import sys, time
from turns import Turns, read_task

task = read_task()
turns = Turns(lambda path: open(path, "w").write(str(done)))
done = 0
print("a package talks")
if task["method"] == "broken":
    sys.exit("no such method")
turns.ready(package="fake 1", torch="0", threads=task["threads"], parameters=1)
while True:
    end = time.process_time() + float(task["method"])
    while time.process_time() < end:
        pass
    done += 1
    turns.step_done()
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Returns a maker of arms of that package."""
    folder = tmp_path / "workers"
    folder.mkdir()
    shutil.copy(Path(worker.__file__).with_name("turns.py"), folder)
    (folder / "fake_worker.py").write_text(_FAKE)
    monkeypatch.setattr(worker, "_HERE", folder)

    def arm(name, method, python=sys.executable):
        task = Task("fake", method, "images", str(tmp_path / name), batch=4)
        return Arm(name, python, task)

    return arm


def test_all_take_turns_and_ratios_are_of_rounds(fake):
    lines, kept = [], []
    arms = [fake("ours", "0.02"), fake("theirs", "0.06"), fake("bad", "broken")]
    speed = compare_peers(
        arms,
        rounds=3,
        steps=2,
        machine="a machine",
        say=lines.append,
        keep=lambda s: kept.append(len(s.ratios("theirs"))),
    )
    assert {name: len(spent) for name, spent in speed.rounds.items()} == {
        "ours": 3,
        "theirs": 3,
    }
    for name, least in (("ours", 0.04), ("theirs", 0.12)):
        assert all(
            spent.wall >= spent.cpu * 0.9 >= 0.9 * least for spent in speed.rounds[name]
        )
    assert speed.facts["theirs"]["package"] == "fake 1"
    assert "no such method" in speed.missing["bad"]
    assert "bad: not measured" in speed.table() and "a machine" in speed.table()
    assert sum(line.startswith("round") for line in lines) == 3
    assert kept == [2, 3]


def test_the_first_arm_must_run(fake):
    with pytest.raises(UserError, match="no such method"):
        compare_peers([fake("bad", "broken"), fake("ours", "0.01")])
    with pytest.raises(UserError, match="cannot be run"):
        compare_peers([fake("ours", "0.01", "/no/python")])
    with pytest.raises(UserError, match="two rounds"):
        compare_peers([], rounds=1)


def test_time_to_an_accuracy(fake, tmp_path):
    measured = []

    def measure(file):
        steps = int(file.read_text())
        measured.append(steps)
        return {"linear": 10.0 * steps, "kNN": 1.0 * steps}

    def times(*arms, goal=35.0):
        settings = {"target": "t"}
        return time_to_accuracy(arms, measure, goal, 6, 2, tmp_path / "kept", settings)

    first, second = fake("ours", "0.01"), fake("theirs", "0.02")
    found = times(first, second)
    assert measured == [2, 4] * 2  # 40 % is the goal reached
    assert found.reached("ours").steps == 4
    assert found.reached("theirs").cpu >= 4 * 0.02
    # What ended is kept, what was cut short begins anew.
    file = tmp_path / "kept" / "times.json"
    kept = json.loads(file.read_text())
    del kept["curves"]["theirs"][1]
    file.write_text(json.dumps(kept))
    assert times(first, second).reached("ours") == found.reached("ours")
    assert measured == [2, 4] * 3
    with pytest.raises(UserError, match="of other settings"):
        times(first, second, goal=99.0)
    with pytest.raises(UserError, match="earlier result"):
        found.save(tmp_path / "kept")


def test_an_accuracy_that_is_not_reached_is_said():
    points = [
        Point(2, 1.0, {"linear": 50, "kNN": 1}),
        Point(4, 2, {"linear": 40, "kNN": 2}),
    ]
    found = TimeToAccuracy(60, {}, {"ours": points}, {"ours": {"package": "p 1"}})
    assert "| ours | p 1 | not reached | - | 50.0 | 2.0 | 2 |" in found.table()
    assert found.to_dict()["reached"] == {"ours": None}


def _speed():
    task = Task("ours", "simsiam", "images", "work", batch=10)
    rounds = {
        "ours": [Spent(1.0, 2.0), Spent(2.0, 9.0), Spent(1.0, 1.0)],
        "theirs": [Spent(2.0, 2.0), Spent(3.0, 3.0), Spent(4.0, 4.0)],
    }
    facts = {name: {"package": "p 1", "torch": "2"} for name in rounds}
    tasks = {"ours": task, "theirs": Task("p", "simclr", "images", "work", batch=5)}
    return PeerSpeed(tasks, facts, rounds, {}, 2, "ours", "a machine")


def test_figures_are_images_a_second_of_the_process():
    speed = _speed()
    assert speed.images_per_second("ours") == 20  # 2 steps of 10 in a second
    assert speed.images_per_second("theirs") == pytest.approx(10 / 3)
    assert speed.ratios("theirs") == pytest.approx([4, 3, 8])
    assert "| theirs | p 1 | 2 | 1.50 [1.25, 1.75] | 3.3 | 4.00 [3.50, 6.00] |" in str(
        speed
    )


def test_a_result_is_kept(tmp_path):
    speed = _speed()
    file = speed.save(tmp_path / "out") / "result.json"
    found = json.loads(file.read_text())
    assert found["ratios"]["theirs"] == pytest.approx([4, 3, 8])
    assert found["rounds"]["ours"][1] == {"cpu": 2.0, "wall": 9.0}
    with pytest.raises(UserError, match="earlier result"):
        speed.save(tmp_path / "out")
    speed.save(tmp_path / "out", overwrite=True)
    file.write_text('{"mine": 1}')
    with pytest.raises(UserError, match="not a comparison of speeds"):
        speed.save(tmp_path / "out", overwrite=True)


def test_arms_of_packages_that_are_there():
    pythons = {"ours": "python", "lightly_train": "there", "solo_learn": None}
    arms, missing = make_arms([*ARMS], pythons, work="out", images="images", batch=4)
    assert {arm.python for arm in arms} == {"python", "there"}
    assert len({arm.task.work for arm in arms}) == len(arms)
    assert set(missing) | {arm.name for arm in arms} == set(ARMS)
    assert set(missing.values()) == {
        "--solo-learn names no interpreter",
        "--teacher names no folder",
    }
    taught, _ = make_arms([*ARMS], pythons, "out", "at", images="images", batch=4)
    teachers = {arm.task.teacher for arm in taught} - {None}
    assert len(teachers) == 2 and all("=at/teacher" in name for name in teachers)
    for arm in arms:
        assert (
            Path(worker.__file__).parent / f"{arm.task.package}_worker.py"
        ).is_file()


def test_images_are_copied_and_enough(tmp_path):
    tool = load_tool("benchmarks/speed_peers")
    (tmp_path / "pool" / "deep").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "pool" / "deep" / f"{number}.png").write_bytes(bytes([number]))
    folder = tool.copy_images(str(tmp_path / "pool"), tmp_path / "few", 3)
    assert len({file.read_bytes() for file in folder.iterdir()}) == 3
    with pytest.raises(UserError, match="has 5 images and 6"):
        tool.copy_images(str(tmp_path / "pool"), tmp_path / "more", 6)
    assert "at least 1" in failure_of(
        tool, ["--images", "x", "--out", "y", "--batch", "0"]
    )


def test_a_teacher_is_made_by_a_package_that_is_there(tmp_path):
    from harness.peers.teacher import ready_teacher

    with pytest.raises(UserError, match="--lightly-train, which draws"):
        ready_teacher(tmp_path / "new", None)
    assert not (tmp_path / "new").exists()
    with pytest.raises(UserError, match="makes no teacher"):
        ready_teacher(tmp_path / "new", shutil.which("false"))
    for name in ("teacher.pt", "teacher-timm.pt"):
        (tmp_path / "new" / name).write_text(name)
    ready_teacher(tmp_path / "new", None)  # whatever is there is taken
