"""Claims of shards that lie in a bucket."""

import json
import threading
import time

import pytest

from mmtaskssl.features import fill
from mmtaskssl.features.bucket import claims as module
from mmtaskssl.features.bucket.claims import BucketClaims
from mmtaskssl.runs.holder import Holder
from mmtaskssl.utils.remote import files, writing
from tests.test_features.test_bucket._world import STORE, bytes_at, extract
from tests.test_features.test_bucket.test_writer import begin

CLAIM = f"{STORE}/.claims/shard-00002.0"


class Place:
    """Nothing is written, but for what is said to be."""

    address = STORE

    def __init__(self):
        self.done = set()

    def is_written(self, index, age=0.0):
        return index in self.done


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch):
    monkeypatch.setattr(module, "_SEEN", 0.0)


def elsewhere(lease, **changes):
    """Claims shard 2 for a process of another machine."""
    holder = json.loads(Holder.own("other", lease).write())
    content = {**holder, "host": "elsewhere", "beat": 1, **changes}
    assert writing.create(CLAIM, json.dumps(content).encode())


def test_a_shard_is_one_process_s(images):
    place = Place()
    with BucketClaims(place) as mine, BucketClaims(place) as others:
        assert [*mine.take([0, 1])] == [0, 1]
        assert [*others.take([0, 1, 2])] == [2]
        assert not mine.is_lost(0) and others.is_lost(0)
        mine.release(1)
        assert [*others.take([0, 1])] == [1] and not others.inherited
    assert writing.listed(f"{STORE}/.claims") == {}


def test_of_many_at_once_one_gets_it():
    place, got = Place(), []
    everyone = [BucketClaims(place) for _ in range(8)]
    start = threading.Barrier(8)

    def race(claims):
        start.wait()
        got.extend(claims.take([2]))

    threads = [threading.Thread(target=race, args=(one,)) for one in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [2]
    for one in everyone:
        one.__exit__()


def test_who_is_silent_for_a_lease_loses_it():
    elsewhere(lease=0.2)
    with BucketClaims(Place(), lease=0.2) as claims:
        assert [*claims.take([2])] == []
        claims.wait([2])
        assert [*claims.take([2])] == [2] and claims.inherited
        # Whoever was thought dead sees it.
        assert claims._claims()[2].number == 1
        assert not claims.is_lost(2)


def test_who_beats_keeps_it():
    with BucketClaims(Place(), lease=0.3) as mine:
        assert [*mine.take([2])] == [2]
        with BucketClaims(Place(), lease=0.3) as others:
            others._id = mine._id  # so that it asks the beats alone
            end = time.monotonic() + 0.9
            while time.monotonic() < end:
                assert [*others.take([2])] == []
                time.sleep(0.05)


def test_a_process_of_this_machine_that_has_ended_loses_it_at_once():
    elsewhere(lease=60.0, host=Holder.own("x", 1).host, pid=2**22 + 1)
    with BucketClaims(Place()) as claims:
        assert [*claims.take([2])] == [2] and claims.inherited


def test_a_claim_without_a_word_is_void_after_the_own_lease():
    writing.put(CLAIM, b"")
    with BucketClaims(Place(), lease=0.2) as claims:
        assert [*claims.take([2])] == []
        claims.wait([2])
        assert [*claims.take([2])] == [2]


def test_what_is_written_is_not_taken():
    place = Place()
    place.done = {2}
    with BucketClaims(place) as claims:
        claims.wait([2])
        assert [*claims.take([2, 3])] == [3]


def test_the_shards_of_a_machine_that_died_are_taken_over(images, whole, monkeypatch):
    begin(images, monkeypatch, done=1)
    elsewhere(lease=0.2)
    # It was killed between a shard and the word that it is whole.
    writing.put(f"{STORE}/shard-00002.npy", b"half")
    monkeypatch.setattr(BucketClaims.__init__, "__defaults__", (0.2,))
    extract(images, STORE)
    assert bytes_at(STORE) == whole


@pytest.mark.parametrize("heir_is", ["at work", "done with all"])
def test_who_awakes_late_changes_nothing(images, whole, monkeypatch, heir_is):
    write = fill._write

    def asleep(writer, claims, index, features, broken):
        if index == 2:
            for name in writing.listed(f"{STORE}/.claims"):
                writing.remove(f"{STORE}/.claims/{name}")
            if heir_is == "at work":
                writing.put(
                    f"{STORE}/.claims/shard-00002.1", files.read(f"{STORE}/record.json")
                )
            else:
                monkeypatch.setattr(fill, "_write", write)
                extract(images, STORE)
        write(writer, claims, index, features, broken)

    monkeypatch.setattr(fill, "_write", asleep)
    extract(images, STORE)
    assert bytes_at(STORE) == whole
