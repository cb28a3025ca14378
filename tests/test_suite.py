"""`make test-fast` leaves out files that are there, and still looks into every room."""

import re


def test_every_room_has_tests_that_are_fast(repo_root):
    tests = repo_root / "tests"
    slow = [repo_root / n for n in (tests / "slow.txt").read_text().split()]
    assert len(set(slow)) == len(slow) and all(path.is_file() for path in slow)
    rooms = [path for path in tests.glob("test_*") if path.is_dir()]
    rooms = {room: {*room.rglob("test_*.py")} - {*slow} for room in rooms}
    assert len(rooms) > 15
    for room, files in rooms.items():
        assert any("def test_" in f.read_text() for f in files - _gpu(files)), room


def _gpu(files):
    """Those whose every test needs a GPU, by the marker of the whole module."""
    whole = re.compile(r"^pytestmark = \[?pytest\.mark\.gpu", re.MULTILINE)
    return {f for f in files if whole.search(f.read_text())}


def test_no_file_is_longer_than_a_reader_keeps_in_mind(repo_root):
    sizes = {
        str(path.relative_to(repo_root)): len(path.read_text("utf-8").splitlines())
        for room in ("mmtaskssl", "tools")
        for path in (repo_root / room).rglob("*.py")
    }
    assert len(sizes) > 400
    assert {name: size for name, size in sizes.items() if size > 300} == {}
