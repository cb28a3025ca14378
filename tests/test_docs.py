"""The site of `docs/` builds without a warning, and its links lead somewhere."""

import html.parser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mmtaskssl import apis
from mmtaskssl.cli.verbs import VERBS, commands
from tests import _docs

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")


class Page(html.parser.HTMLParser):
    """What a page links to, loads, and can be linked to by."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag in ("script", "img", "iframe"):
            self.loaded.append(values.get("src") or "")
        elif tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(values["href"])


@pytest.fixture(scope="module")
def pages(repo_root, tmp_path_factory):
    """Of a copy, for its pages that are made from the code are written beside it."""
    root = tmp_path_factory.mktemp("site")
    names = [Path(name).name for name in _docs.made(repo_root)]
    made = shutil.ignore_patterns("_build", "__pycache__", *names)
    shutil.copytree(repo_root / "docs", root / "docs", ignore=made)
    shutil.copy(repo_root / "model_zoo.md", root)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-n"]
    command += ["-W", "--keep-going", "docs", "html"]
    built = subprocess.run(
        command,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert built.returncode == 0, built.stderr
    assert not built.stderr
    return {path: Page(path) for path in (root / "html").rglob("*.html")}


def _named(pages, name):
    (found,) = (page for path, page in pages.items() if path.as_posix().endswith(name))
    return found


def test_links_lead_somewhere(pages):
    broken, followed = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            there = path.parent / unquote(parts.path) if parts.path else path
            there = there.resolve()
            known = pages.get(there)
            if not there.is_file() or (
                parts.fragment and known and unquote(parts.fragment) not in known.ids
            ):
                broken.append(f"{path.name}: {link}")
            followed += 1
    assert followed > 1000 and not broken


def test_every_verb_has_a_page_and_every_public_name_an_entry(pages):
    for verb in VERBS.keys() & commands().keys():
        assert _named(pages, f"/reference/cli/{verb}.html").links
    entries = {name for page in pages.values() for name in page.ids}
    assert {f"mmtaskssl.apis.{name}" for name in apis.__all__} <= entries


def test_nothing_is_loaded_from_a_network(pages):
    loaded = {address for page in pages.values() for address in page.loaded}
    assert loaded and not [a for a in loaded if urlsplit(a).netloc]


def test_the_search_knows_pages_that_are_made_and_pages_that_are_written(pages):
    (root,) = {path.parent for path in pages if path.name == "coming_from.html"}
    index = (root / "searchindex.js").read_text(encoding="utf-8")
    names = ("evidence/sdr", "reference/cli/select", "reference/registries/models")
    assert all(f'"{name}"' in index for name in names)
