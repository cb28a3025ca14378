"""Which shards a process computes, when all that others share with it is a bucket."""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ... import runs
from ...runs.holder import Holder
from ...utils.families import Unreachable
from ...utils.remote import files, writing
from ...utils.remote.files import Stat

CLAIMS = ".claims"
_BEATS_A_LEASE = 6
# Seconds between two looks at what others do, at first and at most; and for which a
# list of what they hold is new enough to leave a shard to them.
_PAUSES, _SEEN = (0.05, 5.0), 5.0


class Written(Protocol):
    """Tells which shards are written.

    Attributes:
        address: Of the store.
    """

    address: str

    def is_written(self, index: int, age: float = 0.0) -> bool:
        """Whether a shard was, as far as is known since so many seconds."""


@dataclass(frozen=True)
class _Claim:
    """Somebody's claim of a shard, the newest one.

    Attributes:
        number: How many had it before.
        tag: Changes with each beat of its holder.
    """

    number: int
    tag: str


class BucketClaims:
    """Takes one shard after another, each claimed until it is written.

    A claim is a file that exactly one process can make, and that its holder writes anew
    as long as it lives. Whose claim did not change for a lease, by the clock of whoever
    looks on, has lost it to who makes the next one, whose number is one more. Two may
    so compute one shard; what they write is the same.

    Args:
        place: Tells which shards are written, see `BucketWriter`.
        lease: Seconds for which a process may be silent.

    Attributes:
        inherited: Whether what was taken last was another's before.
    """

    def __init__(self, place: Written, lease: float = runs.LEASE) -> None:
        self.lease, self.inherited = lease, False
        self._place, self._id = place, uuid.uuid4().hex
        self._held: dict[int, int] = {}
        self._beats = 0
        # Claims of others: since when they are as they are, by the own clock.
        self._since: dict[int, tuple[_Claim, float]] = {}
        self._holders: dict[tuple[int, int], Holder | None] = {}
        self._list: tuple[float, dict[int, _Claim]] = (-_SEEN, {})
        self._guard, self._ended = threading.Lock(), threading.Event()
        self._beating: threading.Thread | None = None

    def __enter__(self) -> "BucketClaims":
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._beating is not None:
            self._beating.join(timeout=self.lease)
        for index in [*self._held]:
            with contextlib.suppress(Unreachable):
                self.release(index)

    def take(self, shards: Sequence[int]) -> Iterator[int]:
        """Yields those shards that nobody else holds or has written."""
        for index in shards:
            if self._place.is_written(index, _SEEN) or not self._free(index, _SEEN):
                continue
            if self._place.is_written(index) or not self._claim(index):
                continue
            if self._place.is_written(index):  # since
                self.release(index)
                continue
            yield index

    def release(self, index: int) -> None:
        """Lets go of a shard: it is written."""
        with self._guard:
            number = self._held.pop(index)
        writing.remove(self._name(index, number))

    def is_lost(self, index: int) -> bool:
        """Whether a shard that was taken here is another's now."""
        with self._guard:
            mine = self._held.get(index, -1)
        newest = self._claims().get(index)
        return newest is None or newest.number > mine

    def wait(self, shards: Sequence[int]) -> None:
        """Returns once one of some shards is written, or can be taken."""
        pause, most = _PAUSES
        while not any(
            self._place.is_written(index, pause) or self._free(index, pause)
            for index in shards
        ):
            time.sleep(pause)
            pause = min(1.5 * pause, most)

    def alive(self) -> list[int]:
        """Returns shards that others hold, having waited for those who are silent."""
        first, pause = self._claims(), _PAUSES[0]
        while True:
            now = self._claims()
            left = [i for i, claim in now.items() if not self._is_void(i, claim)]
            if beats := [i for i in left if now[i] != first.get(i)]:
                return beats
            if not left:
                return []
            time.sleep(pause)
            pause = min(1.5 * pause, 1.0)

    def _claim(self, index: int) -> bool:
        """Makes the next claim, if the newest one is void."""
        newest = self._claims().get(index)
        if newest is not None and not self._is_void(index, newest):
            return False
        number = 0 if newest is None else newest.number + 1
        if not writing.create(self._name(index, number), self._content()):
            return False
        self.inherited = newest is not None
        with self._guard:
            self._held[index] = number
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, daemon=True)
            self._beating.start()
        return True

    def _free(self, index: int, age: float) -> bool:
        newest = self._claims(age).get(index)
        return newest is None or self._is_void(index, newest)

    def _is_void(self, index: int, claim: _Claim) -> bool:
        """Whether a holder is known to have ended, or was silent for a lease."""
        key = index, claim.number
        if key not in self._holders:
            try:
                text = files.read(self._name(*key))
            except FileNotFoundError:  # let go of, since
                return True
            self._holders[key] = Holder.read(text)
        holder = self._holders[key]
        if holder is not None and holder.id != self._id and holder.is_gone():
            return True
        before = self._since.get(index)
        if before is None or before[0] != claim:
            self._since[index] = claim, time.monotonic()
            return False
        lease = self.lease if holder is None else holder.lease
        return time.monotonic() - before[1] >= lease

    def _claims(self, age: float = 0.0) -> dict[int, _Claim]:
        """Returns the newest claim of each shard, as it was so many seconds ago."""
        now = time.monotonic()
        if now - self._list[0] >= age:
            found = writing.listed(f"{self._place.address}/{CLAIMS}")
            self._list = now, _newest(found)
        return self._list[1]

    def _content(self) -> bytes:
        self._beats += 1
        holder = json.loads(Holder.own(self._id, self.lease).write())
        return json.dumps({**holder, "beat": self._beats}).encode()

    def _beat(self) -> None:
        """Writes what is held anew; a beat that does not arrive costs its holder it."""
        while not self._ended.wait(self.lease / _BEATS_A_LEASE):
            with self._guard:
                held = [*self._held.items()]
            for index, number in held:
                with contextlib.suppress(Unreachable):
                    writing.put(self._name(index, number), self._content())
                    if index not in self._held:  # let go of, meanwhile
                        writing.remove(self._name(index, number))

    def _name(self, index: int, number: int) -> str:
        return f"{self._place.address}/{CLAIMS}/shard-{index:05d}.{number}"


def _newest(found: dict[str, Stat]) -> dict[int, _Claim]:
    newest: dict[int, _Claim] = {}
    for name, known in found.items():
        shard, _, number = name.removeprefix("shard-").partition(".")
        if shard.isdecimal() and number.isdecimal():
            claim = _Claim(int(number), known.tag)
            before = newest.get(int(shard))
            if before is None or before.number < claim.number:
                newest[int(shard)] = claim
    return newest
