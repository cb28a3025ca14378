"""Extraction by actors of a Ray cluster, which hold the network; a shard is a task.

An actor is given one shard at a time: what waits, waits in the driver, so a slow
machine holds nothing up. A shard whose actor died goes to another one. The shards are
claimed as they are by processes, so that both may fill one store.
"""

import copy
import io
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ..utils.errors import option
from ..utils.families import (
    FAMILIES,
    OptionConflict,
    PackageMissing,
    StepFailed,
    UserError,
)
from .claims import Claims
from .fill import compute_free
from .filling import Log, Progress
from .layout import shard_path
from .runner import BatchRunner
from .writer import FeatureStoreWriter

# Of one shard: so often, it is the shard's fault.
_DEATHS = 4
# Seconds between two looks at the cluster, and before a held shard is tried again.
_LOOK, _AGAIN = 5.0, 1.0


def check(world: int) -> None:
    """Refuses to begin where Ray is not installed, or in a process group.

    Args:
        world: Processes of the group.

    Raises:
        UserError: See above.
    """
    _import_ray()
    if world > 1:
        raise OptionConflict(
            f"{option('engine')} ray starts its own workers: leave out "
            f"{option('launcher')}, and start one process"
        )


def _import_ray() -> ModuleType:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise PackageMissing(
            f"{option('engine')} ray needs: pip install 'mmtaskssl[ray]'"
        ) from error
    return ray


class ShardWorker:
    """An actor: computes shards of one store.

    Args:
        store: Folder of the store, which all machines reach.
        root: Folder of the images, which they do, too.
        runner: See `packed`.
        threads: Of the network: as many as the driver's, for the same bits.
    """

    def __init__(self, store: str, root: str, runner: bytes, threads: int) -> None:
        torch.set_num_threads(threads)
        self.runner = unpacked(runner)
        self.root = Path(root)
        self.writer = FeatureStoreWriter(store)

    def compute(self, index: int) -> tuple[bool, tuple[str, str] | None]:
        """Computes one shard, unless another process does.

        Returns:
            Whether it is written; and the code and sentence of what a user can mend.
        """
        try:
            with Claims(self.writer) as claims:
                compute_free(self.writer, self.runner, self.root, claims, [index])
        except UserError as error:
            return False, (type(error).code, str(error))
        return shard_path(self.writer.path, index).exists(), None


def packed(runner: BatchRunner) -> bytes:
    """Returns a runner as bytes that another machine can have."""
    runner = copy.copy(runner)
    # Ray gives an actor one GPU, which is its only one.
    on_gpu = runner.device.type == "cuda"
    runner.device = torch.device(runner.device.type)
    # On CPUs there is an actor for what would be a process that reads.
    runner.workers = runner.workers if on_gpu else 0
    file = io.BytesIO()
    torch.save(runner, file)
    return file.getvalue()


def unpacked(data: bytes) -> BatchRunner:
    """Returns a runner of `packed`, on its device."""
    # Made by this package a moment ago: there is code in it, and it is ours.
    return torch.load(io.BytesIO(data), weights_only=False)


def fill(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    shards: Sequence[int],
    log: Log,
) -> None:
    """Computes shards on a Ray cluster; then all of them are written.

    The cluster is that of ``RAY_ADDRESS``, or one that runs here, or else it is
    started for this work, with all cores of this machine.

    Args:
        writer: The store; all machines reach its folder.
        runner: Reads and computes.
        root: Folder of the images; all machines reach it.
        shards: Those that are missing.
        log: Receives lines on how far all are.

    Raises:
        UserError: The cluster has not what an actor needs, actors die again and again
            of one shard, or as of `BatchRunner.run`.
    """
    if not shards:
        return
    ray = _import_ray()
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False, configure_logging=False)
    try:
        with _Actors(ray, writer, runner, root, log) as actors:
            actors.fill(shards)
    finally:
        if ours:
            ray.shutdown()


class _Actors:
    """The actors of one store, and what each is at."""

    def __init__(
        self,
        ray: ModuleType,
        writer: FeatureStoreWriter,
        runner: BatchRunner,
        root: Path,
        log: Log,
    ) -> None:
        self.ray, self.writer, self.log = ray, writer, log
        threads = torch.get_num_threads()
        on_gpu = runner.device.type == "cuda"
        self.needs = {"CPU": 1, "GPU": 1} if on_gpu else {"CPU": threads}
        options = {f"num_{kind.lower()}s": n for kind, n in self.needs.items()}
        self.kind = ray.remote(**options)(ShardWorker)
        paths = str(writer.path.resolve()), str(root.resolve())
        self.arguments = *paths, ray.put(packed(runner)), threads
        self.idle: list[Any] = []
        # Each by what it will answer.
        self.busy: dict[Any, tuple[Any, int]] = {}
        self.deaths: Counter[int] = Counter()

    def __enter__(self) -> "_Actors":
        return self

    def __exit__(self, *_: object) -> None:
        for actor in [*self.idle, *(actor for actor, _ in self.busy.values())]:
            self.ray.kill(actor)

    def fill(self, shards: Sequence[int]) -> None:
        """Computes shards, or waits until others have."""
        todo, progress = deque(shards), Progress(self.writer, shards, self.log)
        while todo or self.busy:
            self._hire(len(todo))
            while todo and self.idle:
                actor, index = self.idle.pop(), todo.popleft()
                if not shard_path(self.writer.path, index).exists():
                    self.busy[actor.compute.remote(index)] = actor, index
                else:
                    self.idle.append(actor)
            done, _ = (
                self.ray.wait([*self.busy], timeout=_LOOK) if self.busy else ([], 0)
            )
            held = [index for answer in done for index in self._ended(answer)]
            todo.extend(held)
            if held and not self.busy:
                time.sleep(_AGAIN)
            progress.say(0)
        progress.end()

    def _hire(self, shards: int) -> None:
        """Starts as many actors as a cluster has room for, which machines may join."""
        has = self.ray.cluster_resources()
        room = min(int(has.get(kind, 0) // many) for kind, many in self.needs.items())
        if room < 1 and not self.busy:
            needs = " and ".join(f"{n} {kind}" for kind, n in self.needs.items())
            raise StepFailed(
                f"no machine of the Ray cluster has {needs}, which a worker needs: "
                f"take fewer threads (OMP_NUM_THREADS), or another {option('device')}"
            )
        there = len(self.idle) + len(self.busy)
        for _ in range(min(room - there, shards - len(self.idle))):
            self.idle.append(self.kind.remote(*self.arguments))

    def _ended(self, answer: Any) -> list[int]:
        """Takes an actor's answer; returns the shard, if it is to be tried again."""
        actor, index = self.busy.pop(answer)
        try:
            written, failure = self.ray.get(answer)
        except self.ray.exceptions.RayActorError as error:
            self.deaths[index] += 1
            if self.deaths[index] >= _DEATHS:
                raise StepFailed(
                    f"{_DEATHS} workers of Ray died of shard {index} ({error})"
                ) from error
            self.log(f"a worker of Ray died: shard {index} goes to another one")
            return [index]
        if failure is not None:
            code, sentence = failure
            raise FAMILIES.get(code, StepFailed)(sentence)
        self.idle.append(actor)
        return [] if written else [index]
