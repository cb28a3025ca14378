"""Who holds a claim, and whether it is still there."""

import contextlib
import dataclasses
import functools
import json
import os
import socket
from pathlib import Path

_LONGEST_LEASE = 24 * 3600.0


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds a claim, as its file says.

    Attributes:
        id: Of this holder alone.
        host: What its number is of.
        pid: Number of its process.
        started: When that began, as its system counts; "" if that does not say.
        lease: Seconds for which it may be silent.
    """

    id: str
    host: str
    pid: int
    started: str
    lease: float

    @classmethod
    def own(cls, name: str, lease: float) -> "Holder":
        """Returns what this process says of itself."""
        pid = os.getpid()
        return cls(name, _host(), pid, _started(pid) or "", lease)

    def write(self) -> bytes:
        """Returns the content of a claim."""
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def read(cls, text: bytes) -> "Holder | None":
        """Returns what a claim says; None where that cannot be read."""
        try:
            found = json.loads(text)
            holder = cls(
                str(found["id"]),
                str(found["host"]),
                int(found["pid"]),
                str(found["started"]),
                float(found["lease"]),
            )
            return holder if 0 < holder.lease <= _LONGEST_LEASE else None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def is_gone(self) -> bool:
        """Whether it was a process of this machine that has ended."""
        if self.host != _host():
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass
        return _started(self.pid) not in (self.started, None)


@functools.cache
def _host() -> str:
    """Names what has process numbers of its own: a machine since its start, a pod."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> str | None:
    """Returns when a process started, as its system counts.

    "ended" of one that is dead and not yet waited for; None where the system does not
    say. Numbers of processes are used again.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # behind a name that may hold anything
    return "ended" if fields[0] in "ZX" else fields[19]
