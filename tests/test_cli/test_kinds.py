"""Whatever is typed behind a flag: what it cannot mean is refused in one sentence."""

import argparse

import pytest

from mmtaskssl.cli import kinds
from mmtaskssl.cli.options import make_parser
from mmtaskssl.cli.verbs import commands, parser_of, scripts
from mmtaskssl.utils.errors import UserError, run_tool
from tests.test_tools._tools import failure_of, load_tool

_TOOLS = [*sorted(set(commands().values())), *scripts()]
_TOOLS.append("benchmarks/classification/finetune_grid")
_NO_NUMBER = ("", "x", "nan", "inf", "-inf", "1e999", "--", "1,5", "0x10", "1 2", "\0")
# Of the kinds of numbers: what lies outside each, however it is written.
_OUTSIDE = {
    kinds.COUNT: ("0", "-1", "1.5", "-0", "1e3"),
    kinds.SEED: ("-1", "4294967296", "1.5", "9" * 5000),
    kinds.POSITIVE: ("0", "-1", "-0.0", "1e-999"),
    kinds.SHARE: ("-0.1", "1.1"),
    kinds.PROCESSES: ("-1", "100000", "1.5"),
    kinds.TEXT: ("", "a\0b"),
    kinds.number(0): ("-1e-9",),
    kinds.number(-1, 1): ("-1.01", "2"),
    kinds.whole(0): ("-1",),
    kinds.whole(0, 255): ("-1", "256"),
    kinds.whole(2): ("1", "0"),
    kinds.BYTES: ("0", "-1GB", "2GiBs", "GiB"),
}


def _parser(tool):
    if tool in commands().values():
        return parser_of(tool)
    return load_tool(tool).make_parser()


def _takes_values(tool):
    """Yields the arguments of a tool that take one of whatever is typed."""
    for action in _parser(tool)._actions:
        if action.nargs == 0 or action.choices or action.dest == "cfg_options":
            continue
        yield action


@pytest.mark.parametrize("tool", _TOOLS)
def test_every_argument_has_a_kind_that_is_tested(tool):
    for action in _takes_values(tool):
        assert action.type is None or action.type in _OUTSIDE, action.dest


@pytest.mark.parametrize("tool", _TOOLS)
def test_nonsense_is_refused_by_the_name_of_its_flag(tool):
    parser = _parser(tool)
    parser.parse_known_args = _without_required(parser)
    for action in _takes_values(tool):
        if not action.option_strings or isinstance(action.const, str):
            continue  # where it stands says which it is; or by its old name
        kind = action.type or kinds.TEXT
        bad = _OUTSIDE[kind] + _NO_NUMBER * (kind is not kinds.TEXT)
        flag = next(
            (f for f in action.option_strings if f.startswith("--")),
            action.option_strings[0],
        )
        named = flag.replace("_", "-")
        for text in bad:
            with pytest.raises(UserError, match=f"^{named} must be ") as refused:
                parser.parse_args([f"{flag}={text}"])
            assert "\n" not in str(refused.value)


def _without_required(parser):
    for action in parser._actions:
        action.required = False
    for group in parser._mutually_exclusive_groups:
        group.required = False
    return type(parser).parse_known_args.__get__(parser)


@pytest.mark.parametrize("tool", ["eval_knn", "route_subnet"])
def test_an_empty_place_is_no_current_folder(tool):
    with pytest.raises(UserError, match=r"^`CONFIG` must be a text that"):
        parser_of(tool).parse_args(["", "x", "--target", "t", "--out", "o"])


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["-T", "nan"], "error: --temperature must be a number above 0, not nan"),
        (["-k", "0"], "error: -k must be a whole number from 1 on, not 0"),
        (["--seed", "x"], "from 0 to 4294967295, not 'x'"),
    ],
)
def test_the_tool_says_it_in_one_sentence(argv, sentence):
    assert failure_of(load_tool("eval_knn"), argv).endswith(f"{sentence} [bad-value]")


def test_what_a_flag_means_is_returned():
    assert kinds.COUNT.value("n", "12") == 12
    assert kinds.POSITIVE.value("n", "1e-7") == 1e-7
    assert kinds.whole(0) is kinds.whole(0)


def test_a_parser_of_the_library_refuses_as_well():
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--top", type=kinds.COUNT)
    assert parser.parse_args(["--top", "3"]).top == 3
    with pytest.raises(UserError, match="must be a whole number"):
        parser.parse_args(["--top", "0"])


def test_types_of_the_language_still_serve(capsys):
    parser = make_parser("A tool.")
    parser.add_argument("--rounds", type=int)
    with pytest.raises(SystemExit) as ended:
        run_tool(lambda _: parser.parse_args(["--rounds", "x"]))
    assert ended.value.code == 2
    assert "invalid int value: 'x'" in capsys.readouterr().err
