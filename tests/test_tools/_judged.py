"""Inputs of other people that are wrong, odd or unusual, and what came of each.

    python -m tests.test_tools._judged [--quick] [KIND ...]

(from the top of the repository) runs every case and prints, by kind: how many were
tried, how many gave the sentence that was expected of them, another sentence, a
traceback, nothing at all, or damage to what was on the disk. It fails unless the last
three are 0. The cases that take no time are tests, too, see ``test_judged.py``.
"""

import collections
import contextlib
import gc
import hashlib
import io
import logging
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmtaskssl.runs import RECORD, is_lock
from mmtaskssl.utils.atomic import is_temporary
from mmtaskssl.utils.errors import UserError, run_tool, set_flags
from mmtaskssl.utils.inputs import read_json
from tests.test_tools._tools import load_tool

#: Seconds after which a case hangs.
PATIENCE = 180
#: What may come of a case, in the order of the table.
EXPECTED, OTHER, TRACEBACK, SILENT, DAMAGE = OUTCOMES = (
    "the expected sentence",
    "another sentence",
    "traceback",
    "silent",
    "damage",
)


class _Hung(BaseException):
    """Nothing that a tool could take for an error of a file."""


@dataclass(frozen=True)
class Case:
    """Something that somebody gives to a verb.

    Attributes:
        kind: Of what is wrong.
        name: Of the case.
        make: Writes files into a folder, and returns the call that is judged: of a
            tool, see `verb`, or of a public function.
        says: Pattern of the words that must be said, of this case and no other.
        goes_on: The verb is to do its work, and say so beside; else it is to end with
            one sentence.
        holds: What must be true afterwards, given the folder and what the call
            returned.
        heavy: It takes seconds: only the script runs it.
        status: With which the verb is to end, where it does not go on.
        changes: How the paths begin of files that are the verb's to change; "": none.
    """

    kind: str
    name: str
    make: Callable[[Path], Callable[[], Any]]
    says: str
    goes_on: bool = False
    holds: Callable[[Path, Any], bool] | None = None
    heavy: bool = False
    status: int = 2
    changes: str = ""


def verb(tool: str, *argv: Any) -> Callable[[], Any]:
    """Returns the call of ``tools/TOOL.py`` with arguments."""
    return lambda: load_tool(tool).main([str(a) for a in argv])


def outcome(case: Case, folder: Path) -> tuple[str, str]:
    """Runs a case in an empty folder; returns one of `OUTCOMES`, and what was said."""
    call = case.make(folder)
    before, returned = _content(folder), []
    ended, said, fault = _run(call, returned)
    errors = [x for x in said.splitlines() if re.match(r"(\S+: )?error: ", x)]
    if fault:
        return TRACEBACK, fault
    if case.goes_on:
        if ended != 0:
            return OTHER, said
        if not re.search(case.says, said):
            return SILENT, said
        if wrong := _wrong(case, folder, returned[0]):
            return SILENT, f"{wrong}\n{said}"
    elif ended == 0:
        return SILENT, said
    elif ended != case.status or len(errors) != 1:
        return OTHER, said
    if harm := _harm(folder, before, case):
        return DAMAGE, f"{harm}\n{said}"
    if not case.goes_on and not re.search(case.says, errors[0]):
        return OTHER, errors[0]
    if not case.goes_on and (wrong := _wrong(case, folder, None)):
        return DAMAGE, f"{wrong}\n{said}"
    return EXPECTED, said


def _wrong(case: Case, folder: Path, returned: Any) -> str:
    """Says why what must hold afterwards does not."""
    try:
        good = case.holds is None or case.holds(folder, returned)
    except UserError as error:
        return str(error)
    return "" if good else "what must be true of the result is not"


def _run(call: Callable[[], Any], returned: list) -> tuple[Any, str, str]:
    """Returns the exit status, all that was said, and a traceback or why it hung."""
    said, ended, fault = io.StringIO(), None, ""

    def hang(*_: Any) -> None:
        raise _Hung

    def main(_: Any) -> None:
        returned.append(call())

    before = signal.signal(signal.SIGALRM, hang)
    with _heard(said), _own_place():
        try:
            signal.alarm(PATIENCE)
            run_tool(main)
        except SystemExit as end:
            ended = end.code
        except _Hung:
            fault = f"it hung for {PATIENCE} s"
        except BaseException:
            fault = traceback.format_exc()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
            set_flags()
    return ended, said.getvalue(), fault


@contextlib.contextmanager
def _heard(said: io.StringIO) -> Iterator[None]:
    """Writes down what is printed, and what is logged with whatever logger."""
    inner = logging.Logger.handle

    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        said.write(f"[{record.levelname.lower()}] {record.getMessage()}\n")
        inner(self, record)

    logging.Logger.handle = handle  # type: ignore[method-assign]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield
    finally:
        logging.Logger.handle = inner  # type: ignore[method-assign]


@contextlib.contextmanager
def _own_place() -> Iterator[None]:
    """Puts back what a training leaves in the process, and where it stood."""
    from mmengine.registry import DefaultScope

    place, scopes = os.getcwd(), DefaultScope._instance_dict.copy()
    try:
        yield
    finally:
        os.chdir(place)
        DefaultScope._instance_dict.clear()
        DefaultScope._instance_dict.update(scopes)
        gc.collect()


def _content(folder: Path) -> dict[str, str]:
    """Returns a hash of every file below a folder, by its path there."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_file() and os.access(path, os.R_OK):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path.relative_to(folder).as_posix()] = digest
    return found


def _harm(folder: Path, before: dict[str, str], case: Case) -> str:
    """Says which harm was done to what lay there, or what was left half-done."""
    after = _content(folder)
    for name, digest in before.items():
        own = case.changes and name.startswith(case.changes)
        if after.get(name) != digest and not own:
            return f"{name} was changed"
    for name in {*after} - {*before}:
        base = Path(name).name
        if is_temporary(base) or any(is_temporary(p) for p in Path(name).parts):
            return f"{name} was left"
        if is_lock(base):
            return f"the lock {name} was left"
        if base == RECORD and not case.goes_on and read_json(folder / name)["complete"]:
            return f"{name} says that the work is complete"
    return ""


def table(cases: Sequence[Case], show: Callable[[str], None]) -> tuple[str, int]:
    """Runs cases; returns a Markdown table, a row a kind, and how many failed."""
    found: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for number, case in enumerate(cases, 1):
        begin = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            result, said = outcome(case, Path(folder))
        found[case.kind][result] += 1
        used = f"{time.process_time() - begin:.1f} s"
        show(f"{number}/{len(cases)} {case.kind}, {case.name}: {result} ({used})")
        if result != EXPECTED:
            show("    " + "\n    ".join(said.strip().splitlines()[-4:])[:1000])
    lines = ["| kind | tried | " + " | ".join(OUTCOMES) + " |"]
    lines.append("| --- |" + " ---: |" * (1 + len(OUTCOMES)))
    total: collections.Counter = collections.Counter()
    for counts in found.values():
        total.update(counts)
    for kind, counts in [*found.items(), ("all", total)]:
        cells = [sum(counts.values()), *(counts[o] for o in OUTCOMES)]
        lines.append(f"| {kind} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines), sum(total[o] for o in (TRACEBACK, SILENT, DAMAGE))


def main() -> int:
    from tests.test_tools._judged_cases import CASES

    def show(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    quick = "--quick" in sys.argv
    words = {*sys.argv[1:]} - {"--quick"}  # of kinds or names; none: all
    chosen = [
        case
        for case in CASES
        if not (quick and case.heavy) and (not words or {case.kind, case.name} & words)
    ]
    text, failed = table(chosen, show)
    print(text)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
