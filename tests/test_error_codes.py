"""Every error that a user can cause has a code, and every code an entry of its own."""

import ast
import errno
import os
import re
from collections import Counter

import pytest

from mmtaskssl.utils import families
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import FAMILIES

#: Of all places that raise an error, one code may cover so many: no family is a heap.
MOST = 0.1
#: Said by the system and by argparse, in their own words.
FOREIGN = [os.strerror(n) for n in (errno.EACCES, errno.ENOENT)] + [
    "unrecognized arguments"
]
#: Written elsewhere than where the error is made.
APART = {
    "raise the limit of open files",
    "make room, and run the same command again",
    "it wrote nothing",
    "are of another size than",
}
#: Raised through what another process said, or what the system did.
BY_OTHERS = {"step-failed", "out-of-memory", "in-use"}


def _sources(root):
    for room in ("mmtaskssl", "tools", "demo"):
        for path in sorted((root / room).rglob("*.py")):
            name = str(path.relative_to(root))
            if not name.startswith("mmtaskssl/utils/families/"):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sources(repo_root):
    found = dict(_sources(repo_root))
    assert len(found) > 500
    return found


@pytest.fixture(scope="module")
def kinds(sources):
    """The code of each class of errors, also of those that a room has for itself."""
    found = {kind.__name__: kind.code for kind in FAMILIES.values()}
    before = 0
    while before != len(found):  # a class may be of another that comes later
        before = len(found)
        for tree in sources.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    bases = [getattr(base, "id", "") for base in node.bases]
                    codes = [found[base] for base in bases if base in found]
                    found |= {node.name: codes[0]} if codes else {}
    assert len(found) > len(FAMILIES)
    return found


def _made(tree):
    """Names of the classes that a module makes errors of, and the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _name_of(node), node.lineno


def _name_of(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


@pytest.fixture(scope="module")
def counts(sources, kinds):
    """How many places raise each code."""
    made = (name for tree in sources.values() for name, _ in _made(tree))
    return Counter(kinds[name] for name in made if name in kinds)


def test_codes_are_the_names_of_their_classes():
    for code, kind in FAMILIES.items():
        assert re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower() == code
        assert getattr(families, kind.__name__) is kind and kind.__doc__
    named = {kind.__name__ for kind in UserError.__subclasses__()}
    own = {k for k in named if getattr(families, k, None)}
    assert own == {kind.__name__ for kind in FAMILIES.values()}
    assert {*own, "UserError", "FAMILIES"} == {*families.__all__}


def test_every_place_that_raises_has_a_code(sources):
    bare = [
        f"{name}:{line}"
        for name, tree in sources.items()
        for made, line in _made(tree)
        if made == "UserError"
    ]
    assert not bare  # take a family of mmtaskssl.utils.families, or make one


def test_every_class_of_errors_has_a_family(sources):
    direct = [
        f"{name}: {node.name}"
        for name, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and "UserError" in [getattr(base, "id", "") for base in node.bases]
    ]
    assert not direct


def test_no_code_is_a_heap(counts):
    total = sum(counts.values())
    assert total > 900
    most, number = counts.most_common(1)[0]
    assert number <= MOST * total, f"{most} has {number} of {total}: divide it"
    vague = {"other", "misc", "unknown", "general", "generic", "error", "invalid"}
    assert not vague & {*FAMILIES}


def test_no_code_is_without_a_place(counts):
    assert {code for code in FAMILIES if not counts[code]} <= BY_OTHERS
    assert not {*counts} - {*FAMILIES}


@pytest.fixture(scope="module")
def entries(repo_root):
    """Of the page, what stands below each code."""
    page = (repo_root / "docs/troubleshooting.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `\[(.+)\]`\n", page, flags=re.M)[1:]
    heads, bodies = parts[::2], parts[1::2]
    assert len({*heads}) == len(heads)
    cut = (re.split(r"^## ", body, flags=re.M)[0] for body in bodies)
    return dict(zip(heads, cut, strict=True))


def test_every_code_has_an_entry_of_its_own(entries):
    assert sorted(entries) == sorted(FAMILIES)


def test_entries_say_what_to_do_and_where_to_read_on(entries):
    for code, text in entries.items():
        assert "**Mend:**" in text or "Mend:" in text, code
        assert re.search(r"\]\(\S+\.md(?:#\S+)?\)", text), code
        assert re.match(r"\n\*", text), code  # sentences of it come first


def test_codes_that_texts_name_exist(repo_root):
    texts = [repo_root / "README.md", *(repo_root / "docs").glob("*.md")]
    texts += (repo_root / "docs/howto").glob("*.md")
    seen = set()
    for path in texts:
        text = path.read_text(encoding="utf-8")
        seen |= {*re.findall(r"^error: .* \[([a-z-]+)\]$", text, re.M)}
        seen |= {*re.findall(r"troubleshooting\.md#([a-z-]+)", text)}
        if path.name == "troubleshooting.md":  # elsewhere extras are written so, too
            seen |= {*re.findall(r"`\[([a-z]+(?:-[a-z]+)*)\]`", text)}
    assert len(seen) > 40 and not seen - {*FAMILIES}


def _sentences(tree):
    """Every text of a piece of source, with a gap where a value goes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", "\0") for part in node.values)
            yield "".join(p if isinstance(p, str) else "\0" for p in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_sentences_that_are_explained_are_said_with_their_code(entries, sources, kinds):
    said = {code: [*FOREIGN] for code in FAMILIES}
    texts = []
    for tree in sources.values():
        texts += _sentences(tree)
        for node in ast.walk(tree):
            if code := isinstance(node, ast.Call) and kinds.get(_name_of(node)):
                said[code] += _sentences(node)
    unsaid, number = [], 0
    for code, entry in entries.items():
        head = " ".join(entry.strip().split("\n\n")[0].split())
        for sentence in re.findall(r"\*(.+?)\*(?:, |$)", head):
            number += 1
            parts = [part.strip(" ,;") for part in sentence.split("...")]
            where = texts if sentence in APART else said[code]
            if not any(all(part in text for part in parts) for text in where):
                unsaid.append(f"{code}: {sentence}")
    assert number > 100 and not unsaid, "\n".join(unsaid)
