import json

import pytest

from mmtaskssl.runs import ResultFile, as_read, locked
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def file(tmp_path):
    return ResultFile(tmp_path / "r.json", "a tally", lambda found: "tally" in found)


def test_an_earlier_result_gives_way(file):
    assert file.read() is None
    file.write({"tally": 1})
    assert file.read() == {"tally": 1}
    file.write({"tally": (2, 3)})
    assert file.read() == as_read({"tally": (2, 3)}) == {"tally": [2, 3]}
    assert [path.name for path in file.path.parent.iterdir()] == ["r.json"]


@pytest.mark.parametrize("text", ["notes", '{"other": 1}', "[]", "", '{"tally": 1'])
def test_anything_else_stays(file, text):
    file.path.write_text(text)
    for work in (file.read, lambda: file.write({"tally": 1})):
        with pytest.raises(UserError, match=r"is not a tally .* is not replaced"):
            work()
    assert file.path.read_text() == text


def test_a_folder_stays(file):
    file.path.mkdir()
    with pytest.raises(UserError, match="is a folder: name a file"):
        file.write({"tally": 1})


def test_what_cannot_be_written_leaves_what_was_there(file, monkeypatch):
    file.write({"tally": 1})

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mmtaskssl.runs.result_file.write_json", full)
    with pytest.raises(UserError, match="No space left on device"):
        file.write({"tally": 2})
    assert json.loads(file.path.read_text()) == {"tally": 1}


def test_one_writer_at_a_time(file):
    with locked(file.path), pytest.raises(UserError, match="another process"):
        file.write({"tally": 1})
