import errno
import json
import os
import subprocess
import sys

import pytest

from mmtaskssl.runs import (
    RECORD,
    Busy,
    Record,
    State,
    Work,
    check_version,
    locked,
    verify,
    writing,
)
from mmtaskssl.utils.errors import UserError, set_flags


def work(**inputs) -> Work:
    return Work(
        "selection", 2, inputs, ("list.txt", "part-0.npy", "part-1.npy"), "a selection"
    )


def make(out, **inputs) -> None:
    with work(**inputs).written(out) as folder:
        (folder / "list.txt").write_text("a\n")


def test_a_written_folder_is_complete_for_the_same_inputs_alone(tmp_path):
    out = tmp_path / "out"
    assert work(seed=1).state(out) is State.EMPTY
    out.mkdir()
    assert work(seed=1).state(out) is State.EMPTY
    make(out, seed=1, pool=(1, 2))
    assert work(seed=1, pool=[1, 2]).state(out) is State.COMPLETE
    set_flags(["--overwrite"])  # as a tool has it
    with pytest.raises(UserError, match=r"same inputs \(pool, seed\).*--overwrite"):
        work(seed=2).state(out)
    set_flags()
    with pytest.raises(UserError, match=r"replace it with `overwrite`"):
        work(seed=2).state(out)
    assert work(seed=2).state(out, overwrite=True) is State.REPLACE
    make(out, seed=1, settings={"k": 1, "side": 40, "more": {"a": 1, "b": 2}})
    now = {"k": 2, "side": 40, "more": {"a": 1, "b": 3}}
    with pytest.raises(UserError, match=r"inputs \(settings: k, more\)"):
        work(seed=1, settings=now).state(out)


def test_what_is_not_ours_is_never_replaced(tmp_path):
    out = tmp_path / "out"
    make(out, seed=1)
    (out / "holiday.jpg").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"holiday\.jpg.*no part of a selection"):
            work(seed=1).state(out, overwrite)
    (out / "holiday.jpg").unlink()
    other = Work("clusters", 1, {}, (), "clusters")
    with pytest.raises(UserError, match="holds a selection, not clusters"):
        other.state(out, overwrite=True)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UserError, match="is a file"):
        work().state(file)
    assert file.read_text() == "x"


def test_a_removed_file_makes_the_work_unfinished(tmp_path):
    out = tmp_path / "out"
    make(out, seed=1)
    (out / "list.txt").unlink()
    assert work(seed=1).state(out) is State.UNFINISHED


def test_a_failure_leaves_the_old_folder_and_no_litter(tmp_path):
    out = tmp_path / "out"
    make(out, seed=1)
    with pytest.raises(ZeroDivisionError), work(seed=2).written(out) as folder:
        (folder / "list.txt").write_text("half")
        raise ZeroDivisionError
    assert (out / "list.txt").read_text() == "a\n"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_litter_of_a_killed_run_is_removed_by_the_next(tmp_path):
    out = tmp_path / "out"
    code = (
        "import os, sys; from mmtaskssl.runs import Work\n"
        "work = Work('selection', 2, {}, ('list.txt',), 'a selection')\n"
        "with work.written(sys.argv[1]) as folder:\n"
        "    (folder / 'list.txt').write_text('half'); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(out)]).returncode == 9
    assert len([*tmp_path.iterdir()]) == 2  # the temporary folder, and the lock
    other = (
        tmp_path / ".out.json.mmtaskssl-k3v_9qzx.json"
    )  # somebody's, who is writing out.json
    other.write_text("half")
    make(out)
    assert sorted(p.name for p in tmp_path.iterdir()) == [other.name, "out"]


def test_a_growing_folder_goes_on_and_finishes(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), work(seed=1).growing(out) as folder:
        (folder.path / "part-0.npy").write_text("0")
        (folder.path / ".part-1.npy.mmtaskssl-abcdefgh.npy").write_text("ha")
        raise KeyboardInterrupt
    assert work(seed=1).state(out) is State.UNFINISHED
    with pytest.raises(UserError, match="same inputs"):
        work(seed=2).state(out)
    with work(seed=1).growing(out) as folder:
        assert sorted(os.listdir(out)) == ["part-0.npy", RECORD]
        (folder.path / "part-1.npy").write_text("1")
        folder.finish()
    assert work(seed=1).state(out) is State.COMPLETE
    assert {*Record.read(out).files} == {"part-0.npy", "part-1.npy"}
    work(seed=9).clear(out)
    assert not [*out.iterdir()]


def test_changed_files_are_found_when_they_are_read(tmp_path):
    out = tmp_path / "out"
    make(out)
    verify(out)
    (out / "list.txt").write_text("b\n")
    verify(out, deep=False)
    with pytest.raises(UserError, match="checksum differs"):
        verify(out, ["list.txt"])
    (out / "list.txt").write_text("longer\n")
    with pytest.raises(UserError, match="7 bytes instead of 2"):
        verify(out, deep=False)
    (out / "list.txt").unlink()
    with pytest.raises(UserError, match=r"lacks list\.txt"):
        verify(out)
    with pytest.raises(UserError, match="does not list"):
        verify(out, ["other"])


def test_older_formats_are_read_and_newer_ones_refused(tmp_path):
    out = tmp_path / "out"
    make(out)
    newer = Work("selection", 1, {}, ("list.txt",), "a selection")
    with pytest.raises(UserError, match=r"format 2.*up to 1: update"):
        newer.state(out)
    older = Work("selection", 3, {}, ("list.txt",), "a selection")
    assert older.state(out) is State.COMPLETE
    for odd in (None, "2", True, 0):
        with pytest.raises(UserError, match="no format"):
            check_version(odd, 2, "it")


def test_folders_from_before_the_record_are_recognised(tmp_path):
    (tmp_path / "list.txt").write_text("seed 1")

    def legacy(folder):
        return {"seed": int((folder / "list.txt").read_text().split()[1])}

    old = Work("selection", 1, {"seed": 1}, ("list.txt",), "a selection", legacy)
    assert old.state(tmp_path) is State.COMPLETE
    (tmp_path / "list.txt").write_text("seed 2")
    with pytest.raises(UserError, match="seed"):
        old.state(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[1]", "{}", '{"record": 1}', '{"record": 9}', "[" * 100_000]
)
def test_a_damaged_record_is_said(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(UserError):
        Record.read(tmp_path)


def test_records_of_wrong_types_are_said(tmp_path):
    make(tmp_path / "out")
    value = json.loads((tmp_path / "out" / RECORD).read_text())
    for key, odd in (("kind", 1), ("version", "1"), ("files", []), ("complete", 1)):
        (tmp_path / RECORD).write_text(json.dumps({**value, key: odd}))
        with pytest.raises(UserError, match="damaged"):
            Record.read(tmp_path)


def test_two_writers_of_one_place_are_kept_apart(tmp_path):
    out = tmp_path / "out"
    code = (
        "import sys; from mmtaskssl.runs import locked\n"
        "with locked(sys.argv[1]): print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match="another process is writing"), locked(out):
        pass
    holder.kill()
    holder.wait()
    with locked(out):  # freed by the holder's death
        pass
    assert not [*tmp_path.iterdir()]


def test_a_forbidden_place_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match="cannot write"),
        work().written(tmp_path / "file" / "out"),
    ):
        pass


def test_a_full_disk_is_told():
    with pytest.raises(UserError, match=r"cannot write out \(No space"), writing("out"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_folders_with_records_of_their_own_are_left_out(tmp_path):
    outer = Work("store", 1, {}, ("a.txt",), "a store", nested=("inner",))
    inner = Work("store", 1, {"inner": True}, ("a.txt",), "a store")
    for one, place in ((outer, tmp_path / "out"), (inner, tmp_path / "out" / "inner")):
        with one.growing(place) as growing:
            (place / "a.txt").write_text("a")
            growing.finish()
    assert {*Record.read(tmp_path / "out").files} == {"a.txt"}
    assert outer.state(tmp_path / "out") is State.COMPLETE


def test_what_is_known_is_not_read_again(tmp_path):
    (tmp_path / "list.txt").write_text("a")
    known = {"list.txt": {"bytes": 1, "sha256": "as it was"}}
    assert work().describe(tmp_path, True, known).files == known
    assert not work().describe(tmp_path, False).files


def test_an_input_has_words(tmp_path):
    words = {"seed": "another seed"}
    one = Work("list", 1, {"seed": 1}, ("a.txt",), "a list", words=words)
    with one.written(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("a")
    other = Work("list", 1, {"seed": 2}, ("a.txt",), "a list", words=words)
    with pytest.raises(UserError, match=r"same inputs \(another seed\)"):
        other.state(tmp_path / "out")


@pytest.mark.parametrize("inner", ["", "NAME/run"])
def test_a_folder_that_was_not_filled_yet_does_not_stand_in_the_way(tmp_path, inner):
    """An interrupt, or a step that fails, between making a folder and its files."""
    out = tmp_path / "out"
    grown = Work("run", 1, {"seed": 1}, ("logs/", "list.txt"), "a run")
    with pytest.raises(KeyboardInterrupt), grown.growing(out) as growing:
        (growing.path / "logs" / inner).mkdir(parents=True)
        raise KeyboardInterrupt
    assert grown.state(out) is State.UNFINISHED
    with grown.growing(out) as growing:
        (growing.path / "logs" / inner / "a.log").write_text("a")
        (growing.path / "list.txt").write_text("a\n")
        growing.finish()
    assert grown.state(out) is State.COMPLETE
    # But what was filled is listed file by file: others' files are seen.
    (out / "logs" / "holiday.jpg").write_text("mine")
    with pytest.raises(UserError, match=r"holiday\.jpg"):
        grown.state(out)


def test_an_address_is_the_same_whoever_signed_it(tmp_path):
    out = tmp_path / "out"
    make(out, pool="https://u:hunter2@host/pool.tar?sig=SIGNED")
    text = (out / RECORD).read_text()
    assert "https://host/pool.tar" in text
    assert "hunter2" not in text and "SIGNED" not in text
    again = work(pool="https://host/pool.tar?sig=ANEW")
    assert again.state(out) is State.COMPLETE
    with pytest.raises(UserError, match=r"same inputs \(pool\)"):
        work(pool="https://host/other.tar?sig=SIGNED").state(out)
