from pathlib import Path

import pytest

from mmtaskssl.quickstart.journey import Journey
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder


class _FakeSteps:
    """Takes the place of the tools: leaves what each is to leave."""

    def __init__(self):
        self.tools = []

    def run(self, name, done, tool, *arguments, options=()):
        self.tools.append((tool, arguments, list(options)))
        if tool in ("eval_knn", "eval_linear"):
            checkpoint = str(arguments[1])
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
    trained = [options for tool, _, options in steps.tools if tool == "train"]
    assert len(trained) == 2
    random, selected = (
        [option for option in options if not option.startswith("selection=")]
        for options in trained
    )
    assert random == selected
    assert trained[0] != trained[1]


def test_the_test_images_are_read_by_the_measurement_alone(pool, tmp_path):
    journey, steps = _journey(pool, tmp_path)
    journey.run()
    for tool, arguments, _ in steps.tools:
        if tool in ("extract_features", "select_data", "train"):
            assert tmp_path / "target" not in arguments
            assert not any("test" in str(a).split("/")[-2:] for a in arguments)


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
