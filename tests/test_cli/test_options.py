"""Flags are read in one room, each of them in one place."""

import ast
from collections import Counter

import pytest

from mmtaskssl.cli import cpus
from mmtaskssl.cli.verbs import parser_of
from mmtaskssl.datasets.pixel_limit import MAX_PIXELS_VARIABLE
from mmtaskssl.utils.errors import UserError


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def test_no_room_but_the_command_line_knows_argparse(repo_root):
    package = repo_root / "mmtaskssl"
    paths = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "argparse" in {name.partition(".")[0] for name in _imported(path)}
    }
    assert "cli/options.py" in paths
    assert {p for p in paths if not p.startswith(("cli/", "check_env/"))} == set()


def test_flags_that_commands_share_are_added_in_one_place(repo_root):
    """Of the same words; what a flag is for may be particular to a command."""
    added = Counter()
    for path in (repo_root / "mmtaskssl" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", "") == "add_argument"
            ):
                continue
            words = ast.unparse(node).partition("(")[2]
            added[words] += "--" in words
    assert [words for words, count in added.items() if count > 1] == []


@pytest.mark.parametrize("pixels", ["0", "-5"])
def test_a_limit_of_no_pixels_is_refused(pixels, monkeypatch):
    monkeypatch.delenv(MAX_PIXELS_VARIABLE, raising=False)
    argv = ["--pool", "p", "--target", "t", "--budget", "1", "--out", "o"]
    with pytest.raises(UserError, match=f"--max-pixels must be .* 1 on, not {pixels}"):
        parser_of("select").parse_args([*argv, "--max-pixels", pixels])


def test_slurm_is_told_the_cpus_of_a_training(capsys):
    config = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    argv = [config, "--work-dir", "w", "--cfg-options"]
    cpus.main([*argv, "train_dataloader.num_workers=3"])
    assert capsys.readouterr().out.splitlines()[-1] == "4"
