"""Cases of ``_judged.py``: disks, limits and company while a verb is at work."""

import builtins
import contextlib
import errno
import functools
import io
import os
import resource
import signal
from unittest import mock

import numpy as np

from mmtaskssl.features.store import FeatureStore
from mmtaskssl.runs.locks import locked
from mmtaskssl.selection.select import select
from mmtaskssl.utils.atomic import is_temporary
from tests._images import make_image_folder
from tests.test_export._files import write_files

from ._hostile_data import store
from ._judged import Case, verb
from ._judged_places import LONG, WRITERS, call_of


# Reads that fail, or bring less than they were asked for.
class _Failing(io.FileIO):
    number = errno.EIO
    left = 10

    def readinto(self, buffer):
        if self.left <= 0:
            raise OSError(self.number, os.strerror(self.number), self.name)
        self.left -= 1
        return super().readinto(memoryview(buffer)[:3])

    def readall(self):
        data, buffer = b"", bytearray(3)
        while count := self.readinto(buffer):
            data += buffer[:count]
        return data


class _Stale(_Failing):
    number = errno.ESTALE


class _Short(_Failing):
    left = 1 << 60


@contextlib.contextmanager
def reads(kind, ending):
    """Lets files whose path ends so be read by a kind of `_Failing`."""
    inner = builtins.open

    def opened(file, mode="r", *args, **options):
        named = isinstance(file, str | os.PathLike) and str(file).endswith(ending)
        if not named or set(mode) & set("wax+"):
            return inner(file, mode, *args, **options)
        raw = io.BufferedReader(kind(os.fspath(file)))
        if "b" in mode:
            return raw
        text = {k: v for k, v in options.items() if k in ("encoding", "errors")}
        return io.TextIOWrapper(raw, newline=options.get("newline"), **text)

    with mock.patch.object(builtins, "open", opened), mock.patch("io.open", opened):
        yield


def _extracted(folder):
    images = make_image_folder(folder / "images", 3)
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    return verb("extract_features", *argv, "--workers", 0)


def _listed(folder):
    images = make_image_folder(folder / "images", 3)
    names = sorted(str(p.relative_to(images)) for p in images.rglob("*.png"))
    (folder / "list.txt").write_text("".join(f"{n}\n" for n in names))
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", folder / "list.txt", "--root", images]
    return verb("extract_features", *argv, "--out", folder / "out", "--workers", 0)


def _selected(folder):
    place = store(folder)
    argv = ["--pool", place, "--target", place, "--budget", 3, "--out", folder / "out"]
    return verb("select_data", *argv)


def _clustered(folder):
    argv = ["--pool", store(folder), "--tree", "2x2", "--out", folder / "out"]
    return verb("cluster_data", *argv)


def _reading(make, kind, ending, folder):
    call = make(folder)

    def broken():
        with reads(kind, ending):
            return call()

    return broken


def _has_one_bad_row(folder, _):
    found = FeatureStore.open(folder / "out")
    return [entry["image"] for entry in found.quarantine] == ["a/000.png"]


def _has_all_rows(folder, _):
    found = FeatureStore.open(folder / "out")
    return len(found) == 6 and not found.quarantine and np.isfinite(found.read()).all()


# Limits of the machine.
@contextlib.contextmanager
def _limited(kind, value):
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def _few_files(make, more, folder):
    call = make(folder)

    def limited():
        lowest = os.open(os.devnull, os.O_RDONLY)
        os.close(lowest)
        with _limited(resource.RLIMIT_NOFILE, lowest + more):
            return call()

    return limited


def _little_memory(folder):
    images = make_image_folder(folder / "images", 3)
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    call = verb("extract_features", *argv, "--workers", 0, "--image-size", 9000)

    def limited():
        pages = int(open("/proc/self/statm").read().split()[0])  # noqa: SIM115
        limit = pages * resource.getpagesize() + (600 << 20)
        with _limited(resource.RLIMIT_AS, limit):
            return call()

    return limited


def _workers(folder):
    images = make_image_folder(folder / "images", 3)
    config, network, _ = write_files(folder)
    argv = [config, network, "--images", images, "--out", folder / "out"]
    return verb("extract_features", *argv, "--workers", 2)


# Company.
def _held(writer, folder):
    out = folder / f"out{WRITERS[writer][1]}"
    call = call_of(writer, folder, out)

    def held():
        with locked(out):
            return call()

    return held


def _changing(name, folder):
    """A store that is another one once it was opened."""
    place = store(folder)
    opened, target = FeatureStore.open(place), FeatureStore.open(place)

    def call():
        path = place / name
        data = bytearray(path.read_bytes())
        data[-3] ^= 64
        os.utime(path)
        path.write_bytes(bytes(data))
        try:
            return select(opened, target, budget=3)
        finally:
            data[-3] ^= 64
            path.write_bytes(bytes(data))

    return call


# A scheduler's SIGTERM.
_CALLS = {}


def _terminated(writer, call_name, after, folder):
    """Ends a tool as it makes a call of the system; it is to run again then."""
    out = folder / f"out{WRITERS[writer][1]}"
    _CALLS[folder] = call = call_of(writer, folder, out)

    def ended():
        real, count = getattr(os, call_name), [0]

        def hit(*args, **options):
            count[0] += 1
            if count[0] == after:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(*args, **options)

        with mock.patch.object(os, call_name, hit):
            return call()

    return ended


def goes_on(folder, _):
    """Whether the same call does its work now, and leaves no litter."""
    _CALLS.pop(folder)()
    return not [p for p in folder.rglob("*") if is_temporary(p.name)]


_GO_ON = ("extract_features", "cluster_data", "search_subnet", "take", "train")
# Which share the work, or lock what they write below or beside the place.
_ELSEWHERE = ("extract_features", "extract_features --from-npy", "export_subnet")
_ELSEWHERE += ("misc/individual_configs", "model_converters/publish_model", "customize")


def fault_cases():
    """Yields the cases."""
    kind = "reads that fail half-way"
    image = "images/a/000.png"
    for name, fault, words in (
        ("EIO", _Failing, "Input/output error"),
        ("ESTALE", _Stale, "Stale file handle"),
    ):
        make = functools.partial(_reading, _extracted, fault, image)
        words_of = f"a/000.png: .*{words}"
        yield Case(kind, f"{name}, an image", make, words_of, True, _has_one_bad_row)
        for what, call, ending in (
            ("a list", _listed, "list.txt"),
            ("a config", _extracted, "config.py"),
            ("ids", _selected, "store/ids.txt"),
            ("a manifest", _clustered, "store/manifest.json"),
            ("labels", _selected, "store/labels.npy"),
        ):
            make = functools.partial(_reading, call, fault, ending)
            words_of = f"{ending}.*{words}"
            yield Case(kind, f"{name}, {what}", make, words_of)
    for call, ending in ((_extracted, image), (_listed, "list.txt")):
        make = functools.partial(_reading, call, _Short, ending)
        yield Case(kind, f"short reads, {ending}", make, "", True, _has_all_rows)
    kind = "limits of the machine"
    for name, call in (("select", _selected), ("extract", _extracted)):
        make = functools.partial(_few_files, call, 0)
        yield Case(kind, f"open files, {name}", make, "Too many open files")
    make = functools.partial(_few_files, _workers, 3)
    yield Case(kind, "open files, workers", make, "Too many open files", heavy=True)
    words = "not enough memory"
    yield Case(kind, "memory, extract", _little_memory, words, heavy=True)
    kind = "company"
    for writer in WRITERS:
        if writer in _ELSEWHERE:
            continue
        make = functools.partial(_held, writer)
        heavy = writer in LONG
        words = "another process is writing"
        yield Case(kind, f"two writers, {writer}", make, words, heavy=heavy)
    for name in ("shard-00000.npy", "labels.npy"):
        make = functools.partial(_changing, name)
        words = f"{name} is not what was written"
        yield Case(kind, f"a store that changes, {name}", make, words, holds=None)
    kind = "SIGTERM, and the same command again"
    for writer in WRITERS:
        # Steps of a training are finished, see its own test; `customize` has a script.
        if writer in ("train", "customize"):
            continue
        call, after = ("replace", 1) if writer in _GO_ON else ("fsync", 1)
        make = functools.partial(_terminated, writer, call, after)
        words = "error: interrupted"
        if writer in _GO_ON:
            words += "; go on with: python .*"
        heavy = writer in LONG
        yield Case(
            *(kind, writer, make, words),
            *(False, goes_on, heavy, 143),
        )
