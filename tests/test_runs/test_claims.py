"""Claims that hold between machines: whoever is dead loses them, and nobody else."""

import json
import multiprocessing
import os
import signal
import time

import pytest

from mmtaskssl.runs import Claims, claimed, claims, is_lock, lock_of
from mmtaskssl.runs.claims import claim_of
from mmtaskssl.runs.holder import Holder
from mmtaskssl.utils.families import SystemRefused


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shard.npy"


@pytest.fixture
def clock(monkeypatch):
    """A clock of this machine alone that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    return now


def of_another_machine(path, lease=60.0, **changes):
    holder = json.loads(Holder.own("other", lease).write())
    text = json.dumps({**holder, "host": "elsewhere", "pid": 1, **changes})
    claim_of(path).write_text(text)
    return claim_of(path)


def in_fork(work):
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def test_one_holds_it_until_it_lets_go(path):
    with Claims() as one, Claims() as other:
        assert one.take(path) and not other.take(path)
        assert one.holds(path) and not other.holds(path) and not other.is_free(path)
        one.release(path)
        assert other.is_free(path) and other.take(path)
    assert not list(path.parent.iterdir())


def test_a_claim_is_named_like_a_lock(path):
    name = claim_of(path).name
    assert is_lock(name) and lock_of(name) == path.name


def test_of_many_that_race_one_wins(tmp_path):
    paths = [tmp_path / str(i) for i in range(40)]
    queue = multiprocessing.get_context("fork").SimpleQueue()

    def race():
        mine = Claims()  # without an end: nothing is given back
        queue.put([p.name for p in paths if mine.take(p)])
        time.sleep(60)  # or the others find a holder that has ended

    racers = [in_fork(race) for _ in range(4)]
    taken = sorted(int(name) for _ in racers for name in queue.get())
    for racer in racers:
        racer.kill()
        racer.join()
    assert taken == [*range(40)]


@pytest.mark.parametrize("waited_for", [True, False])
def test_the_killed_of_this_machine_lose_it_at_once(path, waited_for):
    def hold():
        Claims().take(path)
        os.kill(os.getpid(), signal.SIGKILL)

    process = in_fork(hold)
    if waited_for:
        process.join()
    else:  # a zombie has a number yet
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert claim_of(path).exists()
    with Claims() as heir:
        assert heir.take(path) and heir.inherited
    process.join()


def test_a_number_that_another_process_has_now(path):
    """As after many processes: the holder's number lives, but began at another time."""
    holder = json.loads(Holder.own("old", 60.0).write())
    claim_of(path).write_text(json.dumps({**holder, "started": "1"}))
    with Claims() as heir:
        assert heir.take(path)


def test_the_silent_of_another_machine_lose_it_after_their_lease(path, clock):
    claim = of_another_machine(path, lease=30.0)
    with Claims(lease=5.0) as heir:
        assert not heir.take(path)
        clock[0] += 29
        assert not heir.is_free(path) and not heir.take(path)
        clock[0] += 1
        assert heir.is_free(path) and heir.take(path)
        assert json.loads(claim.read_text())["pid"] == os.getpid()


def test_the_living_of_another_machine_keep_it(path, clock):
    claim = of_another_machine(path)
    with Claims() as other:
        for beat in range(10):
            assert not other.take(path)
            clock[0] += 40
            os.utime(claim, (beat, beat))


@pytest.mark.parametrize("skew", [-1e8, 0, 1e9])
def test_clocks_of_two_machines_are_not_compared(path, clock, skew):
    claim = of_another_machine(path)
    os.utime(claim, (time.time() + skew,) * 2)
    with Claims() as heir:
        assert not heir.take(path)
        clock[0] += 59
        assert not heir.take(path)
        clock[0] += 2
        assert heir.take(path)


_UNREADABLE = [b"", b"{", b"\xff\xfe\0", b"[1]", b'{"id": 1}', b"[" * 4000]


@pytest.mark.parametrize("text", _UNREADABLE)
def test_an_unreadable_claim_is_one_that_is_being_written_or_void(path, clock, text):
    claim_of(path).write_bytes(text)
    with Claims(lease=5.0) as heir:
        assert not heir.take(path)
        clock[0] += 4
        assert not heir.take(path)
        clock[0] += 2
        assert heir.take(path)


@pytest.mark.parametrize("lease", ["nan", -1, 1e300, None])
def test_a_lease_that_never_ends_is_not_believed(path, clock, lease):
    of_another_machine(path, **{"lease": float(lease) if lease == "nan" else lease})
    with Claims(lease=5.0) as heir:
        assert not heir.take(path)
        clock[0] += 6
        assert heir.take(path)


def test_a_holder_is_heard_of(path):
    with Claims(lease=0.12) as one, Claims(lease=0.12) as other:
        assert one.take(path)
        first = os.stat(claim_of(path)).st_mtime_ns
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert not other.take(path)
            time.sleep(0.01)
        assert os.stat(claim_of(path)).st_mtime_ns > first and one.holds(path)


def test_who_was_thought_dead_neither_keeps_nor_frees_it(path, clock):
    with Claims() as sleeper:
        assert sleeper.take(path)
        of_another_machine(path)  # in its own file: as if this one were elsewhere
        with Claims() as heir:
            assert not heir.take(path)
            clock[0] += 61
            assert heir.take(path) and not sleeper.holds(path)
            sleeper.release(path)
            assert claim_of(path).exists() and heir.holds(path)


def test_of_two_heirs_the_slower_takes_nothing_away(path, clock, monkeypatch):
    of_another_machine(path)
    with Claims() as slow, Claims() as fast:
        assert not slow.take(path) and not fast.take(path)
        clock[0] += 61
        rename = os.rename

        def after_the_other(old, new):
            monkeypatch.setattr(os, "rename", rename)
            assert fast.take(path)
            rename(old, new)

        monkeypatch.setattr(os, "rename", after_the_other)
        assert not slow.take(path) and fast.holds(path)
        assert [p.name for p in path.parent.iterdir()] == [claim_of(path).name]


def test_waiting_for_a_claim(path):
    with Claims() as one:
        one.take(path)
        waiting = in_fork(lambda: claimed(path).__enter__())
        time.sleep(0.1)
        assert waiting.is_alive()
    waiting.join(timeout=10)
    assert waiting.exitcode == 0


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with Claims() as one, pytest.raises(SystemRefused, match="cannot write"):
        one.take(tmp_path / "file" / "shard.npy")
    with pytest.raises(SystemRefused, match="is a file"), claimed(tmp_path / "file/a"):
        pass


@pytest.mark.parametrize("at", ["open", "write", "fsync"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_ends_a_claim_as_it_is_made_leaves_none(path, at, error, monkeypatch):
    works = getattr(os, at)

    def ended(*arguments):
        done = works(*arguments)
        if at != "open" or arguments[0] == claim_of(path):
            raise error("now")
        return done

    monkeypatch.setattr(os, at, ended)
    with pytest.raises((error, SystemRefused)), Claims() as held:
        held.take(path)
    assert not claim_of(path).exists()


def test_an_interrupted_end_gives_up_all(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in "ab"]
    held = Claims()
    assert all(held.take(path) for path in paths)
    release, calls = Claims._release, []

    def interrupted(self, claim):
        calls.append(claim)
        if len(calls) == 2:
            raise KeyboardInterrupt
        release(self, claim)

    monkeypatch.setattr(Claims, "_release", interrupted)
    with pytest.raises(KeyboardInterrupt):
        held.__exit__()
    assert not any(claim_of(path).exists() for path in paths)


def test_what_another_is_making_stays(path):
    claim = of_another_machine(path)
    held = Claims()
    held._forget(claim)
    assert claim.exists()


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_named_and_not_waited_for(path, kind):
    claim = claim_of(path)
    if kind == "folder":
        claim.mkdir()
    elif kind == "link":
        claim.symlink_to("nowhere")
    else:
        os.mkfifo(claim)
    with Claims() as held, pytest.raises(SystemRefused, match=r"\.claim .*delete it"):
        held.take(path)
    assert os.path.lexists(claim)
