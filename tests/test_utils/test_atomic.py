import json
import stat

import pytest

from mmtaskssl.utils.atomic import atomic_folder, atomic_path, write_json, write_text


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_json(path, {"ä": 1})
    write_json(path, {"ä": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ä": 2}
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_file_names_that_are_not_utf_8_are_kept(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    write_text(tmp_path / "a.txt", name)
    assert (tmp_path / "a.txt").read_bytes() == b"caf\xe9.png"
    write_json(tmp_path / "a.json", [name, "ä"])
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == [name, "ä"] and '"ä"' in text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_files_are_readable_as_if_written_plainly(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_text(tmp_path / "atomic", "x")
    modes = {stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "atomic")}
    assert len(modes) == 1


@pytest.mark.parametrize("existed", [False, True])
def test_a_folder_appears_or_is_replaced_whole(tmp_path, existed):
    out = tmp_path / "out"
    if existed:
        out.mkdir()
        (out / "old").write_text("old")
    with atomic_folder(out) as folder:
        (folder / "new").write_text("new")
        assert out.exists() == existed
    assert [p.name for p in out.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(out) as folder:
        (folder / "new").write_text("half")
        raise RuntimeError
    assert [p.name for p in out.iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_link_stays_and_leads_to_what_was_written(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_path(link) as path:
        path.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]
