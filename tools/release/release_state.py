"""Checks of a checkout as it lies there: versions, texts, what names what, git."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from release_pythons import wanted_versions
from release_rows import FAILED, NOT_RUN, OK, Row, last_line, row, run

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, whose pip carries one
    from pip._vendor import tomli as tomllib

_HEADING = re.compile(r"^## (\S+)", re.M)
_ARXIV = re.compile(r"arxiv\.org/abs/(\d{4}\.\d{5})")
_LEVERS = "| lever |"
_PLATFORMS = "docs/platforms.md"
_SYSTEMS = ("Linux", "macOS", "Windows")


def project(root: Path) -> dict[str, Any]:
    """Returns pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def versions(root: Path) -> dict[str, str]:
    """Returns the version that each file names."""
    text = (root / "mmtaskssl" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"', text, re.M)
    changes = changelog(root)
    named = [heading for heading in changes if heading != "Unreleased"]
    return {
        "pyproject.toml": project(root)["project"]["version"],
        "mmtaskssl/__init__.py": found.group(1) if found else "none",
        "CITATION.cff": str(citation(root).get("version", "none")),
        "CHANGELOG.md": named[0] if named else "none",
    }


def changelog(root: Path) -> dict[str, str]:
    """Returns the sections of the change log by their headings, newest first."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *parts = _HEADING.split(text)
    return {h: body.strip() for h, body in zip(parts[::2], parts[1::2], strict=True)}


def citation(root: Path) -> Mapping[str, Any]:
    """Returns CITATION.cff."""
    return yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))


def versions_agree(found: Mapping[str, str]) -> Row:
    """Says whether all files name one version."""
    different = len(set(found.values())) > 1
    said = [f"{file} says {version}" for file, version in found.items()]
    return row("versions", said if different else [], next(iter(found.values()), ""))


def citation_faults(document: Mapping[str, Any], readme: str) -> list[str]:
    """Says what of CITATION.cff its format (1.2.0) forbids, or README contradicts.

    Args:
        document: What is read of it.
        readme: Whose table of levers names the papers.
    """
    faults = []
    if document.get("cff-version") != "1.2.0":
        faults.append("cff-version is not 1.2.0")
    if not (document.get("message") and document.get("title")):
        faults.append("message or title is missing")
    if not _are_authors(document.get("authors")):
        faults.append("authors is missing, or one has no name")
    named = set()
    for reference in document.get("references") or []:
        title = reference.get("title") or "a reference"
        if not (reference.get("type") and reference.get("title")):
            faults.append(f"{title} has no type or no title")
        if not _are_authors(reference.get("authors")):
            faults.append(f"{title} has no authors, or one without a name")
        ids = set(_ARXIV.findall(str(reference.get("url"))))
        values = {one.get("value") for one in reference.get("identifiers") or []}
        if values != {f"arXiv:{one}" for one in ids}:
            faults.append(f"{title} has another arXiv id than its url")
        named |= ids
    papers = set()
    for line in readme.partition(_LEVERS)[2].split("\n\n")[0].splitlines():
        papers |= set(_ARXIV.findall(line))
    if named != papers or not papers:
        faults.append(f"README names {sorted(papers)}, the references {sorted(named)}")
    return faults


def _are_authors(authors: Any) -> bool:
    return bool(authors) and all(
        one.get("name") or (one.get("family-names") and one.get("given-names"))
        for one in authors
    )


def readme_faults(readme: str, makefile: str) -> list[str]:
    """Says what of README's first commands the Makefile does not know."""
    block = readme.partition("## Quickstart")[2].partition("```")[2].partition("```")[0]
    lines = re.findall(r"^make ([^#\n]+)", block, re.M)
    goals = [line.split()[0] for line in lines]
    faults = [f"make {g}" for g in goals if f"\n{g}:" not in f"\n{makefile}"]
    faults = [f"{fault} is no goal of the Makefile" for fault in faults]
    for name in re.findall(r"\b([A-Z]+)=", "\n".join(lines)):
        if not re.search(rf"^{name} [?:]?=", makefile, re.M):
            faults.append(f"{name}= is no variable of the Makefile")
    if len(set(goals)) < 2:
        faults.append("README's quickstart does not show its two commands")
    return faults


def first_line(root: Path) -> str:
    """Returns what README says first, of Pythons, licence and systems."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^Python 3\..*?(?=\n\n)", readme, re.M | re.S)
    return found[0] if found else ""


def systems(line: str) -> dict[str, bool]:
    """Returns the systems that README's first line names, and whether as tested."""
    linked = re.search(rf"\[([^\]]*)\]\({_PLATFORMS}\)", line)
    parts = linked[1].split(";") if linked else []
    return {
        name: "untested" not in part
        for part in parts
        for name in _SYSTEMS
        if name in part
    }


def platform_faults(line: str, page: str) -> list[str]:
    """Says which systems README's first line calls otherwise than the page of them.

    Args:
        line: See `systems`.
        page: docs/platforms.md, whose table says where the tests run.
    """
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.M)
    named = systems(line)
    faults = [] if named else [f"it names no system, with a link to {_PLATFORMS}"]
    for name, as_tested in named.items():
        words = " ".join(text for system, text in rows if system.startswith(name))
        tested = "where the tests run" in words
        if as_tested != tested or not (tested or "not tested" in words.lower()):
            how = "tested" if as_tested else "untested"
            faults.append(f"it calls {name} {how}, {_PLATFORMS} does not")
    return faults


def system_rows(root: Path, here: str) -> list[Row]:
    """Returns a row for each system that README's first line names.

    Args:
        root: The checkout.
        here: What `platform.system` says.
    """
    name_here = {"Darwin": "macOS"}.get(here, here)
    return [
        Row(f"system: {name}", OK, "all of this ran here")
        if name == name_here
        else Row(f"system: {name}", NOT_RUN, f"this is {name_here}")
        for name in systems(first_line(root))
    ]


def first_line_faults(root: Path) -> list[str]:
    """Says what of README's first line, on Pythons, licence and systems, is not so.

    Args:
        root: The checkout: its pyproject.toml knows, and what is linked lies in it.
    """
    line, about = first_line(root), project(root)["project"]
    versions_of = wanted_versions(about["requires-python"])
    said = (
        f"Python {versions_of[0]} to {versions_of[-1]} ",
        f"[{about['license']}](LICENSE)",
    )
    faults = [f"it does not say {words!r}" for words in said if words not in line]
    platforms = root / _PLATFORMS
    if platforms.is_file():
        faults += platform_faults(line, platforms.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#]+)\)", line)
    return faults + [
        f"{link} is not there" for link in links if not (root / link).is_file()
    ]


def index_faults(root: Path) -> list[str]:
    """Says which entries of model-index.yml, or of what it names, lead nowhere."""
    index = yaml.safe_load((root / "model-index.yml").read_text(encoding="utf-8"))
    faults = [] if index.get("Import") else ["model-index.yml imports nothing"]
    for name in index.get("Import") or []:
        if not (root / name).is_file():
            faults.append(f"{name} is not there")
            continue
        metafile = yaml.safe_load((root / name).read_text(encoding="utf-8"))
        for model in metafile.get("Models") or []:
            if not (root / model["Config"]).is_file():
                faults.append(f"{name}: {model['Config']} is not there")
    return faults


def tree_row(root: Path) -> Row:
    """Says whether everything is committed."""
    status, said = run(["git", "status", "--porcelain"], root)
    if status:
        return Row("tree is clean", FAILED, last_line(said))
    changed = [line[3:] for line in said.splitlines()]
    return row("tree is clean", [f"{name} is not committed" for name in changed])


def tag_note(version: str, tags: list[str], unreleased: str) -> str:
    """Says how far a checkout is from being the release of its version.

    Args:
        version: Of the checkout.
        tags: Those that point at its commit.
        unreleased: What the change log has above the version.
    """
    if f"v{version}" in tags:
        return f"v{version} points here"
    note = f"v{version} does not point here"
    if unreleased:
        entries = sum(line.startswith("- ") for line in unreleased.splitlines())
        note += (
            f"; {entries} unreleased entries of CHANGELOG.md are to become a version"
        )
    return note


def tag_row(root: Path) -> Row:
    """Says whether this commit is tagged; that is a fact, no fault."""
    status, said = run(["git", "tag", "--points-at", "HEAD"], root)
    if status:
        return Row("tag", FAILED, last_line(said))
    version = project(root)["project"]["version"]
    unreleased = changelog(root).get("Unreleased", "")
    return Row("tag", OK, tag_note(version, said.split(), unreleased))


def state_rows(root: Path) -> list[tuple[str, Any]]:
    """Returns names and functions of all checks of this file."""

    def read(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    return [
        ("versions", lambda: versions_agree(versions(root))),
        (
            "CITATION.cff",
            lambda: row(
                "CITATION.cff",
                citation_faults(citation(root), read("README.md")),
                f"{len(citation(root)['references'])} papers",
            ),
        ),
        (
            "README's commands",
            lambda: row(
                "README's commands", readme_faults(read("README.md"), read("Makefile"))
            ),
        ),
        (
            "README's first line",
            lambda: row("README's first line", first_line_faults(root)),
        ),
        ("model-index.yml", lambda: row("model-index.yml", index_faults(root))),
        ("tree is clean", lambda: tree_row(root)),
        ("tag", lambda: tag_row(root)),
    ]
