import argparse
import re
import shlex

import pytest

from mmtaskssl.cli.cfg_options import OptionsAction
from mmtaskssl.cli.main import run
from mmtaskssl.search.output import next_commands
from mmtaskssl.search.report import pareto_front, size_note
from mmtaskssl.utils.errors import UserError

from ..test_search._files import MIDDLE, write_files, write_images
from ._tools import failure_of, load_tool

HAND = "s8-w4.8.16-d1.1.1"


@pytest.fixture(scope="module")
def tool():
    return load_tool("search_subnet")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    config, checkpoint = write_files(folder)
    return folder, [config, checkpoint, "--images", write_images(folder)]


def _cells(text, heading):
    """Returns the table below the line that begins with ``heading``."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(heading))
    table = lines[at + 1 :]
    notes = ("Similarity", "The first ", *(f"{n} of the first" for n in range(9)))
    end = next(i for i, line in enumerate(table) if not line or line.startswith(notes))
    return [re.split(r"\s\s+", line.strip()) for line in table[:end]]


def test_search_to_export(job, tool, capsys, tmp_path, monkeypatch):
    folder, arguments = job
    out = folder / "out put"
    options = ["--shape", "16", "--out", str(out), "--bn-images", "16"]
    options += ["--metric", "global", "dense", "--candidates", "6", "--top", "3"]
    budgets = ["--budget", "400K-600K", "5K-9K:params"]
    tool.main([*arguments, *options, *budgets, "--subnet", "HAND", MIDDLE])
    text = capsys.readouterr().out
    for metric in ("global", "dense"):
        header, *rows = _cells(text, f"0.0004-0.0006 GMACs, {metric} similarity")
        assert header[:2] == ["rank", "sub-net"] and len(rows) >= 3
        values = [float(row[-2]) for row in rows]
        assert values == sorted(values, reverse=True)
        assert _cells(text, f"0.005-0.009 M parameters, {metric}")[1:]
        assert (out / f"{metric}.png").stat().st_size > 5000
    assert (out / "results.jsonl").read_text().count(HAND) == 2
    # A second run scores nothing new and says the same.
    before = (out / "results.jsonl").read_bytes()
    tool.main([*arguments, *options, *budgets, "--subnet", "HAND", MIDDLE])
    again = capsys.readouterr().out
    assert (out / "results.jsonl").read_bytes() == before
    assert again[again.index("0.0004") :] == text[text.index("0.0004") :]
    # The commands at the end do what they say.
    lines = [line for line in text.splitlines() if line.startswith("mmtaskssl ")]
    commands = [shlex.split(line) for line in lines]
    assert [c[1] for c in commands] == ["calibrate", "export"]
    monkeypatch.chdir(tmp_path)  # from anywhere
    for command in commands:
        run(command[1:])
    # What the words say is taken is what these take.
    said = re.findall(r"the smallest of them, (\S+), is taken", text)
    assert said and {*said} <= {*commands[0]}
    for name in said:
        assert (out / "export" / name / "weights.pth").is_file()


def test_commands_repeat_what_changes_the_network():
    origin = {
        "config": "c.py",
        "checkpoint": "k.pth",
        "images": "my images",
        "calibration": {"seed": 1, "image-size": None},
        "cfg_options": {"model.x": 1},
    }
    first, second = next_commands(["a", "b"], origin, "/out")
    assert first == (
        "mmtaskssl calibrate c.py k.pth --subnet a b --images 'my images' "
        "--seed 1 --out /out/calibrated.pth --cfg-options model.x=1"
    )
    assert second == (
        "mmtaskssl export c.py /out/calibrated.pth --subnet a b "
        "--out /out/export --cfg-options model.x=1"
    )


def _row(macs, similarity, metric="global"):
    known = {"subnet": f"{macs}", "macs": macs, "metric": metric}
    return {**known, "similarity": similarity}


def test_pareto_front():
    rows = [_row(3, 0.7), _row(1, 0.5), _row(2, 0.4), _row(4, 0.7), _row(2, 0.6)]
    front = [(row["macs"], row["similarity"]) for row in pareto_front(rows)]
    assert front == [(1, 0.5), (2, 0.6), (3, 0.7)]


def test_size_note():
    rows = [_row(n, n / 10) for n in range(6)]
    assert "over these 6: Spearman +1.00" in size_note(rows)
    assert "Likeness to the largest net favours" in size_note(rows)
    assert size_note(rows[:4]) == ""
    # Not every metric is a likeness to the largest.
    rows = [_row(n, -n, "rank") for n in range(6)]
    assert size_note(rows) == ("Effective rank with MACs over these 6: Spearman -1.00.")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name a --budget"),
        (["--budget", "3"], "cannot be read"),
        (["--budget", "400K-600K", "3G-4G"], "no candidate has 3-4 GMACs"),
        (["--subnet", "s99-w9.9.9-d1.1.1"], "does not fit into the space"),
        (["--subnet", "best"], "not the name of a sub-net"),
        (["--subnet", "MIN", "--bn-images", "4"], "at least 16 images"),
        (["--subnet", "MIN", "--shape", "0"], "--shape"),
        (["--subnet", "MIN", "--launcher", "slurm"], "torchrun"),
        (["--subnet", "MIN", "--device", "tpu9"], "cannot be used"),
    ],
)
def test_bad_input(job, tool, tmp_path, monkeypatch, options, words):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    argv = [*job[1], "--shape", "16", "--out", str(tmp_path / "out"), *options]
    assert words in failure_of(tool, argv)
    results = tmp_path / "out" / "results.jsonl"
    assert not results.exists() or len(results.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "options", [{"a.b": [1, 2], "c": "x"}, {"a": None, "images": "/my, own"}]
)
def test_options_of_the_config_are_read_as_they_were_written(options):
    origin = {"config": "", "checkpoint": "", "images": "", "calibration": {}}
    command = next_commands(["a"], {**origin, "cfg_options": options}, "out")[1]
    written = shlex.split(command)
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=OptionsAction)
    found = parser.parse_args(written[written.index("--cfg-options") :])
    assert found.cfg_options == options
    with pytest.raises(UserError, match="KEY=VALUE"):
        parser.parse_args(["--cfg-options", "nonsense"])
