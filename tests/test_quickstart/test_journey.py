import importlib
from pathlib import Path

import pytest

from mmtaskssl.quickstart import stages
from mmtaskssl.quickstart.journey import Journey
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder


class _FakeSteps:
    """Calls nothing, but leaves what each function is to leave."""

    def __init__(self):
        self.calls = []

    def call(self, name, done, function, *arguments, **options):
        function = function if isinstance(function, str) else function.__name__
        verb = function.rpartition(":")[2]
        self.calls.append((verb, arguments, options))
        if verb == "evaluate":
            checkpoint = str(arguments[0][1])
            arm = Path(checkpoint).parent.name.removeprefix("pretrain-")
            value = {"selected": 70, "random": 60}.get(arm, 40)
            done.parent.mkdir(exist_ok=True)
            done.write_text(f'{{"metrics": {{"top1": {{"mean": {value}}}}}}}')

    def run_two_at_a_time(self, calls):
        for call in calls:
            call()


@pytest.fixture
def pool(tmp_path):
    return make_image_folder(tmp_path / "pool", 300, classes=(), size=8)


def _journey(pool, tmp_path, budget=256):
    (tmp_path / "out").mkdir(exist_ok=True)
    steps = _FakeSteps()
    return Journey(pool, tmp_path / "target", tmp_path / "out", budget, 5, steps), steps


def test_both_arms_differ_in_their_images_alone(pool, tmp_path):
    journey, steps = _journey(pool, tmp_path)
    journey.run()
    trained = [options for verb, _, options in steps.calls if verb == "pretrain"]
    assert len(trained) == 2
    random, selected = (
        {key: options[key] for key in options if key not in ("selection", "work_dir")}
        for options in trained
    )
    assert random == selected and random["images"] == str(pool) and random["resume"]
    assert trained[0]["selection"] != trained[1]["selection"]


def test_the_test_images_are_read_by_the_measurement_alone(pool, tmp_path):
    journey, steps = _journey(pool, tmp_path)
    journey.run()
    assert {verb for verb, _, _ in steps.calls} == {
        *("pretrain", "extract", "select_to_folder", "evaluate")
    }
    for verb, arguments, options in steps.calls:
        if verb != "evaluate":
            given = [*arguments, *options.values()]
            assert tmp_path / "target" not in given
            assert not any("test" in str(a).split("/")[-2:] for a in given)


def test_what_is_called_is_there():
    for name in (stages._PRETRAIN, stages._EXTRACT, stages._SELECT, stages._EVALUATE):
        module, _, function = name.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_table_shows_each_arm(pool, tmp_path):
    journey, _ = _journey(pool, tmp_path)
    journey.run()
    rows = journey.table().splitlines()[1:]
    assert [row.split()[-2:] for row in rows] == [
        ["40.0", "40.0"],
        ["60.0", "60.0"],
        ["70.0", "70.0"],
    ]


@pytest.mark.parametrize("budget", [0, 255, 301])
def test_a_budget_that_cannot_be_had_is_refused(pool, tmp_path, budget):
    with pytest.raises(UserError, match="cannot be selected"):
        _journey(pool, tmp_path, budget)
