"""The page of licences of what is depended on, from installed metadata."""

import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

_HEAD = """# Licences

mmtaskssl is under the Apache License 2.0 (`LICENSE`). What it depends on is installed
beside it, each package under its own licence, and is no part of the wheel. The table is
what the installed packages say of themselves; it is no legal advice, and is written by

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


def requirements(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns each package that pyproject.toml names, and the extras that ask for it.

    Args:
        project: The table ``project``. What is always installed is "always".
    """
    found: dict[str, list[str]] = {}
    groups = {"always": project["dependencies"], **project["optional-dependencies"]}
    for group, lines in groups.items():
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


def known_lines(page: str) -> dict[str, str]:
    """Returns the lines of a page that was written, by their packages."""
    return {m[1]: m[0] for m in re.finditer(r"^\| `([^`]+)` \|.*$", page, re.M)}


def page(project: Mapping[str, Any], before: str = "") -> str:
    """Returns the page.

    Args:
        project: The table ``project`` of pyproject.toml.
        before: The page as it was: lines of packages that are not installed here, such
            as the other one of two that exclude each other, stay.
    """
    known, lines = known_lines(before), []
    for name, groups in requirements(project).items():
        try:
            info = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            line = known.get(name)
            lines.append(line or f"| `{name}` | not installed here | {_uses(groups)} |")
            continue
        said = licence(info, info.get_all("Classifier") or [])
        said = said or "its metadata names none"
        lines.append(f"| `{name}` | {said} | {_uses(groups)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _uses(groups: Sequence[str]) -> str:
    return ", ".join(g if g == "always" else f"`[{g}]`" for g in groups)


def page_faults(project: Mapping[str, Any], text: str) -> list[str]:
    """Says which packages the page lacks, or names though nothing asks for them."""
    named, wanted = set(known_lines(text)), set(requirements(project))
    faults = [f"{name} is not on the page" for name in sorted(wanted - named)]
    return faults + [f"{name} is asked for no more" for name in sorted(named - wanted)]
