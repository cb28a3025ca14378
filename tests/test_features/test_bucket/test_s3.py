"""Processes that share nothing but a bucket of S3."""

import multiprocessing
import time

import pytest

from mmtaskssl.features import fill
from mmtaskssl.features.bucket.claims import BucketClaims
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.families import SystemRefused, Unreachable
from mmtaskssl.utils.remote import service, writing
from tests._bucket import bucket_served
from tests.test_features.test_bucket._world import extract, make_images, same

pytest.importorskip("s3fs")
STORE = "s3://bucket/store"


@pytest.fixture
def bucket(monkeypatch):
    with bucket_served() as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        service._made.cache_clear()
        # Its options are read from the environment as it is imported.
        from fsspec.config import conf, set_conf_env

        conf.clear()
        set_conf_env(conf)
        yield bucket
        conf.clear()
        service._made.cache_clear()


def worker(images, seconds, said, begin):
    """Starts a process that takes so long for each shard."""

    def work():
        begin.wait()
        write = fill._write

        def slow(writer, claims, index, *rest):
            said.put(index)
            time.sleep(seconds)
            write(writer, claims, index, *rest)

        fill._write = slow
        extract(images, STORE)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def test_a_worker_that_is_killed_costs_its_shard_alone(bucket, tmp_path):
    images = make_images(tmp_path / "images")
    near = extract(images, tmp_path / "near")
    fork = multiprocessing.get_context("fork")
    lost, said = fork.Queue(), fork.Queue()
    first, then = fork.Event(), fork.Event()
    # All are forked before a thread of the server has anything to do.
    others = [worker(images, 0.2, said, then) for _ in range(2)]
    killed = worker(images, 60, lost, first)
    first.set()
    assert lost.get(timeout=60) == 0
    killed.kill()
    killed.join()
    then.set()
    for other in others:
        other.join(timeout=60)
    assert [other.exitcode for other in others] == [0, 0]
    # Each shard once, by one of the two.
    assert sorted(said.get(timeout=9) for _ in range(4)) == [0, 1, 2, 3]
    assert said.empty()
    assert {
        name.removeprefix("bucket/store/"): content
        for name, content in bucket.objects.items()
    } == {path.name: path.read_bytes() for path in near.path.iterdir()}
    same(FeatureStore.open(STORE), near)


def test_a_service_that_knows_no_condition_is_no_queue(bucket, tmp_path):
    bucket.conditional = False
    with pytest.raises(SystemRefused, match="If-None-Match"):
        extract(make_images(tmp_path / "images"), STORE)
    assert bucket.objects == {}


def test_an_answer_that_was_lost_is_no_other_s(bucket):
    place = f"{STORE}/.claims/shard-00000.0"
    bucket.put("bucket/store/.claims/shard-00000.0", b"mine", None)
    assert writing.create(place, b"mine") and not writing.create(place, b"other's")


def test_beats_are_seen(bucket):
    class Place:
        address = STORE

        def is_written(self, index, age=0.0):
            return False

    with BucketClaims(Place(), lease=0.3) as claims:
        assert [*claims.take([0])] == [0]
        before = claims._claims()[0]
        end = time.monotonic() + 10
        while claims._claims()[0] == before and time.monotonic() < end:
            time.sleep(0.02)
        assert claims._claims()[0].tag != before.tag


def test_a_bucket_that_refuses_says_so(bucket):
    bucket.refuses = True
    begin = len(bucket.asked)
    with pytest.raises(Unreachable, match=r"s3://bucket/store/x could not be written"):
        writing.put(f"{STORE}/x", b"x")
    assert len(bucket.asked) - begin == 1  # it is not tried again
