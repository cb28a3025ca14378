"""What README and docs say exists: commands, flags, functions, figures, sentences."""

import re

import pytest

from mmtaskssl.config.transfer_options import TRANSFER_OPTIONS
from mmtaskssl.config.variables import OTHERS, PLACES
from mmtaskssl.datasets import pixel_limit
from tests import _docs
from tests import _docs_files as files
from tests import _docs_said as said

FIGURE = re.compile(
    r"[+-]?\d+\.\d+(?: ± \d+\.\d+| \[[+-]\d+\.\d+, [+-]\d+\.\d+\])?(?![\d.])"
)


@pytest.fixture(scope="module")
def texts(repo_root):
    """Pages that are written by hand."""
    found = _docs.written(repo_root)
    assert len(found) > 25 and {"README.md", "CONTRIBUTING.md"} <= {*found}
    return found


@pytest.fixture(autouse=True)
def no_limit_is_set(monkeypatch):
    monkeypatch.setattr(pixel_limit, "set_max_pixels", lambda pixels: None)


def _all(check, texts):
    return [fault for name, text in texts.items() for fault in check(name, text)]


def test_commands_exist_and_take_their_arguments(texts):
    assert _all(said.block_faults, texts) == []
    lines = [line for text in texts.values() for line in said.commands_of(text)]
    verbs = {line.split()[1] for line in lines if line.startswith("mmtaskssl ")}
    assert len(verbs) > 12 and len(lines) > 200  # or this test reads nothing


def test_commands_and_flags_in_sentences_exist(texts):
    assert _all(said.sentence_faults, texts) == []


def test_files_in_sentences_are_written(texts):
    assert _all(files.file_faults, texts) == []


def test_configs_exist(texts, repo_root):
    names = set()
    for text in texts.values():
        names |= {*re.findall(r"(?<![\w/:])configs/[\w/.-]+\.py", text)}
        quoted = re.findall(r'"([a-z]+/[\w/.-]+px\.py)"', text)
        names |= {f"configs/{name}" for name in quoted}
    names = {n for n in names if not re.search(r"/(NAME/|SET\.py)", n)}
    names = {n for n in names if not n.startswith("configs/vicreg/")}  # made on the way
    assert len(names) > 8
    assert {n for n in names if not (repo_root / n).is_file()} == set()


def test_functions_exist_and_take_their_arguments(texts):
    assert _all(said.call_faults, texts) == []
    assert sum(said.calls_of(name, text) for name, text in texts.items()) > 30


def test_figures_are_those_of_the_measurements(texts, repo_root):
    def plain(text):
        return " ".join(text.split())

    studies = [t for n, t in texts.items() if n.startswith("docs/evidence/")]
    measured = plain("\n".join(studies))
    count, wrong = 0, []
    for name, text in texts.items():
        if not name.startswith(("docs/concepts/", "model_zoo.md")):
            continue
        prose = re.sub(r"(\[\d{4}\.\d{5})?\]\([^)]*\)", "]", _docs.BLOCK.sub("", text))
        for figure in FIGURE.findall(plain(_docs.INLINE.sub("", prose))):
            count += 1
            if figure not in measured:
                wrong.append(f"{name}: {figure}")
    assert count > 50 and not wrong


def test_every_key_of_a_config_is_explained(texts):
    page = texts["docs/reference/config_keys.md"]
    for key in {*PLACES, *OTHERS, *TRANSFER_OPTIONS, "target_share", "max_pixels"}:
        assert f"`{key}`" in page, key


@pytest.mark.parametrize(
    ("page", "old", "new", "check", "fault"),
    [
        (
            *("README.md", "[--shard-size 1000]", "[--shards-of 1000]"),
            *(said.block_faults, "--shards-of"),
        ),
        (
            *("README.md", "--form parquet|folder", "--form parquet|zip"),
            *(said.block_faults, "'zip'"),
        ),
        (
            *("README.md", "\nmmtaskssl deduplicate", "\nmmtasksl deduplicate"),
            *(said.block_faults, "no command: mmtasksl"),
        ),
        ("README.md", "```bash", "```", said.block_faults, "a block of kind ''"),
        (
            *("README.md", 'public="FILE", seeds=3', 'public="FILE", seed_count=3'),
            *(said.call_faults, "seed_count"),
        ),
        (
            *("README.md", "import select\n", "import selected\n"),
            *(said.call_faults, "no selected in mmtaskssl.apis"),
        ),
        (
            *("README.md", "make quickstart IMAGES=", "make quickstart IMGS="),
            *(said.block_faults, "the Makefile reads no IMGS"),
        ),
        ("model_zoo.md", "--recipes", "--receipts", said.block_faults, "--receipts"),
        (
            *("model_zoo.md", "--recipes selfres", "--recipes self"),
            *(said.block_faults, "'self'"),
        ),
        (
            # A flag of another study: each is compared with its own script's.
            *("model_zoo.md", "--recipes selfres", "--oracle"),
            *(said.block_faults, "--oracle"),
        ),
        (
            *("docs/coming_from.md", "search --budget", "search --probe"),
            *(said.sentence_faults, "search has no --probe"),
        ),
        (
            *("docs/coming_from.md", "--probe linear`", "--probe line`"),
            *(said.sentence_faults, "--probe takes no line"),
        ),
        (
            *("README.md", "`eval_linear.py --protocols`", "`eval_knn.py --protocols`"),
            *(said.sentence_faults, "eval_knn has no --protocols"),
        ),
        (
            *("docs/howto/starts.md", "clusters/leaf.npy", "clusters/leaves.npy"),
            *(files.file_faults, "nothing writes leaves.npy"),
        ),
        (
            *("docs/howto/images.md", "`duplicates.csv`", "`copies.csv`"),
            *(files.file_faults, "nothing writes copies.csv"),
        ),
        (
            *("docs/start.md", "`OUT/report.html`", "`OUT/reports.html`"),
            *(files.file_faults, "nothing writes reports.html"),
        ),
        (
            *("CONTRIBUTING.md", "\nmake test-fast ", "\nmake testfast "),
            *(said.block_faults, "no goal testfast"),
        ),
        (
            *("CONTRIBUTING.md", "`make test-fast`", "`make testfast`"),
            *(said.sentence_faults, "no goal testfast"),
        ),
    ],
)
def test_a_slip_is_found(texts, page, old, new, check, fault):
    """So that the tests above can fail: each has once passed unnoticed."""
    assert old in texts[page]
    found = check(page, texts[page].replace(old, new, 1))
    assert len(found) == 1 and fault in found[0], found
