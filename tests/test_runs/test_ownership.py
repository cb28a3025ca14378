"""What is not listed in a folder's record is somebody else's, and stays."""

import os
from pathlib import Path

import pytest

from mmtaskssl.runs import RECORD, Record, State, Work, check_listed
from mmtaskssl.utils.atomic import MARK
from mmtaskssl.utils.errors import UserError


def work(seed=1, **options) -> Work:
    inputs = {"seed": seed}
    return Work("search", 1, inputs, ("list.txt", "part.npy"), "a search", **options)


def make(out, seed=1) -> None:
    with work(seed).written(out) as folder:
        (folder / "list.txt").write_text(f"{seed}\n")


def tree(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*"))


def refuse(out, name) -> None:
    """All that could touch a folder leaves it as it is."""
    before = tree(out)
    for change in (
        lambda: work().state(out),
        lambda: work().state(out, overwrite=True),
        lambda: work(2).clear(out),
        lambda: make(out),
        lambda: work().growing(out).__enter__(),
    ):
        with pytest.raises(UserError, match=f"holds '{name}', which is no part"):
            change()
        assert tree(out) == before


def test_names_alone_make_no_folder_ours(tmp_path):
    (tmp_path / "list.txt").write_text("mine")
    refuse(tmp_path, "list.txt")


@pytest.mark.parametrize(
    "name",
    ["part.npy", ".notes.original", ".list.txt.k3v_9qzx.txt", ".my.lock", "a/list.txt"],
)
@pytest.mark.parametrize("complete", [True, False])
def test_a_file_that_came_later_is_not_ours(tmp_path, name, complete):
    make(tmp_path / "out")
    if not complete:
        with work().growing(tmp_path / "out") as growing:
            assert growing.path == tmp_path / "out"
        if name == "part.npy":  # the unfinished work was to write it
            return
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_text("mine")
    refuse(tmp_path / "out", name)


def test_links_and_empty_folders_are_not_ours(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("mine")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "photos")
    refuse(tmp_path / "out", "link")
    (tmp_path / "out" / "link").unlink()
    (tmp_path / "out" / "empty").mkdir()
    refuse(tmp_path / "out", "empty")
    assert tree(tmp_path / "photos") == ["a.png"]


def test_a_nested_folder_is_looked_into_before_it_is_removed(tmp_path):
    outer = work(nested=("copies",))
    make(tmp_path / "out")
    make(tmp_path / "out" / "copies", seed=3)
    (tmp_path / "out" / "copies" / "mine.txt").write_text("mine")
    assert outer.state(tmp_path / "out") is State.COMPLETE
    with pytest.raises(UserError, match=r"holds 'copies/mine\.txt'"):
        outer.clear(tmp_path / "out")
    (tmp_path / "out" / "copies" / "mine.txt").unlink()
    outer.clear(tmp_path / "out")
    assert tree(tmp_path / "out") == []


def test_what_came_while_the_work_went_on_stays(tmp_path):
    out = tmp_path / "out"
    make(out)
    with pytest.raises(UserError, match="holds 'mine'"), work(2).written(out) as folder:
        (folder / "list.txt").write_text("2\n")
        (out / "mine").write_text("mine")
    assert tree(tmp_path) == ["out", "out/list.txt", "out/mine", f"out/{RECORD}"]
    assert (out / "list.txt").read_text() == "1\n"


def test_a_finished_record_lists_no_file_of_others(tmp_path):
    with work().growing(tmp_path / "out") as growing:
        (growing.path / "list.txt").write_text("a")
        (growing.path / "mine").write_text("mine")
        growing.finish()
    assert {*Record.read(tmp_path / "out").files} == {"list.txt"}
    refuse(tmp_path / "out", "mine")


def test_files_of_unknown_names_are_listed_when_they_are_written(tmp_path):
    out = tmp_path / "out"
    with work().growing(out) as growing:
        growing.claim("runs/")
        (out / "runs").mkdir()
        (out / "runs" / "a.pth").write_text("a")
        (out / "later").write_text("mine")
        with pytest.raises(UserError, match="holds 'later'"):
            growing.claim("later")
    (out / "later").unlink()
    assert work().state(out) is State.UNFINISHED
    (out / "runs" / "mine").write_text("mine")
    refuse(out, "runs/mine")


def test_a_record_cannot_lead_out_of_its_folder(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "mine").write_text("mine")
    text = (tmp_path / "out" / RECORD).read_text()
    for name in ("../mine", str(tmp_path / "mine"), "/", ""):
        (tmp_path / "out" / RECORD).write_text(text.replace("list.txt", name))
        with pytest.raises(UserError, match="damaged"):
            work().clear(tmp_path / "out")
    assert (tmp_path / "mine").exists()


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for seed in (1, 2):
        make(tmp_path / "link", seed)
        assert (tmp_path / "real" / "list.txt").read_text() == f"{seed}\n"
        assert (tmp_path / "link").is_symlink()
    work().clear(tmp_path / "link")
    with work().growing(tmp_path / "link") as growing:
        (growing.path / "part.npy").write_text("0")
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]
    assert tree(tmp_path / "real") == ["part.npy", RECORD]
    (tmp_path / "dangling").symlink_to("nothing")
    with pytest.raises(UserError, match="dangling is a link to nothing, which is not"):
        work().state(tmp_path / "dangling")
    assert not (tmp_path / "nothing").exists()


def test_the_current_folder_is_filled_in_place(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    inode = here.stat().st_ino
    for seed in (1, 2):
        make(".", seed)
        assert (here / "list.txt").read_text() == f"{seed}\n"
        assert work(seed).state(".") is State.COMPLETE
    assert here.stat().st_ino == inode
    assert tree(tmp_path) == ["here", "here/list.txt", f"here/{RECORD}"]


def test_a_kill_while_files_move_leaves_the_folder_ours(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    real = os.replace

    def killed(source, target):
        if Path(target).name == "list.txt":
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "out")
    assert work().state(tmp_path / "out") is State.UNFINISHED
    make(tmp_path / "out")
    assert tree(tmp_path / "out") == ["list.txt", RECORD]


def test_litter_within_is_told_by_its_mark(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / f".list.txt.{MARK}k3v_9qzx.txt").write_text("half")
    with work().growing(tmp_path / "out"):
        assert tree(tmp_path / "out") == ["list.txt", RECORD]


def test_a_file_that_was_changed_is_told_from_a_users_own(tmp_path):
    make(tmp_path / "out")
    check_listed(tmp_path / "out" / "list.txt")
    (tmp_path / "out" / "list.txt").write_text("2\n")
    with pytest.raises(UserError, match=r"checksum differs.*copy the file"):
        check_listed(tmp_path / "out" / "list.txt")
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "list.txt").write_text("2\n")
    (tmp_path / RECORD).write_text("[]")  # of another program
    for own in (tmp_path / "out" / "mine.txt", tmp_path / "list.txt"):
        check_listed(own)


@pytest.mark.parametrize("text", ["1\n2\n", "2\n"], ids=["longer", "as long"])
def test_a_finished_file_that_was_edited_is_not_made_again(tmp_path, text):
    out = tmp_path / "out"
    make(out)
    (out / "list.txt").write_text(text)
    with pytest.raises(UserError, match=r"list\.txt was changed.*`overwrite`"):
        work().state(out)
    assert (out / "list.txt").read_text() == text
    assert work().state(out, overwrite=True) is State.REPLACE
    (out / "list.txt").unlink()
    assert work().state(out) is State.UNFINISHED


def test_a_link_in_a_files_place_is_what_it_points_to(tmp_path):
    out = tmp_path / "out"
    make(out)
    (tmp_path / "list.txt").write_text("1\n")
    (out / "list.txt").unlink()
    (out / "list.txt").symlink_to(tmp_path / "list.txt")
    assert work().state(out) is State.COMPLETE
    for change in ((tmp_path / "list.txt").unlink, (tmp_path / "list.txt").mkdir):
        change()
        with pytest.raises(UserError, match="was changed after"):
            work().state(out)


def test_an_edit_counts_beside_a_file_that_is_gone(tmp_path):
    out = tmp_path / "out"
    with work().written(out) as folder:
        (folder / "list.txt").write_text("1\n")
        (folder / "part.npy").write_text("1")
    (out / "list.txt").unlink()
    (out / "part.npy").write_text("mine")
    with pytest.raises(UserError, match=r"part\.npy was changed"):
        work().state(out)


def test_what_nobody_edits_is_made_again(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / "list.txt").write_text("cut")
    assert work(remade=("list.*",)).state(tmp_path / "out") is State.UNFINISHED


def test_names_that_look_like_patterns_are_names(tmp_path):
    out, file = tmp_path / "out", "part[1]/inner/list.txt"
    for _ in range(2):
        with Work("search", 1, {}, (file,), "a search").growing(out) as growing:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_text("1")
            growing.finish()
    Work("search", 1, {"other": 1}, (file,), "a search").clear(out)
    assert tree(out) == []


def test_folders_with_records_of_their_own_and_what_is_its_users(tmp_path):
    out = tmp_path / "out"
    outer = work(nested=("of/*/inner",), kept=("*.edited*",))
    with outer.growing(out) as growing:
        (out / "list.txt").write_text("1")
        growing.claim("of/one/note")
        for name in ("one", "two"):
            make(out / "of" / name / "inner")
        (out / "of" / "one" / "note").write_text("ours")
        growing.finish()
    assert {*Record.read(out).files} == {"list.txt", "of/one/note"}
    (out / "list.edited.txt").write_text("mine")
    assert outer.state(out) is State.COMPLETE
    stranger = out / "of" / "two" / "mine"
    stranger.write_text("not ours")
    with pytest.raises(UserError, match="holds 'of/two/mine'"):
        outer.clear(out)
    stranger.unlink()
    outer.clear(out)
    assert tree(out) == ["list.edited.txt"]
