"""How far trainings are."""

import json
import threading

import pytest

from mmtaskssl.customize.race.progress import progress_told, reached


def _log(folder, *rows, tail=""):
    file = folder / "20260101_000000" / "vis_data" / "scalars.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)


def _row(iteration, seconds=2.0):
    return {"loss": 1.0, "time": seconds, "iter": iteration, "step": iteration}


class _Lines(list):
    """Lines that were told, and a way to wait for the next."""

    def __init__(self):
        super().__init__()
        self.came = threading.Event()

    def __call__(self, line):
        self.append(line)
        self.came.set()


def test_of_a_training_that_has_logged_nothing_nothing_is_known(tmp_path):
    assert reached(tmp_path) == (0, 0.0)
    assert reached(tmp_path / "absent") == (0, 0.0)


@pytest.mark.parametrize("tail", ['{"loss": 1.0, "ti', '{"knn": 3.0, "step": 20}\n'])
def test_the_last_whole_line_of_a_step_counts(tmp_path, tail):
    _log(tmp_path, _row(10), _row(20, 0.5), tail=tail)
    assert reached(tmp_path) == (20, 0.5)


def test_the_log_of_the_latest_beginning_counts(tmp_path):
    _log(tmp_path, _row(90))
    later = tmp_path / "20260102_000000" / "vis_data" / "scalars.json"
    later.parent.mkdir(parents=True)
    later.write_text(json.dumps(_row(50)) + "\n")
    assert reached(tmp_path) == (50, 2.0)


def test_each_tenth_is_told_with_what_is_left(tmp_path):
    told = _Lines()
    with progress_told(tmp_path, "taught", 1000, told, every=0.01):
        _log(tmp_path, _row(400))
        assert told.came.wait(10)
    assert told == ["taught: 400 of 1,000 iterations, about 20 min left"]


def test_what_a_killed_run_had_reached_is_not_told_again(tmp_path):
    told = _Lines()
    _log(tmp_path, _row(400))
    with progress_told(tmp_path, "taught", 1000, told, every=0.01):
        assert not told.came.wait(0.2)
        _log(tmp_path, _row(520))
        assert told.came.wait(10)
    assert told == ["taught: 520 of 1,000 iterations, about 16 min left"]


def test_a_training_that_fails_ends_the_telling(tmp_path):
    telling = progress_told(tmp_path, "taught", 10, print, every=0.01)
    with pytest.raises(ValueError, match="failed"), telling:
        raise ValueError("failed")
    assert not [t for t in threading.enumerate() if "watch" in t.name]
