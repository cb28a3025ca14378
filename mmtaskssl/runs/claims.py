"""Claims of a piece of work, which hold between machines that share a folder.

A lock of the system (`locked`) may hold on one machine alone, as on some network file
systems, or for ever, where the machine that held it is gone. A claim is a file that
exactly one process can make, and that its holder touches as long as it lives. Whose
claim was not touched for a lease, by the clock of whoever looks on, has lost it: no two
clocks are ever compared. Two may so hold one claim, the one that was thought dead
and its heir; what they write must be the same, and appear in one step.
"""

import contextlib
import os
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..utils.atomic import MARK
from ..utils.families import SystemRefused
from .holder import Holder
from .locks import CLAIM, reason_of

#: Seconds after which the claim of a holder on another machine that is silent is void.
LEASE = 60.0
_BEATS_A_LEASE = 6
_MOST_BYTES = 4096


class Claims:
    """The claims of this process.

    Args:
        lease: Seconds that others let a holder be silent.

    Attributes:
        inherited: Whether what was taken last was held before, by one now thought dead.
    """

    def __init__(self, lease: float = LEASE) -> None:
        self.lease = lease
        self.inherited = False
        self._id = uuid.uuid4().hex
        # Each by its file: descriptor and inode.
        self._held: dict[Path, tuple[int, int]] = {}
        # Claims of others: what they were like when, by the own clock.
        self._seen: dict[Path, tuple[Any, float]] = {}
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._beating: threading.Thread | None = None

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        try:
            self._release_all()
        except BaseException:  # an interrupt, which leaves the rest
            self._release_all()
            raise
        if self._beating is not None:
            self._beating.join(timeout=1)

    def take(self, path: str | os.PathLike) -> bool:
        """Claims what is to be written at a path, unless somebody else has.

        Args:
            path: A file or folder, which need not exist; its folder does.

        Raises:
            UserError: The folder cannot be written.
        """
        claim = claim_of(path)
        self.inherited = False
        try:
            for _ in range(3):  # a claim may go, and come, between two looks
                if self._create(claim):
                    return True
                if not self._is_void(claim) or not self._bury(claim):
                    return False
                self.inherited = True
        except OSError as error:
            raise SystemRefused(f"cannot write {path} ({reason_of(error)})") from error
        return False

    def is_free(self, path: str | os.PathLike) -> bool:
        """Whether nobody holds the claim, or one that is void."""
        claim = claim_of(path)
        return not os.path.lexists(claim) or self._is_void(claim)

    def holds(self, path: str | os.PathLike) -> bool:
        """Whether the claim is still this process's, and not an heir's."""
        claim = claim_of(path)
        found = self._held.get(claim)
        return found is not None and _inode(claim) == found[1]

    def release(self, path: str | os.PathLike) -> None:
        """Gives up a claim; an heir's stays."""
        self._release(claim_of(path))

    def _release_all(self) -> None:
        for claim in list(self._held):
            self._release(claim)

    def _release(self, claim: Path) -> None:
        # The file goes first: whoever is interrupted here does it again.
        with contextlib.suppress(OSError):
            if _inode(claim) == self._held[claim][1]:
                claim.unlink()
        with self._guard:
            os.close(self._held.pop(claim)[0])

    def _create(self, claim: Path) -> bool:
        holder = Holder.own(self._id, self.lease)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = -1
        try:
            handle = os.open(claim, flags, 0o666)
            os.write(handle, holder.write())
            os.fsync(handle)  # others see it now, not when it is closed
            with self._guard:
                self._held[claim] = handle, os.fstat(handle).st_ino
        except FileExistsError:
            return False
        except BaseException:  # no room, or an interrupt at any moment of it
            if claim not in self._held:
                if handle >= 0:
                    os.close(handle)
                self._forget(claim)
            raise
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, daemon=True)
            self._beating.start()
        return True

    def _forget(self, claim: Path) -> None:
        """Removes a claim that this process was making: its own, or without a word."""
        found = _look(claim)
        said = found and Holder.read(found[2])
        if found and (not found[2] or (said and said.id == self._id)):
            claim.unlink(missing_ok=True)

    def _beat(self) -> None:
        """Touches what is held; through its descriptor, for the name may be an heir's.

        A descriptor that is touched late, or no more, costs its holder the claim.
        """
        while not self._ended.wait(self.lease / _BEATS_A_LEASE):
            with self._guard:
                for handle, _ in self._held.values():
                    with contextlib.suppress(OSError):
                        os.utime(handle)

    def _is_void(self, claim: Path) -> bool:
        """Whether the holder is known to have ended, or was silent for a lease."""
        found = _look(claim)
        if found is None:
            return True
        holder = Holder.read(found[2])
        if holder is not None and holder.is_gone():
            self._seen[claim] = found, -float("inf")
            return True
        before = self._seen.get(claim)
        if before is None or before[0] != found:
            self._seen[claim] = found, time.monotonic()
            return False
        # What cannot be read was perhaps not written yet.
        lease = self.lease if holder is None else holder.lease
        return time.monotonic() - before[1] >= lease

    def _bury(self, claim: Path) -> bool:
        """Removes a void claim, so that one of its heirs can make theirs."""
        grave = claim.with_name(f"{claim.name}.{MARK}{uuid.uuid4().hex[:8]}{CLAIM}")
        known = self._seen.pop(claim, None)
        try:
            os.rename(claim, grave)
        except FileNotFoundError:
            return True
        found = _look(grave)
        if known is not None and found == known[0]:
            grave.unlink(missing_ok=True)
            return True
        # Another heir was faster, and this is theirs: it is put back, where there are
        # links. Else two hold it, which costs work and nothing more.
        with contextlib.suppress(OSError):
            os.link(grave, claim)
        grave.unlink(missing_ok=True)
        return False


@contextlib.contextmanager
def claimed(path: str | os.PathLike, lease: float = LEASE) -> Iterator[None]:
    """Holds the claim of a file or folder, having waited for it.

    Args:
        path: See `Claims.take`; its folder is made if absent.
        lease: See `Claims`.

    Raises:
        UserError: The place cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemRefused(f"cannot write {path} ({reason_of(error)})") from error
    with Claims(lease) as claims:
        pause = 0.02
        while not claims.take(path):
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
        yield


def claim_of(path: str | os.PathLike) -> Path:
    """Returns the file that is the claim of a path."""
    path = Path(path)
    if path.name in ("", ".."):  # such as ".": the claim lies beside, not within
        path = path.resolve()
    return path.parent / f".{path.name}{CLAIM}"


def _look(claim: Path) -> tuple[int, int, bytes] | None:
    """Returns what changes when a holder is alive; None: there is no claim."""
    try:
        if not stat.S_ISREG(os.lstat(claim).st_mode):  # a pipe would be waited for
            raise SystemRefused(
                f"{claim} is where a claim has to be, and is no file: delete it"
            )
        # Opened, as that is when a network file system asks its server.
        with open(claim, "rb") as file:
            found, text = os.fstat(file.fileno()), file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError:  # such as another user's
        try:
            found, text = os.stat(claim, follow_symlinks=False), b""
        except OSError:
            return None
    return found.st_ino, found.st_mtime_ns, text


def _inode(claim: Path) -> int | None:
    try:
        return os.stat(claim).st_ino
    except OSError:
        return None
