"""What the driver of a Ray cluster does, with a stand-in for the calls that it makes.

Ray itself starts for ten seconds: ``tools/benchmarks/kill_extract.py --engine ray``
kills workers of a real cluster.
"""

import sys
import types

import pytest
import torch

from mmtaskssl.datasets.images import list_images
from mmtaskssl.features import on_ray
from mmtaskssl.features.extract import extract, extract_to_store
from mmtaskssl.features.layout import shard_path
from mmtaskssl.runs.claims import claim_of
from mmtaskssl.utils.families import (
    Diverged,
    OptionConflict,
    PackageMissing,
    StepFailed,
)
from tests._images import make_image_folder
from tests.test_features.test_claims import claim_from_elsewhere
from tests.test_features.test_extract import _NoNumbers, folder_bytes, make_runner


class _Died(Exception):
    pass


class FakeRay(types.ModuleType):
    """A cluster whose workers live in this process; a task is done as it is got."""

    def __init__(self, cpus=2):
        super().__init__("ray")
        self.cpus, self.tasks, self.dies, self.most = cpus, 0, (), 0
        self.running, self.workers, self.alive, self.joins = 0, [], 0, {}
        self.exceptions = types.SimpleNamespace(RayActorError=_Died)
        self.started = self.ended = 0

    def is_initialized(self):
        return self.started > self.ended

    def init(self, **_):
        self.started += 1

    def shutdown(self):
        self.ended += 1

    def put(self, value):
        return value

    def cluster_resources(self):
        return {"CPU": float(self.cpus), "node:1": 1.0}

    def remote(self, **needs):
        assert needs == {"num_cpus": torch.get_num_threads()}

        def kind(cls):
            def start(*arguments):
                self.alive += 1
                worker = cls(*arguments)
                self.workers.append(worker)
                call = types.SimpleNamespace(remote=lambda i: self._task(worker, i))
                return types.SimpleNamespace(compute=call)

            return types.SimpleNamespace(remote=start)

        return kind

    def _task(self, worker, index):
        self.running += 1
        self.most = max(self.most, self.running)
        self.tasks += 1
        return (self.tasks, worker, index)

    def wait(self, answers, timeout):
        return answers[:1], answers[1:]

    def get(self, answer):
        number, worker, index = answer
        self.running -= 1
        if number in self.dies:
            self.alive -= 1
            raise _Died("the actor died")
        self.cpus = self.joins.get(number, self.cpus)
        return worker.compute(index)

    def kill(self, actor):
        self.alive -= 1


@pytest.fixture
def ray(monkeypatch):
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setattr(on_ray, "_AGAIN", 0.01)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    return fake


@pytest.fixture
def images(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=10, classes=("a", "b"), size=20)
    (tmp_path / "images" / "b" / "001.png").write_bytes(b"broken")
    return list_images(str(tmp_path / "images"))


def run(images, out, engine="ray", body=None, **options):
    runner = make_runner(workers=2 if engine == "ray" else 0, body=body)
    return extract_to_store(
        runner, *images, out, rows_per_shard=4, engine=engine, **options
    )


def test_the_store_is_that_of_one_process(ray, images, tmp_path):
    run(images, tmp_path / "ray")
    run(images, tmp_path / "one", "processes")
    assert folder_bytes(tmp_path / "ray") == folder_bytes(tmp_path / "one")
    assert ray.most == len(ray.workers) == 2  # a shard at a time for each, no more
    assert all(worker.runner.workers == 0 for worker in ray.workers)
    assert ray.alive == 0 and ray.ended == 1
    run(images, tmp_path / "ray")
    assert ray.started == 1  # there was nothing to do


def test_the_shard_of_a_worker_that_died_goes_to_another(ray, images, tmp_path):
    ray.dies, lines = (2, 4), []
    run(images, tmp_path / "ray", log=lines.append)
    run(images, tmp_path / "one", "processes")
    assert folder_bytes(tmp_path / "ray") == folder_bytes(tmp_path / "one")
    assert len(ray.workers) == 4 and ray.alive == 0
    assert sum("goes to another one" in line for line in lines) == 2


def test_workers_that_die_again_and_again_are_no_loop(ray, images, tmp_path):
    ray.dies = range(100)
    with pytest.raises(StepFailed, match=r"4 workers of Ray died of shard \d"):
        run(images, tmp_path / "ray")
    assert ray.alive <= 0 and ray.ended == 1


def test_a_machine_that_joins_is_given_work(ray, images, tmp_path):
    ray.cpus, ray.joins = 1, {2: 3}
    run(images, tmp_path / "ray")
    assert len(ray.workers) == 3


def test_a_shard_that_a_process_holds_is_not_computed_twice(
    ray, images, tmp_path, monkeypatch
):
    monkeypatch.setattr("mmtaskssl.features.fill.fill", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(images, tmp_path / "s", "processes")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(on_ray, "_AGAIN", 0.01)
    held = shard_path(tmp_path / "s", 1)
    claim_from_elsewhere(tmp_path / "s", 1, 60.0)
    tries = []

    def let_go(seconds):
        tries.append(seconds)
        if len(tries) == 3:
            claim_of(held).unlink()

    monkeypatch.setattr(on_ray.time, "sleep", let_go)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    run(images, tmp_path / "s")
    assert len(tries) == 3 and held.exists()


def test_what_a_user_can_mend_is_said_as_it_is(ray, images, tmp_path):
    body = _NoNumbers(level=-1.9)
    with pytest.raises(Diverged, match="makes NaN or infinity of"):
        run(images, tmp_path / "s", body=body)


def test_a_cluster_without_room_is_said(ray, images, tmp_path):
    ray.cpus = 0
    with pytest.raises(StepFailed, match="no machine of the Ray cluster has 1 CPU"):
        run(images, tmp_path / "s")


def test_where_ray_is_of_no_use(ray, images, tmp_path, monkeypatch):
    with pytest.raises(OptionConflict, match="starts its own workers"):
        on_ray.check(2)
    with pytest.raises(OptionConflict, match=r"`engine` is of use only with `out`"):
        extract(make_runner(), images[0], engine="ray")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PackageMissing, match="ray needs: pip install"):
        run(images, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_runner_travels_whole():
    runner = make_runner(batch_size=3, workers=2)
    other = on_ray.unpacked(on_ray.packed(runner))
    image = torch.arange(16 * 16 * 3, dtype=torch.uint8).reshape(1, 16, 16, 3)
    assert torch.equal(runner.forward(image), other.forward(image))
    assert (other.batch_size, other.workers, runner.workers) == (3, 0, 2)
