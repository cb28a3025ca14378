import errno
import os
import shlex
import subprocess
import sys

import pytest

from mmtaskssl.cli.options import make_parser
from mmtaskssl.utils.errors import UserError, option, run_tool
from mmtaskssl.utils.families import FileMissing


def _fail(error):
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (UserError("no such folder"), 2, "error: no such folder\n"),
        (FileMissing("no such folder"), 2, "error: no such folder [file-missing]\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
    ],
)
def test_a_user_sees_one_sentence(capsys, error, status, text):
    with pytest.raises(SystemExit) as exit_:
        run_tool(_fail(error))
    assert exit_.value.code == status
    assert capsys.readouterr().err == text


def test_our_own_mistakes_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(_fail(ZeroDivisionError()))


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_the_status_is_the_tools(returned, status):
    with pytest.raises(SystemExit) as exit_:
        run_tool(lambda argv: returned)
    assert exit_.value.code == status


def test_an_option_is_named_as_the_reader_can_give_it():
    assert option("max_pixels") == "`max_pixels`"
    parser = make_parser("A tool.")
    parser.add_argument("--max-pixels", type=int)
    parser.add_argument("--leak-threshold", type=float)
    parser.parse_args([])
    assert option("max_pixels") == "--max-pixels"
    assert option("threshold", "--leak-threshold") == "--leak-threshold"
    assert option("overwrite") == "`overwrite`"  # this tool has no such flag
    assert option("leak_copies", of="extract") == "`extract --leak-copies`"


def test_a_reader_who_has_seen_enough_ends_a_tool_quietly():
    code = (
        "from mmtaskssl.utils.errors import run_tool\n"
        "run_tool(lambda argv: [print('line', flush=True) for _ in range(100_000)])"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | head -1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("line\n", "")


def _system(number, *names):
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (_system(errno.ENOSPC), "read or written: No space left on device; make room"),
        (_system(errno.ENOSPC), "run the same command again [disk-full]"),
        (_system(errno.EDQUOT), " [disk-full]"),
        (_system(errno.ENOENT, "a"), "a: No such file or directory [file-missing]"),
        (_system(errno.EACCES, "a"), "change its rights [system-refused]"),
        (_system(errno.EMFILE, "a"), " [system-refused]"),
        (_system(errno.ENOMEM, "a"), " [out-of-memory]"),
        (RuntimeError("CUDA out of memory"), "another machine [out-of-memory]"),
        (_system(errno.EACCES, "a/b"), "error: a/b: Permission denied; "),
        (_system(errno.EROFS, "a"), "error: a: Read-only file system; name a place"),
        (_system(errno.ESTALE, b"a\xff"), "a\\udcff: Stale file handle; "),
        (_system(errno.EXDEV, "a", None, "b"), "error: a and b: Invalid cross-device"),
        (MemoryError(), "error: there is not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough mem"),
        (
            RuntimeError("[enforce fail at inline_container.cc:659] . unexpected pos"),
            "error: a checkpoint could not be written: is the disk full?",
        ),
    ],
)
def test_what_the_machine_refuses_is_said_in_one_sentence(capsys, error, text):
    with pytest.raises(SystemExit) as ended:
        run_tool(_fail(error))
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert text in said and said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.parametrize("error", [OSError("of a library"), RuntimeError("a bug")])
def test_errors_that_name_nothing_keep_their_traceback(error):
    with pytest.raises(type(error)):
        run_tool(_fail(error))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_of_any_bytes_can_be_said(encoding):
    code = (
        "from mmtaskssl.utils.errors import run_tool\n"
        "run_tool(lambda argv: print('a\\udcff \\u00b1'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert ran.returncode == 0 and ran.stdout.startswith(b"a\\udcff ")


def test_no_sentence_or_traceback_tells_a_password(capsys, monkeypatch):
    address = "https://me:hunter2@host/x.pth?sig=SIGNED"
    with pytest.raises(SystemExit):
        run_tool(_fail(UserError(f"{address} is absent")))
    with pytest.raises(SystemExit):
        run_tool(_fail(FileNotFoundError(errno.ENOENT, "No such file", address)))
    monkeypatch.setattr("sys.argv", ["tool", "--seed", address])
    parser = make_parser("A tool.")
    parser.add_argument("--seed", choices=["a"])
    with pytest.raises(SystemExit):
        run_tool(lambda argv: parser.parse_args(argv))
    assert capsys.readouterr().err.count("https://host/x.pth") == 3
    code = (
        "from mmtaskssl.utils.errors import run_tool\n"
        f"def main(argv): raise ValueError({address!r})\n"
        "run_tool(main)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ValueError: https://host/x.pth\n")
    shown = capsys.readouterr().err + done.stderr.splitlines()[-1]
    assert "hunter2" not in shown and "SIGNED" not in shown


def test_a_wrong_flag_has_a_code(capsys):
    with pytest.raises(SystemExit) as ended:
        make_parser("A tool.").parse_args(["--colour"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.endswith("error: unrecognized arguments: --colour [bad-command]\n")
