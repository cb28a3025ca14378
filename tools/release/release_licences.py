"""The page of licences of what is depended on, from installed metadata."""

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

_HEAD = """# Licences

mmtaskssl is under the Apache License 2.0 (`LICENSE`). What it depends on is installed
beside it, each package under its own licence, and is no part of the wheel. The table is
what the installed packages say of themselves, or the text of a licence that lies in
them; it is no legal advice, and is written by

```bash
python tools/release/release_check.py --licences docs/licences.md
```

Weights have licences of their own: those of timm and torchvision are named by these
libraries, and the card that `customize` writes names the start that its backbone began
from. Images of data sets are no part of this repository or of an export. The picture of
the quickstart shows small pieces of images that scikit-learn and scikit-image hand out:
digits of the UCI repository, two photographs under CC BY 2.0 (china.jpg by
danielbuechele, flower.jpg by vultilion, both of Flickr), and scikit-image's samples,
whose sources its `data` module names.

| package | licence | for |
| --- | --- | --- |
"""
_TROVE = "License :: OSI Approved :: "
_LONG = 60  # of a field that holds a name, not the text of a licence
#: Of packages that `make env` leaves out: another one excludes the first, and the
#: others are not needed to write the page.
_EXCLUDED = {"faiss-gpu": "MIT", "pylance": "Apache-2.0", "ray": "Apache-2.0"}
#: Words that the beginning of a licence's text has, and its name.
_TEXTS = (
    (r"Apache (Software )?License,?\s+(Version )?2\.0", "Apache-2.0"),
    (r"Permission is hereby granted, free of charge", "MIT"),
    (r"Neither the name of", "BSD-3-Clause"),
)
_UNKNOWN = "not known"


def requirements(
    project: Mapping[str, Any], build: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Returns each package that pyproject.toml names, and the extras that ask for it.

    Args:
        project: The table ``project``. What is always installed is "always".
        build: What builds it.
    """
    found: dict[str, list[str]] = {}
    groups = {"always": project["dependencies"], **project["optional-dependencies"]}
    for group, lines in {**groups, "build": build}.items():
        for line in lines:
            name = re.match(r"[A-Za-z0-9._-]+", line)[0].lower().replace("_", "-")
            uses = found.setdefault(name, [])
            if group not in uses:
                uses.append(group)
    return dict(sorted(found.items()))


def licence(info: Mapping[str, Any], classifiers: Sequence[str] = ()) -> str:
    """Returns what a package says that its licence is; "" where it says nothing.

    Args:
        info: Its metadata: ``License-Expression`` comes first, then classifiers, then
            a ``License`` that is a name and no text.
        classifiers: Of the package.
    """
    if expression := info.get("License-Expression"):
        return str(expression)
    trove = [c.removeprefix(_TROVE) for c in classifiers if c.startswith(_TROVE)]
    if trove:
        return ", ".join(trove)
    given = str(info.get("License") or "").strip()
    is_name = given and "\n" not in given and len(given) <= _LONG
    return given if is_name and given != "UNKNOWN" else ""


def licence_of_text(text: str) -> str:
    """Returns the name of the licence that a text is; "" where it is none of a few."""
    plain = " ".join(text.split())
    return next((name for words, name in _TEXTS if re.search(words, plain)), "")


def said_by(package: str) -> str:
    """Returns what an installed package says, or the text that lies in it; "" if none.

    Raises:
        PackageNotFoundError: It is not installed.
    """
    info = metadata.metadata(package)
    said = licence(info, info.get_all("Classifier") or [])
    for file in metadata.files(package) or () if not said else ():
        if re.search(r"dist-info/(licenses/)?LICEN[CS]E[^/]*$", str(file)):
            said = said or licence_of_text(file.read_text(encoding="utf-8"))
    return said


def known_licences(page: str) -> dict[str, str]:
    """Returns the licences of a page that was written, by their packages."""
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|.*$", page, re.M))


def page(
    project: Mapping[str, Any],
    before: str = "",
    build: Sequence[str] = (),
    said: Callable[[str], str] = said_by,
) -> str:
    """Returns the page.

    Args:
        project: The table ``project`` of pyproject.toml.
        before: The page as it was: licences of packages that are not installed here
            stay.
        build: What builds it.
        said: Tells what a package says; see `said_by`.
    """
    known, lines = known_licences(before), []
    for name, groups in requirements(project, build).items():
        try:
            found = said(name) or "its metadata names none"
        except metadata.PackageNotFoundError:
            found = _EXCLUDED.get(name) or known.get(name) or _UNKNOWN
        lines.append(f"| `{name}` | {found} | {_uses(groups)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _uses(groups: Sequence[str]) -> str:
    plain = ("always", "build")
    return ", ".join(g if g in plain else f"`[{g}]`" for g in groups)


def page_faults(
    project: Mapping[str, Any],
    text: str,
    build: Sequence[str] = (),
    said: Callable[[str], str] = said_by,
) -> list[str]:
    """Says where the page is not what would be written.

    Args:
        project: See `page`.
        text: The page.
        build: See `page`.
        said: See `page`.
    """
    wanted = page(project, text, build, said).splitlines()
    there, named = text.splitlines(), known_licences(text)
    faults = []
    for line in wanted:
        name = next(iter(known_licences(line)), "")
        if name and name not in named:
            faults.append(f"{name} is not on the page")
        elif name and f"| {_UNKNOWN} |" in line:
            faults.append(f"the licence of {name} is not known: install it")
        elif line not in there:
            faults.append(f"it does not say {line!r}")
    asked = requirements(project, build)
    faults += [f"{n} is asked for no more" for n in sorted(set(named) - set(asked))]
    if not faults and there != wanted:
        faults.append("it has lines that are not written by --licences")
    return faults
