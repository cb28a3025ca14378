"""Search as a value: in memory, without a folder, without a tool."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmtaskssl import apis
from mmtaskssl.cli.verbs import VERBS
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.networks import open_network
from mmtaskssl.search.metrics import METRICS, SET_SCORES
from mmtaskssl.search.names import (
    MEAN_RANK,
    METRIC_NAMES,
    PUBLISHED,
    SET_SCORE_NAMES,
    STRATEGY_NAMES,
    TAUGHT_NAMES,
)
from mmtaskssl.search.strategies import STRATEGIES
from mmtaskssl.utils.budgets import Budget
from mmtaskssl.utils.errors import UserError

from ..test_search._files import MIDDLE, write_files, write_images

OPTIONS = {"metrics": ["global", "dense"], "bn_images": 16, "shape": 16}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    return write_files(folder), write_images(folder)


@pytest.fixture(scope="module")
def found(job):
    return apis.search(*job, "400K-600K", subnets=["MAX"], candidates=5, **OPTIONS)


def told_apart(ranked):
    """The first row, and those whose difference may as well be none."""
    draws = np.array([row["draws"] for row in ranked])
    low = np.quantile(draws[0] - draws, 0.025, axis=1)
    return [row for row, end in zip(ranked, low, strict=True) if end <= 0]


def test_values_go_in_and_a_value_comes_out(job, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = apis.search(
        *job, Budget(4e5, 6e5), subnets=["MAX"], candidates=5, **OPTIONS
    )
    assert again.rows == found.rows and len(again) >= 2 * 5
    assert not [*tmp_path.iterdir()]  # nothing was written
    ranked = found.ranked(found.budgets[0])
    assert all(4e5 <= row["macs"] < 6e5 for row in ranked)
    alike = told_apart(ranked)
    assert found.best[0] == min(alike, key=lambda row: row["macs"])["subnet"]
    assert "0.0004-0.0006 GMACs, dense similarity" in found.table()
    assert found.table() in found._repr_html_().replace("&gt;", ">")
    told = json.loads(json.dumps(found.to_dict()))
    assert told["best"] == found.best and len(told["rows"]) == len(found)
    names = [row["subnet"] for row in ranked]
    assert told["rankings"][0]["subnets"] == names
    assert told["rankings"][0]["tied"] == [row["subnet"] for row in alike]
    assert all("draws" in row for row in found.rows)
    assert not any("draws" in row for row in told["rows"])


def test_one_metric_needs_no_list_and_the_random_state_stays(job):
    before = torch.get_rng_state()
    alone = apis.search(*job, subnets="MAX", metrics="global", bn_images=16, shape=16)
    assert alone.metrics == ("global",) and len(alone) == 1
    assert torch.equal(torch.get_rng_state(), before)
    words = "of the 2 readable images of this search it gets 2"
    with pytest.raises(UserError, match=words):
        apis.search(*job, subnets=["MAX"], num_images=2, shape=16)


def test_it_is_saved_and_gone_on_with(job, found, tmp_path):
    folder = found.save(tmp_path / "out")
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("results.jsonl", "search.json", "global.png", "dense.png"),
        *("next.sh", "report.html", "record.json"),
    }
    script = (folder / "next.sh").read_text()
    assert script.startswith("#!") and "\nset -euo pipefail\n" in script
    commands = script.splitlines()[-2:]
    assert commands == found.next_commands(folder) and found.best[0] in commands[0]
    # They run from any folder: whatever is a file is named in full.
    for command in map(shlex.split, commands):
        assert command[0] == "mmtaskssl" and command[1] in VERBS
        assert all(map(os.path.isabs, command[2:4]))
        assert os.path.isabs(command[command.index("--out") + 1])
    lines = (folder / "results.jsonl").read_text().splitlines()
    assert len(lines) == 1 + len(found)
    opened = apis.SearchResult.open(folder)
    assert opened.table() == found.table() and opened.to_dict() == found.to_dict()
    assert opened.next_commands("o") == found.next_commands("o")
    # Another question needs a word, and keeps the scores.
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    other = {"subnets": [MIDDLE], "folder": folder, **OPTIONS}
    with pytest.raises(UserError, match=r"ranks for other budgets: .*`overwrite`"):
        apis.search(*job, **other)
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept
    more = apis.search(*job, **other, overwrite=True)
    after = (folder / "results.jsonl").read_text().splitlines()
    assert after[: len(lines)] == lines and len(more) == len(after) - 1
    # What was found alone is added to what is there, once.
    with pytest.raises(UserError, match="ranks for other budgets"):
        found.save(folder)
    found.save(folder, overwrite=True)
    assert (folder / "results.jsonl").read_text().splitlines() == after


def test_costs_are_of_the_image_that_the_network_sees(job, found):
    side = open_network(*job[0]).preprocessing.image_size
    options = {key: value for key, value in OPTIONS.items() if key != "shape"}
    own = apis.search(*job, subnets=["MAX"], **options)
    assert own.identity["shape"] == [side, side]
    assert own.rows[0]["macs"] == open_network(*job[0]).cost("MAX").macs
    assert own.table().endswith(f"Costs are of an image of {side}x{side} pixels.")
    with pytest.raises(UserError, match=f"image of {side}x{side} pixels; `shape`"):
        apis.search(*job, "3G-4G", **options)


def test_the_page_stands_alone(found, tmp_path):
    page = found.report(tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and found.best[0] in page
    assert page.count('aria-label="global similarity by') == 1
    assert page.count('aria-label="dense similarity by') == 1
    assert page.count("<tbody>") == len(found.rankings()) and "<img" not in page
    for row in found.ranked(found.budgets[0]):
        assert f'<th scope="row">{row["subnet"]}</th>' in page
        assert f"{row['ci'][0]:.5f}-{row['ci'][1]:.5f}</td>" in page


def test_names_on_the_command_line_are_those_of_the_package():
    assert (*METRICS, *SET_SCORES, MEAN_RANK) == METRIC_NAMES
    assert tuple(METRICS) == PUBLISHED and tuple(SET_SCORES) == SET_SCORE_NAMES
    against = {name: config.get("against") for name, config in SET_SCORES.items()}
    taught = [name for name, other in against.items() if other == "teacher"]
    assert (*taught, MEAN_RANK) == TAUGHT_NAMES
    assert tuple(STRATEGIES) == STRATEGY_NAMES


def test_the_parser_imports_no_torch():
    code = (
        "import sys, mmtaskssl.cli.search_subnet as cli;"
        "cli.make_parser().format_help();"
        "sys.exit(bool({'torch', 'mmengine', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_network_is_taken_as_it_is_and_left_so(job, found):
    network = open_network(*job[0])
    again = apis.search(
        *(network, job[1], "400K-600K"), subnets=["MAX"], candidates=5, **OPTIONS
    )
    assert again.rows == found.rows and again.identity == found.identity
    assert all(p.requires_grad for p in network.backbone.parameters())
    with pytest.raises(UserError, match="compares trained sub-nets"):
        apis.search((job[0][0], "random"), job[1], subnets=["MAX"])


def test_values_that_are_of_images_are_taken_for_them(job, found, tmp_path):
    network, images = job
    names = sorted(path.name for path in Path(images).iterdir())
    store = MemoryStore(np.eye(len(names), 8) + 1, names, root=images)
    again = apis.search(network, store, subnets=["MAX"], **OPTIONS)
    rows = {(row["subnet"], row["metric"]): row for row in found.rows}
    assert all(row == rows[row["subnet"], row["metric"]] for row in again.rows)
    paths = [Path(images, name) for name in names]
    assert apis.search(network, paths, subnets=["MAX"], **OPTIONS).rows == again.rows
    nowhere = MemoryStore(np.eye(len(names), 8) + 1, names)
    with pytest.raises(UserError, match="name their folder with `root`"):
        apis.search(network, nowhere, subnets=["MAX"], **OPTIONS)


def test_what_is_no_search_is_not_opened(found, tmp_path):
    with pytest.raises(UserError, match="holds no search"):
        apis.SearchResult.open(tmp_path)
    folder = found.save(tmp_path / "out")
    (folder / "search.json").write_text('{"budgets": 1}')
    with pytest.raises(UserError, match="cut short or edited"):
        apis.SearchResult.open(folder)
    (folder / "record.json").unlink()  # as version 0.1 wrote
    with pytest.raises(UserError, match="is damaged"):
        apis.SearchResult.open(folder)


def test_a_folder_of_pictures_stays(job, found, tmp_path):
    pictures = tmp_path / "pictures"
    shutil.copytree(job[1], pictures)
    (pictures / "more").mkdir()
    (pictures / "more" / "global.png").write_bytes(b"mine")
    (pictures / "global.png").write_bytes(b"mine")
    before = sorted(pictures.rglob("*"))
    options = {**OPTIONS, "folder": pictures, "subnets": ["MAX"]}
    for change in (
        lambda: found.save(pictures),
        lambda: found.save(pictures, overwrite=True),
        lambda: apis.search(*job, overwrite=True, **options),
    ):
        with pytest.raises(UserError, match=r"holds '.*', which is no part of a sea"):
            change()
        assert sorted(pictures.rglob("*")) == before


def test_a_picture_in_the_folder_of_a_search_stays(found, tmp_path):
    folder = found.save(tmp_path / "out")
    (folder / "mine.png").write_bytes(b"mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"holds 'mine\.png'"):
            found.save(folder, overwrite=overwrite)
    assert (folder / "mine.png").read_bytes() == b"mine"


def test_a_plain_network_has_nothing_to_search(job, tmp_path):
    config = tmp_path / "plain.py"
    config.write_text("model = dict(backbone=dict(type='mmcls.ResNet', depth=18))\n")
    network = open_network((config, "random"))
    torch.save(
        {"state_dict": network.backbone.state_dict(prefix="backbone.")},
        tmp_path / "plain.pth",
    )
    with pytest.raises(UserError, match="no sub-nets to choose from: a search ranks"):
        apis.search((config, tmp_path / "plain.pth"), job[1], subnets=["MAX"])
