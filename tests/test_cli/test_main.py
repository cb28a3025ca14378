import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from mmtaskssl.cli.main import SHELLS, run
from mmtaskssl.cli.verbs import VERBS, commands, parser_of, scripts
from mmtaskssl.utils import interrupts
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.interrupts import going_on


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_there(verb):
    assert verb in commands()


@pytest.mark.parametrize("command", commands())
def test_a_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        run([command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: mmtaskssl {command} ")


def test_what_goes_on_is_the_command_that_was_given(monkeypatch):
    def interrupted(argv):
        with going_on("--resume"):
            raise KeyboardInterrupt

    given = ["select", "--pool", "my pool"]
    monkeypatch.setattr(sys, "argv", ["/bin/mmtaskssl", *given])
    monkeypatch.setattr(interrupts, "_again", None)
    monkeypatch.setattr("mmtaskssl.cli.select_data.main", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    told = "; go on with: mmtaskssl select --pool 'my pool' --resume"
    assert interrupts.how_to_go_on() == told


def test_no_parser_imports_torch():
    code = (
        "import sys\n"
        "from mmtaskssl.cli.verbs import commands, parser_of\n"
        "for command in commands():\n"
        "    parser_of(command).format_help()\n"
        "heavy = {'torch', 'mmengine', 'mmcv', 'numpy', 'PIL'} & set(sys.modules)\n"
        "print(len(commands()), sorted(heavy))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    count, heavy = ran.stdout.split(maxsplit=1)
    assert (int(count), heavy.strip(), ran.stderr) == (len(commands()), "[]", "")


def test_a_tool_is_a_docstring_and_a_call(repo_root):
    for module in set(commands().values()):
        (script,) = [
            path
            for path in (repo_root / "tools").rglob(f"{module}.py")
            if "benchmarks" not in path.parts
        ] or [None]
        if script is None:  # a verb without a tool of its own
            continue
        text = script.read_text(encoding="utf-8")
        assert f"mmtaskssl.cli.{module} import main" in text, script
        assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_and_flags(shell, capsys):
    assert run(["completion", shell]) == 0
    text = capsys.readouterr().out
    for word in ("select", "leak-guard"):
        assert word in text


def test_usage_lists_the_verbs_and_the_other_tools(capsys):
    assert run([]) == 0
    text = capsys.readouterr().out
    for verb in VERBS:
        assert f"\n  {verb} " in text
    assert "benchmarks" not in text


def test_an_unknown_command_gets_a_sentence():
    with pytest.raises(UserError, match="unknown command 'xyz'; one of: customize"):
        run(["xyz"])
    words = r"unknown command 'selct'; did you mean 'select'\?"
    with pytest.raises(UserError, match=words):
        run(["selct"])
    with pytest.raises(UserError, match=words):
        parser_of("selct")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--polcy", "score"], "--polcy score; did you mean '--policy'?"),
        (["--polcy=score"], "--polcy=score; did you mean '--policy'?"),
        (["--policy", "scor"], "; did you mean 'score'?"),
    ],
)
def test_a_misspelt_flag_gets_the_one_that_was_meant(flags, words, capsys):
    needed = ["--pool", "p", "--target", "t", "--budget", "1", "--out", "o"]
    with pytest.raises(SystemExit) as end:
        run(["select", *needed, *flags])
    assert end.value.code == 2 and words in capsys.readouterr().err


def test_scripts_are_tools_that_exist(repo_root):
    for name in scripts():
        assert Path(repo_root, "tools", f"{name}.py").is_file()


def test_a_verb_and_its_tool_share_one_parser():
    for verb, module in VERBS.items():
        own = importlib.import_module(f"mmtaskssl.cli.{module}").make_parser()
        flags = parser_of(verb)._option_string_actions
        assert set(own._option_string_actions) == set(flags)


def test_an_old_name_of_a_flag_works_and_says_so(capsys):
    args = parser_of("calibrate").parse_args(["c.py", "c.pth", "--list", "names.txt"])
    assert args.subnet_list == "names.txt"
    assert capsys.readouterr().err == (
        "warning: --list is called --subnet-list from now on\n"
    )
